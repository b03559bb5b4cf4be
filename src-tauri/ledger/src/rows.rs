//! Writing a judged batch as SQL text: rows, totals, balances, rejected messages, counters, in one order that
//! every writer keeps, so that two of them wait for each other instead of deadlocking.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDate;

use super::dialect::{Dialect, entry_id, hex, integer};
use super::long_blob::LongBlob;
use super::sql::Script;
use super::tables::{Known, Tier, month_of};
use super::verdict::{Judged, Rejection};
use super::{Incoming, SourceRow};
use domain::entry::{Entry, ProductId, write_time};
use domain::error::Result;

const ROW_COLUMNS: &str = "product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, \
                           description, entry_id, source_id, source_offset";
const REJECTED_COLUMNS: &str = "source_id, source_offset, kind, field, reason, entry_id, payload";
/// Characters of `rejected_entries.reason`.
const LONGEST_REASON: usize = 1000;

/// A counted entry with its offset, and its day where it goes into a month table.
type Placed<'a> = (Option<NaiveDate>, &'a (i64, &'a Entry));

/// Writes batches of one source.
pub(crate) struct RowWriter<'a> {
    pub dialect: Dialect,
    pub limit: usize,
    pub source_id: i64,
    pub known: &'a Known,
    pub tiers: &'a BTreeMap<NaiveDate, Tier>,
}

