//! The audit's log as a file, page by page however long it is: CSV for programs, a workbook and printed paper for
//! people. The columns that the owner's specification names stand under its names, with its words.

mod log_words;

use std::io::BufWriter;
use std::path::Path;

use chrono::NaiveDateTime;

use audit::findings::{CAUSES, Run};
use audit::log::{self, Logged};
use domain::entry::StockKey;
use domain::error::{Code, Error, Result};
use domain::words;
use ledger::{AuditSearch, Ledger};
use log_words::{FIELDS, LogWords};
use report::fonts::Fonts;
use report::part_file::PartFile;
use report::print::{Heading, Paper, PdfTable};
use report::{Cell, CsvTable, Flow, Group, Names, OwnedCell, Table, XlsxTable};

/// Lines read at once.
const PAGE: usize = 1_000;
/// Columns that have room on paper: time, kind, who, subject, names, STATE, FLAG, RRS, NRS, difference, cause, action,
/// before, after.
const PRINTED: [usize; 15] = [1, 2, 4, 5, 7, 9, 11, 12, 14, 15, 16, 17, 19, 20, 21];

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs: names instead of words.
    Csv,
    /// A workbook.
    Xlsx,
    /// Printed.
    Pdf,
}

impl Form {
    /// By the ending of the file's name.
    pub fn of(path: &Path) -> Result<Self> {
        let end = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
        match end.as_str() {
            "csv" => Ok(Form::Csv),
            "xlsx" => Ok(Form::Xlsx),
            "pdf" => Ok(Form::Pdf),
            _ => {
                let words = words!(
                    "name_ending",
                    "{path}: end the name in .csv, .xlsx or .pdf.",
                    path = path.display()
                );
                Err(Error::new(Code::Invalid, words))
            }
        }
    }
}

/// How a log is written.
#[derive(Clone, Copy)]
pub struct LogFile<'a> {
    /// The file; its ending says what kind. It is there when it is whole.
    pub path: &'a Path,
    /// Language tag of its words.
    pub language: &'a str,
    /// When it is made, by the wall clock.
    pub made: NaiveDateTime,
    /// Milliseconds since the epoch by the wall clock, `YYYY-MM-DD HH:MM:SS`.
    pub wall: &'a (dyn Fn(i64) -> String + Send + Sync),
}

/// Writes every line that fits, newest first; answers how many. `watch` is told how many there are after each page and
/// may stop it: then no file is left and the answer is nothing.
pub async fn log(
    ledger: &Ledger,
    search: &AuditSearch,
    file: &LogFile<'_>,
    watch: impl FnMut(u64) -> Flow,
) -> Result<Option<u64>> {
    let names = Names::read(ledger, &[Group::Product, Group::Warehouse]).await?;
    let words = LogWords::of(file.language);
    let titles = words.titles.map(str::to_owned);
    match Form::of(file.path)? {
        Form::Csv => {
            let part = PartFile::create(file.path)?;
            let mut table = CsvTable::new(BufWriter::new(part.open()?))?;
            table.header(&FIELDS.map(str::to_owned))?;
            let record = |line: &Logged, run: Option<&Run>| named(line, run, &names, file.wall);
            let rows = lines(ledger, search, &mut table, record, watch).await?;
            table.finish()?;
            rows.map(|rows| part.keep().map(|()| rows)).transpose()
        }
        Form::Xlsx => {
            let part = PartFile::create(file.path)?;
            let mut table = XlsxTable::new(words.title);
            table.header(&titles)?;
            let record = |line: &Logged, run: Option<&Run>| worded(line, run, &names, file.wall, &words);
            let rows = lines(ledger, search, &mut table, record, watch).await?;
            let Some(rows) = rows else { return Ok(None) };
            table.save(part.open()?)?;
            part.keep().map(|()| Some(rows))
        }
        Form::Pdf => {
            let facts = facts(search, &words, file.wall);
            let heading = Heading::new(words.title, facts, file.language, file.made);
            let fonts = Fonts::of_this_machine()?;
            let mut table = PdfTable::create(file.path, Paper { landscape: true }, heading, &fonts)?;
            table.header(&PRINTED.map(|at| titles[at].clone()))?;
            let record = |line: &Logged, run: Option<&Run>| {
                let whole = worded(line, run, &names, file.wall, &words);
                PRINTED.iter().map(|at| whole[*at].clone()).collect()
            };
            let rows = lines(ledger, search, &mut table, record, watch).await?;
            let Some(rows) = rows else { return Ok(None) };
            table.finish().map(|()| Some(rows))
        }
    }
}

