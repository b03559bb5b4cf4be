//! `report`: opening, in, out and closing of a period, on the terminal, as JSON and into files.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use clap::Args;
use inventory::Parts;
use inventory::config::Config;
use inventory::error::{Code, Error, Result};
use inventory::fonts::Fonts;
use inventory::ledger::Ledger;
use inventory::print::{self, Paper, Print};
use inventory::report::{
    Cell, CsvTable, Filter, Flow, Group, Names, Period, Request, Sheet, Table, Words, XlsxTable, export, run,
    stretch,
};

use crate::{Outcome, output};

/// What to report.
#[derive(Args)]
pub struct Options {
    /// First day, YYYY-MM-DD; or a first second, "YYYY-MM-DD HH:MM:SS"
    #[arg(long, value_name = "D", value_parser = moment)]
    from: Stretch,
    /// Last day, included; or a last second
    #[arg(long, value_name = "D", value_parser = moment)]
    to: Stretch,
    /// Groups, comma-separated: product, warehouse, company, category, day, week, month
    #[arg(long, value_name = "GROUPS", value_delimiter = ',', default_value = "product,warehouse")]
    by: Vec<Group>,
    /// Only this product; may be repeated
    #[arg(long, value_name = "P")]
    product: Vec<String>,
    /// Only this warehouse; may be repeated
    #[arg(long, value_name = "W")]
    warehouse: Vec<String>,
    /// Only this company; may be repeated
    #[arg(long, value_name = "C")]
    company: Vec<String>,
    /// Only products of this category; may be repeated
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// Groups with neither balance nor movement, too
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a CSV (UTF-8 with byte order mark); - writes standard output
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a workbook
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
    /// Print a PDF on A4: filters, totals, a chart of the days, all rows
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// The PDF's paper lies on its long side
    #[arg(long, requires = "pdf")]
    landscape: bool,
    /// Draw in, out and closing per day: an SVG, or a PNG or PDF if the name ends so
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// Language of workbook, PDF and chart: en or zh
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: String,
}

/// A day, or a second of one: its first second, and the one after its last.
type Stretch = (NaiveDateTime, NaiveDateTime);

fn moment(text: &str) -> std::result::Result<Stretch, String> {
    stretch(text).ok_or_else(|| "write it as YYYY-MM-DD or \"YYYY-MM-DD HH:MM:SS\"".to_owned())
}

impl Options {
    fn period(&self) -> Result<Period> {
        let period = Period { start: self.from.0, end: self.to.1 };
        if period.sound() {
            return Ok(period);
        }
        let words = "--to lies before --from, or a date lies outside the years 1000 to 9999.";
        Err(Error::new(Code::Invalid, inventory::words::Words::plain(words)))
    }

    fn request(&self) -> Result<Request> {
        let filter = Filter::of(&self.product, &self.warehouse, &self.company, &self.category);
        let request = Request { filter, all: self.all, ..Request::new(self.period()?, &self.by) };
        request.check()?;
        Ok(request)
    }
}

/// Reports, and says on standard error what was written where.
pub async fn report(config: Config, options: &Options) -> Result<Outcome> {
    let request = options.request()?;
    let engine = super::open(config, Parts::Stores).await?;
    let ledger = engine.ledger();
    ledger.require_ready().await?;
    if let Some(path) = &options.csv {
        csv(ledger, &request, path).await?;
    }
    if let Some(path) = &options.xlsx {
        let words = Words::of(&options.language);
        let names = Names::read(ledger, &request.by).await?;
        let mut table = XlsxTable::new(words.sheet);
        export(ledger, &request, Sheet::Words(&words, &names), &mut table, |_| Flow::On).await?;
        table.save(path)?;
    }
    let made = super::clock().wall();
    if let Some(path) = &options.pdf {
        let paper = Paper { landscape: options.landscape };
        let fonts = Fonts::of_this_machine()?;
        let print = Print { path, paper, language: &options.language, made, fonts: &fonts };
        print::report(ledger, &request, &print, |_| Flow::On).await?;
    }
    if let Some(path) = &options.chart {
        super::chart::draw(ledger, &request, path, &options.language, made).await?;
    }
    let files = [&options.csv, &options.xlsx, &options.pdf, &options.chart];
    for path in files.into_iter().flatten().filter(|path| *path != Path::new("-")) {
        eprintln!("inv-daemon: {} is written", path.display());
    }
    if options.json {
        let mut table = JsonTable::new();
        export(ledger, &request, Sheet::Fields, &mut table, |_| Flow::On).await?;
    } else if files.iter().all(|file| file.is_none()) {
        print(ledger, &request).await?;
    }
    Ok(Outcome::Clean)
}

