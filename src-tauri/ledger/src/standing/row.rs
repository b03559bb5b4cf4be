//! One row as it stands in a table, whatever it says.

use std::sync::Arc;

use uuid::Uuid;

use crate::listed::{Table, UNION_TERMS, union};
use crate::sql::{Database, Row, Session, Sql};
use domain::entry::{
    BillId, CompanyId, Direction, Entry, ProductId, StockKey, WarehouseId, check_quantity, format_time,
    parse_time,
};
use domain::error::{Code, Error, Result};
use domain::words;

const COLUMNS: &str = "product_id, quantity, drcr, company_id, warehouse_id, bill_id, create_time, \
                                  description, entry_id, source_id, source_offset";

/// One row of a table as it stands, which may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingRow {
    /// Where it stands.
    pub table: Arc<Table>,
    /// Column `day` of a month table.
    pub day: Option<String>,
    /// `product_id, company_id, warehouse_id, bill_id, create_time`.
    pub texts: [String; 5],
    /// Pieces.
    pub quantity: i64,
    /// 1 or -1, if it is right.
    pub drcr: i64,
    /// Free text.
    pub description: Option<String>,
    /// Sixteen bytes, if it is right.
    pub entry_id: Option<Vec<u8>>,
    /// Source's id.
    pub source_id: i64,
    /// Offset in it.
    pub source_offset: i64,
}

impl StandingRow {
    /// The entry it says, if it says one.
    pub fn entry(&self) -> Option<Entry> {
        let [product, company, warehouse, bill, time] = &self.texts;
        check_quantity(self.quantity).ok()?;
        Some(Entry {
            product_id: ProductId::stored(product),
            quantity: self.quantity,
            direction: Direction::from_drcr(self.drcr)?,
            company_id: CompanyId::stored(company),
            warehouse_id: WarehouseId::stored(warehouse),
            bill_id: BillId::stored(bill),
            create_time: parse_time(time)?,
            description: self.description.clone(),
            entry_id: match &self.entry_id {
                None => None,
                Some(bytes) => Some(Uuid::from_slice(bytes).ok()?),
            },
        })
    }

    /// The stock key it stands for.
    pub fn key(&self) -> StockKey {
        let [product, _, warehouse, ..] = &self.texts;
        StockKey { warehouse: WarehouseId::stored(warehouse), product: ProductId::stored(product) }
    }

    /// Quantity with its sign.
    pub fn signed(&self) -> i64 {
        self.quantity.saturating_mul(self.drcr)
    }

    /// Whether it is this entry in all columns, in a table where it belongs.
    pub fn is(&self, entry: &Entry) -> bool {
        let day = entry.day();
        let placed = match &self.table.product {
            Some(product) => *product == entry.product_id && self.table.first_day == day,
            None => {
                (self.table.first_day..=self.table.last_day).contains(&day)
                    && self.day.as_deref() == Some(day.to_string().as_str())
            }
        };
        placed && self.entry().is_some_and(|stands| stands == *entry)
    }

    /// Everything that stands there, for the log.
    pub fn content(&self) -> serde_json::Value {
        let [product, company, warehouse, bill, time] = &self.texts;
        let id = self.entry_id.as_ref().map(|bytes| match Uuid::from_slice(bytes) {
            Ok(id) => id.to_string(),
            Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        });
        serde_json::json!({
            "table": self.table.name, "product_id": product, "quantity": self.quantity, "drcr": self.drcr,
            "company_id": company, "warehouse_id": warehouse, "bill_id": bill, "create_time": time,
            "description": self.description, "entry_id": id, "source_id": self.source_id,
            "source_offset": self.source_offset, "day": self.day,
        })
    }
}

/// An entry's content as the log has it.
pub fn entry_content(entry: &Entry) -> serde_json::Value {
    serde_json::json!({
        "product_id": entry.product_id.as_str(), "quantity": entry.quantity, "drcr": entry.direction.drcr(),
        "company_id": entry.company_id.as_str(), "warehouse_id": entry.warehouse_id.as_str(),
        "bill_id": entry.bill_id.as_str(), "create_time": format_time(entry.create_time),
        "description": entry.description, "entry_id": entry.entry_id.map(|id| id.to_string()),
    })
}

/// A row of a query that begins with the table's number and the column `day`.
fn standing_row(row: &Row, tables: &[Arc<Table>]) -> Result<StandingRow> {
    let at = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
    let table = tables
        .get(at)
        .cloned()
        .ok_or_else(|| Error::new(Code::Internal, words!("row_of_no_table", "A row of no table.")))?;
    let text = |at: usize| row.text(at).map(str::to_owned);
    Ok(StandingRow {
        table,
        day: row.opt_text(1)?.map(str::to_owned),
        texts: [text(2)?, text(5)?, text(6)?, text(7)?, text(8)?],
        quantity: row.int(3)?,
        drcr: row.int(4)?,
        description: row.opt_text(9)?.map(str::to_owned),
        entry_id: row.opt_bytes(10).map(<[u8]>::to_vec),
        source_id: row.int(11)?,
        source_offset: row.int(12)?,
    })
}

/// `SELECT` of one table's rows under a condition, for a UNION.
fn select(at: usize, table: &Table, condition: &str) -> String {
    let day = if table.product.is_some() { "NULL" } else { "day" };
    format!("SELECT {at}, {day}, {COLUMNS} FROM {} WHERE {condition}", table.name)
}

/// All rows of these tables under a condition.
pub(crate) async fn rows_of(
    db: &dyn Database,
    session: &mut dyn Session,
    tables: &[Arc<Table>],
    condition: &str,
) -> Sql<Vec<StandingRow>> {
    let mut found = Vec::new();
    for (from, chunk) in tables.chunks(UNION_TERMS).enumerate() {
        let first = from * UNION_TERMS;
        let term = |(at, table): (usize, &Arc<Table>)| select(first + at, table, condition);
        let terms: Vec<(&Table, String)> =
            chunk.iter().enumerate().map(|one| (&**one.1, term(one))).collect();
        for row in union(db, session, &terms).await? {
            found.push(standing_row(&row, tables)?);
        }
    }
    Ok(found)
}

/// What stands at these places (table, source's id, offset), in their order.
pub(crate) async fn standing_at(
    session: &mut dyn Session,
    places: &[(Arc<Table>, i64, i64)],
) -> Sql<Vec<Option<StandingRow>>> {
    let mut found = vec![None; places.len()];
    let tables: Vec<Arc<Table>> = places.iter().map(|(table, ..)| Arc::clone(table)).collect();
    for (from, chunk) in places.chunks(UNION_TERMS).enumerate() {
        let first = from * UNION_TERMS;
        let parts = chunk.iter().enumerate().map(|(at, (table, source, offset))| {
            select(first + at, table, &format!("source_id = {source} AND source_offset = {offset}"))
        });
        for row in session.query(&parts.collect::<Vec<_>>().join(" UNION ALL ")).await? {
            let at = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
            if let Some(place) = found.get_mut(at) {
                *place = Some(standing_row(&row, &tables)?);
            }
        }
    }
    Ok(found)
}