/// What the lines were chosen by, for the head of printed paper.
fn facts(
    search: &AuditSearch,
    words: &LogWords,
    wall: &(dyn Fn(i64) -> String + Send + Sync),
) -> Vec<(String, String)> {
    let [text, who, days, cause, run] = words.search;
    let moment = |ms: Option<i64>| ms.map(wall).unwrap_or_default();
    let between = (search.from_ms.is_some() || search.until_ms.is_some())
        .then(|| format!("{} – {}", moment(search.from_ms), moment(search.until_ms.map(|ms| ms - 1))));
    let found = search.cause.as_deref().map(|name| {
        let cause = CAUSES.into_iter().find(|cause| cause.name() == name);
        cause.map_or(name, |cause| words.cause(cause)).to_owned()
    });
    let asked = [
        (run, search.audit_id.map(|id| id.to_string())),
        (text, search.subject.clone().or(search.key.as_ref().map(StockKey::to_string))),
        (who, search.who.clone()),
        (days, between),
        (cause, found),
    ];
    let mut facts: Vec<(String, String)> =
        asked.into_iter().filter_map(|(word, says)| says.map(|says| (word.to_owned(), says))).collect();
    if facts.is_empty() {
        facts.push((words.lines.to_owned(), words.any.to_owned()));
    }
    facts
}

async fn lines(
    ledger: &Ledger,
    search: &AuditSearch,
    table: &mut dyn Table,
    record: impl Fn(&Logged, Option<&Run>) -> Vec<OwnedCell>,
    mut watch: impl FnMut(u64) -> Flow,
) -> Result<Option<u64>> {
    let mut search = search.clone();
    let (mut rows, mut run): (u64, Option<Run>) = (0, None);
    loop {
        let lines = log::lines(ledger, &search, PAGE).await?;
        let Some(last) = lines.last() else { break };
        search.before_id = Some(last.deviation.id);
        for line in &lines {
            if run.as_ref().is_none_or(|run| run.id != line.audit_id) {
                run = log::one(ledger, line.audit_id).await?;
            }
            let values = record(line, run.as_ref());
            table.row(&values.iter().map(Cell::from).collect::<Vec<_>>())?;
            rows += 1;
        }
        if watch(rows) == Flow::Stop {
            return Ok(None);
        }
    }
    Ok(Some(rows))
}

/// A line as programs read it.
fn named(
    line: &Logged,
    run: Option<&Run>,
    names: &Names,
    wall: &(dyn Fn(i64) -> String + Send + Sync),
) -> Vec<OwnedCell> {
    let found = &line.deviation;
    let texts = [
        run.map(|run| run.kind.name().to_owned()).unwrap_or_default(),
        run.map(|run| run.trigger.name().to_owned()).unwrap_or_default(),
        found.state.words().to_owned(),
        found.cause.name().to_owned(),
        found.cause.store().name().to_owned(),
        found.action.name().to_owned(),
    ];
    record(line, run, names, wall, texts)
}

/// A line as people read it.
fn worded(
    line: &Logged,
    run: Option<&Run>,
    names: &Names,
    wall: &(dyn Fn(i64) -> String + Send + Sync),
    words: &LogWords,
) -> Vec<OwnedCell> {
    let found = &line.deviation;
    let texts = [
        run.map(|run| words.kind(run.kind).to_owned()).unwrap_or_default(),
        run.map(|run| words.trigger(run.trigger).to_owned()).unwrap_or_default(),
        words.state(found.state),
        words.cause(found.cause).to_owned(),
        words.store(found.cause.store()).to_owned(),
        words.action(found.action).to_owned(),
    ];
    record(line, run, names, wall, texts)
}

fn record(
    line: &Logged,
    run: Option<&Run>,
    names: &Names,
    wall: &(dyn Fn(i64) -> String + Send + Sync),
    [kind, trigger, state, cause, store, action]: [String; 6],
) -> Vec<OwnedCell> {
    let found = &line.deviation;
    let key = found.key.as_ref();
    let name = |group, id: &str| names.name(group, id).unwrap_or_default().to_owned();
    let warehouse = key.map(|key| key.warehouse.to_string()).unwrap_or_default();
    let product = key.map(|key| key.product.to_string()).unwrap_or_default();
    let keys: Vec<String> = found.keys.iter().map(StockKey::to_string).collect();
    let who = run.map(|run| run.who.clone()).unwrap_or_default();
    let names = [name(Group::Warehouse, &warehouse), name(Group::Product, &product)];
    let [warehouse_name, product_name] = names;
    let mut values = vec![OwnedCell::Number(line.audit_id)];
    let texts = [wall(line.at_ms), kind, trigger, who, found.subject.clone()];
    values.extend(texts.map(OwnedCell::Text));
    values.extend([warehouse, warehouse_name, product, product_name, keys.join(" ")].map(OwnedCell::Text));
    values.extend([state, found.flag().into(), found.description().into()].map(OwnedCell::Text));
    values.extend([found.rrs, found.nrs, found.difference()].map(OwnedCell::Number));
    values.extend([cause, store, action, found.before.clone(), found.after.clone()].map(OwnedCell::Text));
    values
}
