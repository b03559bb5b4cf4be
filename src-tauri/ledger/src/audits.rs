//! The audit's memory: `audits` (one row per run) and `audit_log` (one per deviation), written in one transaction
//! and kept for ever. Knows their columns, not their meaning; the audit's own words go in and come out as text.

use std::fmt::Write;

use super::Ledger;
use super::dialect::Dialect;
use super::read::one_key;
use super::sql::{Row, Script, Session, Sql, conclude};
use domain::entry::{ProductId, StockKey, WarehouseId};
use domain::error::Result;

const RUN: &str = "started_ms, ended_ms, kind, triggered_by, who, outcome, judged, equal, pending, foreign_values, \
                   rows_read, tables_read, brought, cut";
const LINE: &str = "audit_id, at_ms, subject, warehouse_id, product_id, concerned, state, flag, description, rrs, \
                    nrs, difference, cause, store, action, before_text, after_text";
/// Longest `who`, in characters.
const LONGEST_WHO: usize = 255;

/// One row of `audits`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number; given by the ledger.
    pub id: i64,
    /// Start, milliseconds since the epoch.
    pub started_ms: i64,
    /// End.
    pub ended_ms: i64,
    /// quick, full or replay.
    pub kind: String,
    /// click, command or time.
    pub triggered_by: String,
    /// Program and machine.
    pub who: String,
    /// clean, corrected, deviations, storm or cancelled.
    pub outcome: String,
    /// Keys judged, equal, pending; values that are no stock; rows and tables read; keys brought forward.
    pub counts: [i64; 7],
    /// JSON object: source's name to offset.
    pub cut: String,
    /// Lines of its log; counted when read.
    pub lines: i64,
}

/// One row of `audit_log`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number; given by the ledger.
    pub id: i64,
    /// The run.
    pub audit_id: i64,
    /// When it was written, milliseconds since the epoch.
    pub at_ms: i64,
    /// Key, source or table.
    pub subject: String,
    /// The key, where one is concerned.
    pub key: Option<StockKey>,
    /// JSON array of keys as text.
    pub concerned: String,
    /// The specification's STATE.
    pub state: String,
    /// The specification's FLAG.
    pub flag: String,
    /// The specification's DESCRIPTION.
    pub description: String,
    /// Ledger's quantity, stock's quantity.
    pub quantities: [i64; 2],
    /// Cause, store, action.
    pub words: [String; 3],
    /// What stood there.
    pub before: String,
    /// What stands there now, or would.
    pub after: String,
}

/// Which lines of the log are wanted; every part that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// Of this run.
    pub audit_id: Option<i64>,
    /// Of this key.
    pub key: Option<StockKey>,
    /// Whose subject contains this text.
    pub subject: Option<String>,
    /// With this cause.
    pub cause: Option<String>,
    /// Of runs whose who contains this text.
    pub who: Option<String>,
    /// Written at this moment or later, milliseconds since the epoch.
    pub from_ms: Option<i64>,
    /// Written before this moment.
    pub until_ms: Option<i64>,
    /// Older than this line.
    pub before_id: Option<i64>,
}

/// Which runs are wanted; every part that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditRunSearch {
    /// Whose who contains this text.
    pub who: Option<String>,
    /// Begun at this moment or later, milliseconds since the epoch.
    pub from_ms: Option<i64>,
    /// Begun before this moment.
    pub until_ms: Option<i64>,
    /// Older than this run.
    pub before_id: Option<i64>,
}

impl Ledger {
    /// Writes a run with its lines; one that has a number already takes the place of what was written. Answers the
    /// number.
    pub async fn log_audit(&self, run: &AuditRow, lines: &[AuditLine]) -> Result<i64> {
        let dialect = self.inner.db.dialect();
        let limit = self.inner.db.longest_text().await?;
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let written = async {
            let session = &mut *session;
            let id = write_run(session, dialect, run).await?;
            crash_points::pass("audit.logging");
            let mut script = Script::new(limit);
            add_lines(&mut script, dialect, id, lines);
            script.run(session).await?;
            Ok(id)
        }
        .await;
        Ok(conclude(&mut *session, written).await?)
    }