async fn csv(ledger: &Ledger, request: &Request, path: &Path) -> Result<()> {
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(std::io::stdout())
    } else {
        let file = std::fs::File::create(path);
        Box::new(file.map_err(|error| {
            Error::new(Code::Config, inventory::words::Words::plain(format!("{}: {error}", path.display())))
        })?)
    };
    let mut table = CsvTable::new(BufWriter::new(out))?;
    export(ledger, request, Sheet::Fields, &mut table, |_| Flow::On).await?;
    table.finish()
}

/// For eyes: columns, and the totals below.
async fn print(ledger: &Ledger, request: &Request) -> Result<()> {
    let report = run(ledger, request).await?;
    let figures = ["opening", "in", "out", "closing"];
    let header: Vec<&str> = request.by.iter().map(|group| group.name()).chain(figures).collect();
    let groups = request.by.len();
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(report.rows.len() + 1);
    let numbers =
        |f: &inventory::report::Figures| [f.opening, f.inward, f.outward, f.closing()].map(|n| n.to_string());
    for row in &report.rows {
        rows.push(row.group.iter().map(|value| value.to_string()).chain(numbers(&row.figures)).collect());
    }
    let mut total = vec![String::new(); groups];
    if let Some(first) = total.first_mut() {
        *first = "total".to_owned();
    }
    rows.push(total.into_iter().chain(numbers(&report.totals)).collect());
    output::table(&header, &rows, &[groups, groups + 1, groups + 2, groups + 3])
}

/// One array of objects on standard output, row by row.
struct JsonTable {
    fields: Vec<String>,
    out: BufWriter<std::io::Stdout>,
    begun: bool,
}

impl JsonTable {
    fn new() -> Self {
        JsonTable { fields: Vec::new(), out: BufWriter::new(std::io::stdout()), begun: false }
    }

    /// A reader that has gone away ends the program quietly with success, as other tools do.
    fn put(&mut self, text: &str) -> Result<()> {
        match self.out.write_all(text.as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(Error::new(
                Code::Full,
                inventory::words::Words::plain(format!("cannot write the output: {error}")),
            )),
        }
    }
}

impl Table for JsonTable {
    fn header(&mut self, titles: &[String]) -> Result<()> {
        self.fields = titles.to_vec();
        self.put("[")
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let mut object = serde_json::Map::with_capacity(cells.len());
        for (field, cell) in self.fields.iter().zip(cells) {
            let value = match cell {
                Cell::Text(text) => serde_json::Value::from(*text),
                Cell::Number(number) => serde_json::Value::from(*number),
            };
            object.insert(field.clone(), value);
        }
        let comma = if std::mem::replace(&mut self.begun, true) { "," } else { "" };
        self.put(&format!("{comma}{}", serde_json::Value::Object(object)))
    }

    fn totals(&mut self, _cells: &[Cell<'_>]) -> Result<()> {
        self.put("]\n")?;
        self.out.flush().map_err(|error| {
            Error::new(
                Code::Full,
                inventory::words::Words::plain(format!("cannot write the output: {error}")),
            )
        })
    }
}
