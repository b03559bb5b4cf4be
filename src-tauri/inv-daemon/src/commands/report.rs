//! `report`: opening, in, out and closing of a period, on the terminal, as JSON and into files.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use clap::Args;
use inventory::Parts;
use inventory::config::Config;
use inventory::domain::error::{Code, Error, Result};
use inventory::ledger::Ledger;
use inventory::report::fonts::Fonts;
use inventory::report::part_file::PartFile;
use inventory::report::print::{self, Paper, Print};
use inventory::report::{
    Cell, CsvTable, Filter, Flow, Group, Names, Period, Request, Sheet, Table, Words, XlsxTable, export, run,
    stretch,
};

use super::stop::Stop;
use super::writing::Writing;
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
    /// Tell progress as lines on standard error where that is no terminal, too
    #[arg(long)]
    progress: bool,
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
        Err(Error::new(Code::Invalid, inventory::domain::words::Words::plain(words)))
    }

    fn files(&self) -> [&Option<PathBuf>; 4] {
        [&self.csv, &self.xlsx, &self.pdf, &self.chart]
    }

    fn is_csv_for_output(&self) -> bool {
        self.csv.as_deref() == Some(Path::new("-"))
    }

    fn request(&self) -> Result<Request> {
        let filter = Filter::of(&self.product, &self.warehouse, &self.company, &self.category);
        let request = Request { filter, all: self.all, ..Request::new(self.period()?, &self.by) };
        request.check()?;
        Ok(request)
    }
}

/// Reports, and says on standard error what was written where. SIGTERM and Ctrl+C end it: a file that is not whole
/// leaves nothing behind, and then something is left to be done (exit code 1).
pub async fn report(config: Config, options: &Options) -> Result<Outcome> {
    let request = options.request()?;
    let mut stop = Stop::listen()?;
    let work = async {
        let engine = super::open(config, Parts::Stores).await?;
        engine.ledger().require_ready().await?;
        files(engine.ledger(), &request, options).await?;
        Ok::<_, Error>(engine)
    };
    let engine = tokio::select! {
        done = work => done?,
        told = stop.told() => {
            told?;
            eprintln!("inv-daemon: cancelled; what was not whole is not there");
            return Ok(Outcome::Found);
        }
    };
    // Whoever reads standard output may keep it waiting: from here on a signal ends the program where it stands.
    tokio::spawn(async move {
        if stop.told().await.is_ok() {
            std::process::exit(1);
        }
    });
    let ledger = engine.ledger();
    if options.is_csv_for_output() {
        let mut table = CsvTable::new(BufWriter::new(std::io::stdout()))?;
        export(ledger, &request, Sheet::Fields, &mut table, |_| Flow::On).await?;
        table.finish()?;
    }
    if options.json {
        let mut table = JsonTable::new();
        export(ledger, &request, Sheet::Fields, &mut table, |_| Flow::On).await?;
    } else if options.files().iter().all(|file| file.is_none()) {
        print(ledger, &request).await?;
    }
    Ok(Outcome::Clean)
}

/// Writes the files, each of which gets its name when it is whole.
async fn files(ledger: &Ledger, request: &Request, options: &Options) -> Result<()> {
    let made = super::clock().wall();
    if let Some(path) = options.csv.as_deref().filter(|_| !options.is_csv_for_output()) {
        csv(ledger, request, path, options.progress).await?;
        told(path);
    }
    if let Some(path) = &options.xlsx {
        xlsx(ledger, request, path, options).await?;
        told(path);
    }
    if let Some(path) = &options.pdf {
        let paper = Paper { landscape: options.landscape };
        let fonts = Fonts::of_this_machine()?;
        let print = Print { path, paper, language: &options.language, made, fonts: &fonts };
        let mut writing = Writing::new(path, options.progress);
        print::report(ledger, request, &print, |progress| writing.see(progress)).await?;
        told(path);
    }
    if let Some(path) = &options.chart {
        super::chart::draw(ledger, request, path, &options.language, made).await?;
        told(path);
    }
    Ok(())
}

fn told(path: &Path) {
    eprintln!("inv-daemon: {} is written", path.display());
}

async fn csv(ledger: &Ledger, request: &Request, path: &Path, asked: bool) -> Result<()> {
    let mut writing = Writing::new(path, asked);
    // A device or a pipe takes what comes; it is no file that could be whole or not.
    let part = if path.exists() && !path.is_file() { None } else { Some(PartFile::create(path)?) };
    let file = match &part {
        Some(part) => part.open()?,
        None => std::fs::File::create(path).map_err(|error| super::file_error(path, &error))?,
    };
    let mut table = CsvTable::new(BufWriter::new(file))?;
    export(ledger, request, Sheet::Fields, &mut table, |progress| writing.see(progress)).await?;
    table.finish()?;
    part.map_or(Ok(()), PartFile::keep)
}

async fn xlsx(ledger: &Ledger, request: &Request, path: &Path, options: &Options) -> Result<()> {
    let words = Words::of(&options.language);
    let names = Names::read(ledger, &request.by).await?;
    let mut writing = Writing::new(path, options.progress);
    let file = PartFile::create(path)?;
    let mut table = XlsxTable::new(words.sheet);
    let sheet = Sheet::Words(&words, &names);
    export(ledger, request, sheet, &mut table, |progress| writing.see(progress)).await?;
    // Zipping takes its time, in which a signal is heard; it goes on into a file that has no name any more.
    let open = file.open()?;
    let saved = tokio::task::spawn_blocking(move || table.save(open)).await;
    saved.map_err(|panic| Error::new(Code::Internal, inventory::domain::words::Words::plain(panic)))??;
    file.keep()
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
                inventory::domain::words::Words::plain(format!("cannot write the output: {error}")),
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
                inventory::domain::words::Words::plain(format!("cannot write the output: {error}")),
            )
        })
    }
}
