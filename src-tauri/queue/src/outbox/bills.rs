//! Bills and drafts as they were written here: search, one bill with the state of its lines, drafts.
//! Reads only; what has become of a line beyond the queue, the ledger knows.

use chrono::NaiveDateTime;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use super::Mark;
use super::schema::{sql_error, uuid};
use domain::entry::{Direction, format_time, parse_time};
use domain::error::Result;

/// What to look for; empty and `None` do not restrict.
#[derive(Debug, Clone, Default)]
pub struct BillFilter {
    /// Part of the bill's number, company id or product id.
    pub text: String,
    /// Companies that `text` names (by name or pinyin); hits beside the ids above.
    pub text_companies: Vec<String>,
    /// Products that `text` names; likewise.
    pub text_products: Vec<String>,
    /// In or out.
    pub direction: Option<Direction>,
    /// Company id.
    pub company_id: Option<String>,
    /// Warehouse id.
    pub warehouse_id: Option<String>,
    /// Product id on any line.
    pub product_id: Option<String>,
    /// First moment of the bill's own time, included.
    pub from: Option<NaiveDateTime>,
    /// Last moment, included.
    pub to: Option<NaiveDateTime>,
}

/// One bill in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillSummary {
    /// Place in the list of all bills posted here; ask for older ones with it.
    pub row: i64,
    /// Number.
    pub bill_id: String,
    /// In or out.
    pub direction: Direction,
    /// Supplier or customer.
    pub company_id: String,
    /// Warehouse.
    pub warehouse_id: String,
    /// The bill's wall-clock moment.
    pub create_time: NaiveDateTime,
    /// When it was posted, milliseconds since the epoch.
    pub posted_ms: i64,
    /// The bill it takes back.
    pub reverses: Option<String>,
    /// The bill that takes it back.
    pub reversed_by: Option<String>,
    /// Number of lines.
    pub lines: i64,
    /// Sum of the lines' pieces.
    pub quantity: i64,
    /// Product of the first line.
    pub first_product: String,
    /// First and last number of its lines in the outbox.
    pub seqs: (i64, i64),
    /// Lines that no broker has acknowledged.
    pub waiting: i64,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// Number in the outbox; its offset in the local queue is one less.
    pub seq: i64,
    /// Entry id.
    pub entry_id: Uuid,
    /// Product.
    pub product_id: String,
    /// Pieces.
    pub quantity: i64,
    /// In or out.
    pub direction: Direction,
    /// Free text.
    pub description: Option<String>,
    /// The message's value.
    pub payload: Vec<u8>,
    /// Where it lies in Kafka, once a broker acknowledged it.
    pub sent: Option<Mark>,
}

/// A bill, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// Head.
    pub summary: BillSummary,
    /// Lines in the order of posting.
    pub lines: Vec<BillLine>,
}

/// A bill being written, as the screen keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Made by the screen.
    pub id: String,
    /// The screen's own JSON.
    pub json: String,
    /// When it was saved last, milliseconds since the epoch.
    pub updated_ms: i64,
}

const SUMMARY: &str = "SELECT b.*,
    (SELECT product_id FROM outbox o WHERE o.bill = b.id ORDER BY seq LIMIT 1) AS first_product,
    (SELECT min(seq) FROM outbox o WHERE o.bill = b.id) AS first_seq,
    (SELECT max(seq) FROM outbox o WHERE o.bill = b.id) AS last_seq,
    (SELECT count(*) FROM outbox o WHERE o.bill = b.id AND o.acked = 0) AS waiting
  FROM bills b ";

const FILTER: &str = "WHERE (?1 IS NULL OR b.id < ?1)
  AND (?2 IS NULL OR b.bill_id LIKE ?2 ESCAPE '\\' OR b.company_id LIKE ?2 ESCAPE '\\'
       OR b.company_id IN (SELECT value FROM json_each(?3))
       OR EXISTS (SELECT 1 FROM outbox o WHERE o.bill = b.id AND (o.product_id LIKE ?2 ESCAPE '\\'
                  OR o.product_id IN (SELECT value FROM json_each(?4)))))
  AND (?5 IS NULL OR b.drcr = ?5)
  AND (?6 IS NULL OR b.company_id = ?6)
  AND (?7 IS NULL OR b.warehouse_id = ?7)
  AND (?8 IS NULL OR EXISTS (SELECT 1 FROM outbox o WHERE o.bill = b.id AND o.product_id = ?8))
  AND (?9 IS NULL OR b.create_time >= ?9)
  AND (?10 IS NULL OR b.create_time <= ?10)
  ORDER BY b.id DESC LIMIT ?11";