    /// Writes down how a run that was begun with `log_audit` ended.
    pub async fn end_audit(&self, run: &AuditRow) -> Result<()> {
        let dialect = self.inner.db.dialect();
        let [judged, equal, pending, foreign, rows, tables, brought] = run.counts;
        let sql = format!(
            "UPDATE audits SET ended_ms = {}, outcome = {}, judged = {judged}, equal = {equal}, \
             pending = {pending}, foreign_values = {foreign}, rows_read = {rows}, tables_read = {tables}, \
             brought = {brought}, cut = {} WHERE id = {}",
            run.ended_ms,
            dialect.text_of(&run.outcome),
            dialect.text_of(&run.cut),
            run.id
        );
        self.inner.db.writer().await?.exec(&sql).await?;
        Ok(())
    }

    /// Adds lines to the log of a run that was begun.
    pub async fn log_lines(&self, audit_id: i64, lines: &[AuditLine]) -> Result<()> {
        let mut script = Script::new(self.inner.db.longest_text().await?);
        add_lines(&mut script, self.inner.db.dialect(), audit_id, lines);
        let mut session = self.inner.db.writer().await?;
        session.begin().await?;
        let written = script.run(&mut *session).await;
        Ok(conclude(&mut *session, written).await?)
    }

    /// What was proposed for these subjects of the stock in this run has been done.
    pub async fn mark_corrected(&self, audit_id: i64, subjects: &[String]) -> Result<()> {
        let dialect = self.inner.db.dialect();
        let list: Vec<String> = subjects.iter().map(|subject| dialect.text_of(subject)).collect();
        if list.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE audit_log SET action = 'corrected' WHERE audit_id = {audit_id} AND store = 'stock' \
             AND action = 'proposed' AND subject IN ({})",
            list.join(",")
        );
        self.inner.db.writer().await?.exec(&sql).await?;
        Ok(())
    }

    /// Runs, newest first.
    pub async fn audits(&self, search: &AuditRunSearch, limit: usize) -> Result<Vec<AuditRow>> {
        let dialect = self.inner.db.dialect();
        let mut terms = vec!["1 = 1".to_owned()];
        terms.extend(search.who.as_ref().map(|text| dialect.contains("a.who", text)));
        terms.extend(search.from_ms.map(|ms| format!("a.started_ms >= {ms}")));
        terms.extend(search.until_ms.map(|ms| format!("a.started_ms < {ms}")));
        terms.extend(search.before_id.map(|id| format!("a.id < {id}")));
        let sql = format!(
            "SELECT a.id, {RUN}, (SELECT COUNT(*) FROM audit_log l WHERE l.audit_id = a.id) FROM audits a \
             WHERE {} ORDER BY a.id DESC LIMIT {limit}",
            terms.join(" AND ")
        );
        let rows = self.inner.db.reader().await?.query(&sql).await?;
        rows.iter().map(run_row).collect()
    }

    /// One run.
    pub async fn audit(&self, id: i64) -> Result<Option<AuditRow>> {
        let search = AuditRunSearch { before_id: Some(id.saturating_add(1)), ..AuditRunSearch::default() };
        Ok(self.audits(&search, 1).await?.into_iter().find(|run| run.id == id))
    }

    /// Lines of the log, newest first.
    pub async fn audit_lines(&self, search: &AuditSearch, limit: usize) -> Result<Vec<AuditLine>> {
        let dialect = self.inner.db.dialect();
        let mut terms = vec!["1 = 1".to_owned()];
        terms.extend(search.audit_id.map(|id| format!("audit_id = {id}")));
        terms.extend(search.key.as_ref().map(|key| one_key(dialect, key)));
        terms.extend(search.subject.as_ref().map(|text| dialect.contains("subject", text)));
        terms.extend(search.cause.as_ref().map(|cause| format!("cause = {}", dialect.text_of(cause))));
        terms.extend(search.who.as_ref().map(|text| {
            let who = dialect.contains("who", text);
            format!("audit_id IN (SELECT id FROM audits WHERE {who})")
        }));
        terms.extend(search.from_ms.map(|ms| format!("at_ms >= {ms}")));
        terms.extend(search.until_ms.map(|ms| format!("at_ms < {ms}")));
        terms.extend(search.before_id.map(|id| format!("id < {id}")));
        let sql = format!(
            "SELECT id, {LINE} FROM audit_log WHERE {} ORDER BY id DESC LIMIT {limit}",
            terms.join(" AND ")
        );
        let rows = self.inner.db.reader().await?.query(&sql).await?;
        rows.iter().map(line_row).collect()
    }

    /// Sets the specification's FLAG of one line: T once a person has reviewed it.
    pub async fn review_audit_line(&self, id: i64, reviewed: bool) -> Result<()> {
        let flag = if reviewed { 'T' } else { 'F' };
        let sql = format!("UPDATE audit_log SET flag = '{flag}' WHERE id = {id}");
        self.inner.db.writer().await?.exec(&sql).await?;
        Ok(())
    }
}

