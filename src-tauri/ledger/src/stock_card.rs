//! The stock card: every movement of one key with its running balance, newest first, across both tiers. The
//! days that moved are found in `day_totals`, so no table without a movement of the key is ever opened.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};

use super::dialect::{Dialect, day_table_name, month_table_name};
use super::read::one_key;
use super::sql::{Row, Session, Sql};
use super::tables::Tier;
use super::{Ledger, Movement};
use domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, StockKey, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::words;

/// The last movement of a page; the next page begins behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementCursor {
    /// Its time.
    pub create_time: NaiveDateTime,
    /// Its source's id.
    pub source_id: i64,
    /// Its offset.
    pub source_offset: i64,
}

/// Tries when tables are compacted under a snapshot.
const TRIES: usize = 3;
/// Between two tries: a table that is being made or dropped takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(50);
pub(crate) const COLUMNS: &str = "product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, description, \
                       entry_id, source_id, source_offset";

pub(crate) fn movement(row: &Row, balance: i64) -> Result<Movement> {
    let direction = Direction::from_drcr(row.int(2)?).ok_or_else(|| {
        Error::new(Code::Corrupt, words!("row_drcr_odd", "A ledger row has a drcr that is neither 1 nor -1."))
    })?;
    let entry = Entry {
        product_id: ProductId::stored(row.text(0)?),
        quantity: row.int(1)?,
        direction,
        company_id: CompanyId::stored(row.text(3)?),
        warehouse_id: WarehouseId::stored(row.text(4)?),
        bill_id: BillId::stored(row.text(5)?),
        create_time: row.time(6)?,
        description: row.opt_text(7)?.map(str::to_owned),
        entry_id: row.opt_uuid(8)?,
    };
    Ok(Movement { entry, source_id: row.int(9)?, source_offset: row.int(10)?, balance })
}

/// One day on which the key moved.
struct MovedDay {
    day: NaiveDate,
    signed: i64,
    tier: Tier,
}

impl Ledger {
    /// Movements of a key, newest first by (create_time, source, offset), at most `limit`, behind `before`.
    /// A page shorter than `limit` is the last.
    pub async fn movements(
        &self,
        key: &StockKey,
        before: Option<&MovementCursor>,
        limit: usize,
    ) -> Result<Vec<Movement>> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.movements_once(key, before, limit).await {
                Err(failed) if failed.code == Code::Retry => last = Some(failed),
                other => return other,
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(last.unwrap_or_else(|| {
            Error::new(
                Code::Retry,
                words!("tables_keep_changing", "The ledger's tables keep changing; try again."),
            )
        }))
    }

    async fn movements_once(
        &self,
        key: &StockKey,
        before: Option<&MovementCursor>,
        limit: usize,
    ) -> Result<Vec<Movement>> {
        let mut session = self.snapshot().await?;
        let session = &mut *session;
        let condition = one_key(self.inner.db.dialect(), key);
        let slug = session
            .query(&format!(
                "SELECT slug FROM products WHERE id = {}",
                self.inner.db.dialect().id_of(key.product.as_str())
            ))
            .await?;
        let Some(slug) = slug.first().map(|row| row.text(0).map(str::to_owned)).transpose()? else {
            session.rollback().await?;
            return Ok(Vec::new());
        };
        // Balance at the end of the first day to be shown: everything, less the days after it.
        let mut balance =
            total(session, &format!("SELECT SUM(quantity) FROM balances WHERE {condition}")).await?;
        if let Some(cursor) = before {
            let day = cursor.create_time.date();
            let sql = format!(
                "SELECT SUM(in_quantity - out_quantity) FROM day_totals WHERE {condition} AND day > '{day}'"
            );
            balance -= total(session, &sql).await?;
        }
        let mut page = Page { key, slug: &slug, limit, movements: Vec::new() };
        let mut upto = before.map(|cursor| cursor.create_time.date());
        while page.room() > 0 {
            let days = moved_days(session, &condition, upto).await?;
            let Some(oldest) = days.last().map(|day| day.day) else { break };
            for day in days {
                let same = before.filter(|cursor| cursor.create_time.date() == day.day);
                page.add_day(session, self.inner.db.dialect(), &day, same, balance).await?;
                balance -= day.signed;
                if page.room() == 0 {
                    break;
                }
            }
            upto = oldest.pred_opt();
        }
        session.rollback().await?;
        Ok(page.movements)
    }
}

/// One page of a stock card while it is read.
struct Page<'a> {
    key: &'a StockKey,
    slug: &'a str,
    limit: usize,
    movements: Vec<Movement>,
}

impl Page<'_> {
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.movements.len())
    }

    /// Adds one day's movements behind the cursor; `balance` is the one at the day's end.
    async fn add_day(
        &mut self,
        session: &mut dyn Session,
        dialect: Dialect,
        day: &MovedDay,
        cursor: Option<&MovementCursor>,
        mut balance: i64,
    ) -> Result<()> {
        let (table, place) = match day.tier {
            Tier::Open => (day_table_name(self.slug, day.day), String::new()),
            Tier::Month => (
                month_table_name(day.day),
                format!(
                    "product_id = {} AND create_time BETWEEN '{} 00:00:00' AND '{} 23:59:59' AND ",
                    dialect.text_of(self.key.product.as_str()),
                    day.day,
                    day.day
                ),
            ),
        };
        let place = format!("{place}warehouse_id = {}", dialect.text_of(self.key.warehouse.as_str()));
        let mut behind = String::new();
        if let Some(cursor) = cursor {
            let after = after_condition(cursor);
            let shown = format!("SELECT SUM(quantity * drcr) FROM {table} WHERE {place} AND NOT ({after})");
            balance -= total(session, &shown).await?;
            behind = format!(" AND ({after})");
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM {table} WHERE {place}{behind} \
             ORDER BY create_time DESC, source_id DESC, source_offset DESC LIMIT {}",
            self.room()
        );
        for row in session.query(&sql).await? {
            let movement = movement(&row, balance)?;
            balance -= movement.entry.signed();
            self.movements.push(movement);
        }
        Ok(())
    }
}

/// Rows that come after the cursor in the order shown, that is, older ones.
pub(crate) fn after_condition(cursor: &MovementCursor) -> String {
    let MovementCursor { create_time, source_id, source_offset } = cursor;
    format!(
        "create_time < '{create_time}' OR (create_time = '{create_time}' AND (source_id < {source_id} OR \
         (source_id = {source_id} AND source_offset < {source_offset})))"
    )
}

async fn total(session: &mut dyn Session, sql: &str) -> Sql<i64> {
    let rows = session.query(sql).await?;
    Ok(rows.first().map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0))
}

/// The next days, newest first, on which the key moved, with the tier they lie in.
async fn moved_days(
    session: &mut dyn Session,
    condition: &str,
    upto: Option<NaiveDate>,
) -> Sql<Vec<MovedDay>> {
    let upto = upto.map_or_else(String::new, |day| format!(" AND t.day <= '{day}'"));
    let sql = format!(
        "SELECT t.day, t.in_quantity - t.out_quantity, d.state FROM day_totals t \
         LEFT JOIN ledger_days d ON d.day = t.day WHERE {condition}{upto} ORDER BY t.day DESC LIMIT 60"
    );
    let rows = session.query(&sql).await?;
    rows.iter()
        .map(|row| {
            let tier = Tier::of(row.opt_text(2)?.unwrap_or("compacted"));
            Ok(MovedDay { day: row.day(0)?, signed: row.int(1)?, tier })
        })
        .collect()
}