impl RowWriter<'_> {
    /// Everything of the batch but the counters of its source.
    pub fn write(&self, judged: &Judged<'_>) -> Result<Script> {
        let mut script = Script::new(self.limit);
        self.entries(&mut script, judged)?;
        self.day_totals(&mut script, judged);
        self.versions(&mut script, judged);
        self.balances(&mut script, judged);
        for (message, rejection) in &judged.rejected {
            self.rejected(&mut script, message, rejection);
        }
        Ok(script)
    }

    pub(crate) fn entries(&self, script: &mut Script, judged: &Judged<'_>) -> Result<()> {
        // By table, in the tables' order: many products of one month share a table.
        let mut tables: BTreeMap<String, Vec<Placed<'_>>> = BTreeMap::new();
        for ((day, product), entries) in &judged.counted {
            let tier = self.tiers.get(day).copied().unwrap_or(Tier::Month);
            let table = self.known.table(tier, *day, product)?;
            let day = (tier == Tier::Month).then_some(*day);
            tables.entry(table).or_default().extend(entries.iter().map(|entry| (day, entry)));
        }
        for (table, rows) in tables {
            let month = rows.first().is_some_and(|(day, _)| day.is_some());
            let first = if month { "day, " } else { "" };
            let head = format!("INSERT INTO {table} ({first}{ROW_COLUMNS})");
            script.rows(&head, "", rows, |out, (day, (offset, entry))| self.entry(out, day, *offset, entry));
        }
        Ok(())
    }

    fn entry(&self, out: &mut String, day: Option<NaiveDate>, offset: i64, entry: &Entry) {
        out.push('(');
        if let Some(day) = day {
            let _ = write!(out, "'{day}',");
        }
        self.dialect.text(out, entry.product_id.as_str());
        out.push(',');
        integer(out, entry.quantity);
        out.push(',');
        integer(out, entry.direction.drcr());
        out.push(',');
        self.dialect.text(out, entry.company_id.as_str());
        out.push(',');
        self.dialect.text(out, entry.warehouse_id.as_str());
        out.push(',');
        self.dialect.text(out, entry.bill_id.as_str());
        out.push_str(",'");
        write_time(out, entry.create_time);
        out.push_str("',");
        match &entry.description {
            Some(text) => self.dialect.text(out, text),
            None => out.push_str("NULL"),
        }
        out.push(',');
        entry_id(out, entry.entry_id);
        out.push(',');
        integer(out, self.source_id);
        out.push(',');
        integer(out, offset);
        out.push(')');
    }

    fn day_totals(&self, script: &mut Script, judged: &Judged<'_>) {
        let head =
            "INSERT INTO day_totals (day, product_id, warehouse_id, in_quantity, out_quantity, entries)";
        let tail = self.dialect.upsert(
            "day, product_id, warehouse_id",
            &["in_quantity", "out_quantity", "entries"],
            &[],
        );
        script.rows(head, &tail, &judged.days, |out, ((day, key), step)| {
            let _ = write!(out, "('{day}',");
            self.dialect.id(out, key.product.as_str());
            out.push(',');
            self.dialect.id(out, key.warehouse.as_str());
            let _ = write!(out, ",{},{},{})", step.in_quantity, step.out_quantity, step.entries);
        });
    }

    /// Moves the version of every day and month that the batch touches: a few rows, each of this source alone, so
    /// that writers never wait for each other here.
    fn versions(&self, script: &mut Script, judged: &Judged<'_>) {
        let mut spans: BTreeMap<(&str, NaiveDate), i64> = BTreeMap::new();
        for ((day, _), step) in &judged.days {
            *spans.entry(("day", *day)).or_default() += step.entries;
            *spans.entry(("month", month_of(*day))).or_default() += step.entries;
        }
        let head = "INSERT INTO ledger_versions (grain, first_day, source_id, version, entries)";
        let tail = self.dialect.upsert("grain, first_day, source_id", &["version", "entries"], &[]);
        script.rows(head, &tail, spans, |out, ((grain, first), entries)| {
            let _ = write!(out, "('{grain}','{first}',{},1,{entries})", self.source_id);
        });
    }

    fn balances(&self, script: &mut Script, judged: &Judged<'_>) {
        let head =
            "INSERT INTO balances (source_id, warehouse_id, product_id, last_offset, quantity, entries)";
        let tail = self.dialect.upsert(
            "source_id, warehouse_id, product_id",
            &["quantity", "entries"],
            &["last_offset"],
        );
        script.rows(head, &tail, &judged.steps, |out, (key, step)| {
            let _ = write!(out, "({},", self.source_id);
            self.dialect.id(out, key.warehouse.as_str());
            out.push(',');
            self.dialect.id(out, key.product.as_str());
            let delta = step.after.quantity - step.before.quantity;
            let _ = write!(out, ",{},{delta},{})", step.after.last_offset, step.entries);
        });
    }

    pub(crate) fn rejected(&self, script: &mut Script, message: &Incoming, rejection: &Rejection) {
        let reason: String = rejection.reason.chars().take(LONGEST_REASON).collect();
        let id = message.decoded.as_ref().ok().and_then(|entry| entry.entry_id);
        let mut values =
            format!("{}, {}, '{}', '{}', ", self.source_id, message.offset, rejection.kind, rejection.field);
        self.dialect.text(&mut values, &reason);
        values.push_str(", ");
        entry_id(&mut values, id);
        let row = LongBlob {
            head: &format!("INSERT INTO rejected_entries ({REJECTED_COLUMNS})"),
            values: &values,
            table: "rejected_entries",
            column: "payload",
            key: &format!("source_id = {} AND source_offset = {}", self.source_id, message.offset),
            blob: &message.payload,
        };
        script.long_blob(self.dialect, self.limit, row);
    }
}

/// The source's counters after the batch, as absolute values (DESIGN §2 `sources`).
pub(crate) fn counters(source: &SourceRow) -> String {
    let mut sql = format!(
        "UPDATE sources SET last_offset = {}, last_hash = {}, entries = {}, rejected = {}, \
         signed_quantity = {}, digest = {} WHERE id = {} AND stamp = ",
        source.last_offset,
        source.last_hash,
        source.entries,
        source.rejected,
        source.signed_quantity,
        source.digest,
        source.id
    );
    hex(&mut sql, &source.stamp);
    sql
}

/// Products of a batch per day, for the reads of a careful try.
pub(crate) type ByDay<'a> = BTreeMap<(NaiveDate, ProductId), Vec<(i64, &'a Entry)>>;