/// Adds a run's lines to a text.
pub(crate) fn add_lines(script: &mut Script, dialect: Dialect, audit_id: i64, lines: &[AuditLine]) {
    script.rows(&format!("INSERT INTO audit_log ({LINE})"), "", lines, |out, line| {
        line_values(out, dialect, audit_id, line);
    });
}

/// The run's row; the number is kept where there is one, and its earlier lines go.
async fn write_run(session: &mut dyn Session, dialect: Dialect, run: &AuditRow) -> Sql<i64> {
    if run.id == 0 {
        session.exec(&run_insert(dialect, run)).await?;
        return last_id(session, dialect).await;
    }
    let gone = format!(
        "DELETE FROM audit_log WHERE audit_id = {}; DELETE FROM audits WHERE id = {}",
        run.id, run.id
    );
    session.exec(&gone).await?;
    session.exec(&run_insert(dialect, run)).await?;
    Ok(run.id)
}

async fn last_id(session: &mut dyn Session, dialect: Dialect) -> Sql<i64> {
    let rows = session.query(dialect.last_id()).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.int(0))?)
}

fn run_insert(dialect: Dialect, run: &AuditRow) -> String {
    let text = |text: &str| dialect.text_of(text);
    let who: String = run.who.chars().take(LONGEST_WHO).collect();
    let counts: Vec<String> = run.counts.iter().map(ToString::to_string).collect();
    let (column, id) = match run.id {
        0 => ("", String::new()),
        id => ("id, ", format!("{id}, ")),
    };
    format!(
        "INSERT INTO audits ({column}{RUN}) VALUES ({id}{}, {}, {}, {}, {}, {}, {}, {})",
        run.started_ms,
        run.ended_ms,
        text(&run.kind),
        text(&run.triggered_by),
        text(&who),
        text(&run.outcome),
        counts.join(", "),
        text(&run.cut)
    )
}

fn line_values(out: &mut String, dialect: Dialect, audit_id: i64, line: &AuditLine) {
    let _ = write!(out, "({audit_id}, {}, ", line.at_ms);
    dialect.text(out, &line.subject);
    out.push_str(", ");
    match &line.key {
        None => out.push_str("NULL, NULL, "),
        Some(key) => {
            dialect.id(out, key.warehouse.as_str());
            out.push_str(", ");
            dialect.id(out, key.product.as_str());
            out.push_str(", ");
        }
    }
    for text in [&line.concerned, &line.state, &line.flag, &line.description] {
        dialect.text(out, text);
        out.push_str(", ");
    }
    let [rrs, nrs] = line.quantities;
    let _ = write!(out, "{rrs}, {nrs}, {}", nrs.saturating_sub(rrs));
    for text in line.words.iter().chain([&line.before, &line.after]) {
        out.push_str(", ");
        dialect.text(out, text);
    }
    out.push(')');
}

fn run_row(row: &Row) -> Result<AuditRow> {
    let mut counts = [0; 7];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = row.int(7 + place)?;
    }
    Ok(AuditRow {
        id: row.int(0)?,
        started_ms: row.int(1)?,
        ended_ms: row.int(2)?,
        kind: row.text(3)?.to_owned(),
        triggered_by: row.text(4)?.to_owned(),
        who: row.text(5)?.to_owned(),
        outcome: row.text(6)?.to_owned(),
        counts,
        cut: row.text(14)?.to_owned(),
        lines: row.int(15)?,
    })
}

fn line_row(row: &Row) -> Result<AuditLine> {
    let key = match (row.opt_text(4)?, row.opt_text(5)?) {
        (Some(warehouse), Some(product)) => {
            Some(StockKey { warehouse: WarehouseId::stored(warehouse), product: ProductId::stored(product) })
        }
        _ => None,
    };
    let text = |at: usize| row.text(at).map(str::to_owned);
    Ok(AuditLine {
        id: row.int(0)?,
        audit_id: row.int(1)?,
        at_ms: row.int(2)?,
        subject: text(3)?,
        key,
        concerned: text(6)?,
        state: text(7)?,
        flag: text(8)?,
        description: text(9)?,
        quantities: [row.int(10)?, row.int(11)?],
        words: [text(13)?, text(14)?, text(15)?],
        before: text(16)?,
        after: text(17)?,
    })
}
