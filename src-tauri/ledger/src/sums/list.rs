//! The movements themselves, newest first, over all products and warehouses: what a figure of a report is made of.
//! Goes from day to day, so that a page costs a day or two and never the whole period.

use chrono::{NaiveDate, NaiveDateTime};

use super::term::conditions;
use super::terms::Stretch;
use super::{Ask, Filter, Ledger, Period, Sums, UNION_TERMS, midnight, next, previous};
use crate::Movement;
use crate::stock_card::{COLUMNS, after_condition, movement};
use domain::error::{Code, Error, Result};
use domain::words;

/// The last entry of a page; the next page begins behind it.
pub type EntryCursor = crate::MovementCursor;

/// Days looked up at once.
const DAYS: usize = 60;

impl Ledger {
    /// Entries of a period, newest first by (create_time, source, offset), at most `limit`, behind `after`. A page
    /// shorter than `limit` is the last. Their balance is not told here (0): it belongs to one key's stock card.
    pub async fn entries(
        &self,
        period: Period,
        filter: &Filter,
        after: Option<&EntryCursor>,
        limit: usize,
    ) -> Result<Vec<Movement>> {
        if !period.sound() {
            return Err(Error::new(
                Code::Invalid,
                words!("period_ends_early", "The period ends before it begins."),
            ));
        }
        self.again(|| async {
            let mut sums = self.open_sums(period, None).await?;
            let found = sums.page(filter, after, limit).await?;
            sums.close().await?;
            Ok(found)
        })
        .await
    }
}

impl Sums {
    async fn page(
        &mut self,
        filter: &Filter,
        after: Option<&EntryCursor>,
        limit: usize,
    ) -> Result<Vec<Movement>> {
        let mut found: Vec<Movement> = Vec::new();
        // The last second that may still be shown.
        let mut upto = previous_second(self.period.end);
        if let Some(cursor) = after {
            upto = upto.min(cursor.create_time);
        }
        let mut last_day = Some(upto.date());
        while let Some(last) = last_day {
            let days = self.moved_days(filter, last).await?;
            for day in &days {
                let room = limit.saturating_sub(found.len());
                if room == 0 {
                    return Ok(found);
                }
                found.extend(self.day_page(filter, *day, after, room).await?);
            }
            last_day = days.last().filter(|_| days.len() == DAYS).map(|day| previous(*day));
        }
        Ok(found)
    }

    /// Days up to `last` on which something of the filter moved; of companies nothing is known beforehand.
    async fn moved_days(&mut self, filter: &Filter, last: NaiveDate) -> Result<Vec<NaiveDate>> {
        let goods = Filter { companies: None, ..filter.clone() };
        let conditions = conditions(self.dialect, &goods, false);
        let sql = format!(
            "SELECT DISTINCT day FROM day_totals WHERE day BETWEEN '{}' AND '{last}'{conditions} \
             ORDER BY day DESC LIMIT {DAYS}",
            self.period.start.date()
        );
        self.session.query(&sql).await?.iter().map(|row| row.day(0)).collect()
    }

    async fn day_page(
        &mut self,
        filter: &Filter,
        day: NaiveDate,
        after: Option<&EntryCursor>,
        room: usize,
    ) -> Result<Vec<Movement>> {
        let whole = Period { start: midnight(day), end: midnight(next(day)) };
        let cut = Period { start: self.period.start.max(whole.start), end: self.period.end.min(whole.end) };
        if cut.start >= cut.end {
            return Ok(Vec::new());
        }
        let tables = self.tables(filter, &Stretch::cut(cut)).await?;
        let behind = after
            .filter(|cursor| cursor.create_time.date() == day)
            .map_or_else(String::new, |cursor| format!(" AND ({})", after_condition(cursor)));
        let ask = Ask { filter: filter.clone(), ..Ask::default() };
        let conditions = conditions(self.dialect, &ask.filter, true);
        let mut found = Vec::new();
        for chunk in tables.chunks(UNION_TERMS) {
            let selects: Vec<String> = chunk
                .iter()
                .map(|rows| {
                    format!(
                        "SELECT {COLUMNS} FROM {} WHERE {}{conditions}{behind}",
                        rows.name, rows.condition
                    )
                })
                .collect();
            let sql = format!(
                "SELECT {COLUMNS} FROM ({}) AS entries_of_day \
                 ORDER BY create_time DESC, source_id DESC, source_offset DESC LIMIT {room}",
                selects.join(" UNION ALL ")
            );
            for row in self.session.query(&sql).await? {
                found.push(movement(&row, 0)?);
            }
        }
        found.sort_by_key(|row| std::cmp::Reverse((row.entry.create_time, row.source_id, row.source_offset)));
        found.truncate(room);
        Ok(found)
    }
}

fn previous_second(time: NaiveDateTime) -> NaiveDateTime {
    time.checked_sub_signed(chrono::TimeDelta::seconds(1)).unwrap_or(time)
}