pub(super) async fn search(
    pool: &SqlitePool,
    filter: &BillFilter,
    limit: usize,
    before: Option<i64>,
) -> Result<Vec<BillSummary>> {
    let text = format!("{SUMMARY}{FILTER}");
    let rows = sqlx::query(&text)
        .bind(before)
        .bind(pattern(&filter.text))
        .bind(serde_json::Value::from(filter.text_companies.clone()).to_string())
        .bind(serde_json::Value::from(filter.text_products.clone()).to_string())
        .bind(filter.direction.map(Direction::drcr))
        .bind(&filter.company_id)
        .bind(&filter.warehouse_id)
        .bind(&filter.product_id)
        .bind(filter.from.map(format_time))
        .bind(filter.to.map(format_time))
        .bind(limit as i64)
        .fetch_all(pool)
        .await
        .map_err(sql_error)?;
    Ok(rows.iter().map(summary).collect())
}

/// `text` as a LIKE pattern that finds it anywhere; what a person types is never a wildcard.
fn pattern(text: &str) -> Option<String> {
    let text = text.trim();
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    (!text.is_empty()).then(|| format!("%{escaped}%"))
}

pub(super) async fn bill(pool: &SqlitePool, bill_id: &str) -> Result<Option<Bill>> {
    let text = format!("{SUMMARY} WHERE b.bill_id = ?1");
    let Some(head) = sqlx::query(&text).bind(bill_id).fetch_optional(pool).await.map_err(sql_error)? else {
        return Ok(None);
    };
    let rows = sqlx::query("SELECT * FROM outbox WHERE bill = ?1 ORDER BY seq")
        .bind(head.get::<i64, _>("id"))
        .fetch_all(pool)
        .await
        .map_err(sql_error)?;
    Ok(Some(Bill { summary: summary(&head), lines: rows.iter().map(line).collect() }))
}

fn direction(row: &SqliteRow) -> Direction {
    Direction::from_drcr(row.get("drcr")).unwrap_or(Direction::In)
}

fn summary(row: &SqliteRow) -> BillSummary {
    BillSummary {
        row: row.get("id"),
        bill_id: row.get("bill_id"),
        direction: direction(row),
        company_id: row.get("company_id"),
        warehouse_id: row.get("warehouse_id"),
        create_time: parse_time(row.get("create_time")).unwrap_or_default(),
        posted_ms: row.get("posted_ms"),
        reverses: row.get("reverses"),
        reversed_by: row.get("reversed_by"),
        lines: row.get("lines"),
        quantity: row.get("quantity"),
        first_product: row.get::<Option<String>, _>("first_product").unwrap_or_default(),
        seqs: (
            row.get::<Option<i64>, _>("first_seq").unwrap_or(0),
            row.get::<Option<i64>, _>("last_seq").unwrap_or(0),
        ),
        waiting: row.get("waiting"),
    }
}

fn line(row: &SqliteRow) -> BillLine {
    let seq = row.get("seq");
    let topic_uuid = uuid(row, "sent_topic_uuid");
    let place: (Option<i32>, Option<i64>) = (row.get("partition"), row.get("sent_offset"));
    let sent = match (topic_uuid, place) {
        (Some(topic_uuid), (Some(partition), Some(offset))) => {
            Some(Mark { seq, topic_uuid, partition, offset })
        }
        _ => None,
    };
    BillLine {
        seq,
        entry_id: uuid(row, "entry_id").unwrap_or_default(),
        product_id: row.get("product_id"),
        quantity: row.get("quantity"),
        direction: direction(row),
        description: row.get("description"),
        payload: row.get("payload"),
        sent,
    }
}

pub(super) async fn drafts(pool: &SqlitePool) -> Result<Vec<Draft>> {
    let rows = sqlx::query("SELECT * FROM drafts ORDER BY updated_ms DESC, id").fetch_all(pool).await;
    Ok(rows.map_err(sql_error)?.iter().map(as_draft).collect())
}

pub(super) async fn draft(pool: &SqlitePool, id: &str) -> Result<Option<Draft>> {
    let row = sqlx::query("SELECT * FROM drafts WHERE id = ?1").bind(id).fetch_optional(pool).await;
    Ok(row.map_err(sql_error)?.as_ref().map(as_draft))
}

fn as_draft(row: &SqliteRow) -> Draft {
    Draft { id: row.get("id"), json: row.get("json"), updated_ms: row.get("updated_ms") }
}
