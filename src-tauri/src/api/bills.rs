//! Bills: drafts as typed, posting with all its refusals, and the state of each posted line.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Words;

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum BillKind {
    /// Goods come in (`drcr` 1).
    In,
    /// Goods go out (`drcr` -1).
    Out,
}

/// One line of a draft, as typed: nothing is checked before posting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DraftLine {
    /// The UI's own number of the line, unique in the draft and never reused in it. The entry's UUID is made
    /// for it when it is first saved and stays with it, so that posting twice counts once.
    pub line_id: u32,
    /// Product's code; empty on a blank line.
    pub product_id: String,
    /// What stands in the product cell.
    pub product_text: String,
    /// Quantity as typed, may be empty or wrong.
    pub quantity: String,
    /// Description as typed.
    pub description: String,
}

/// A bill being written. Blank lines (no product, quantity or description) are ignored at posting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Draft {
    /// Made by the UI (crypto.randomUUID()).
    pub draft_id: String,
    /// In or out.
    pub kind: BillKind,
    /// Bill number as typed.
    pub bill_id: String,
    /// Company's code.
    pub company_id: String,
    /// Warehouse's code.
    pub warehouse_id: String,
    /// `YYYY-MM-DD HH:MM:SS` as typed; empty = the moment of posting.
    pub create_time: String,
    /// Lines.
    pub lines: Vec<DraftLine>,
    /// The bill it was copied from, if any.
    pub copied_from: Option<String>,
}

/// A draft found at start or in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SavedDraft {
    /// The draft.
    pub draft: Draft,
    /// When it was last saved, wall clock.
    pub saved_at: String,
}

/// One refusal; a bill gets all of them at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LineError {
    /// `line_id` of the draft's line, or null for the header.
    pub line_id: Option<u32>,
    /// product_id, quantity, description, company_id, warehouse_id, bill_id, create_time, lines.
    pub field: String,
    /// Rule's code: missing, empty, too_long, control, blank, colon, time, not_integer, quantity_range,
    /// unknown_product, negative_stock, bill_exists, no_lines. The UI words them.
    pub rule: String,
    /// The value as given, shortened.
    pub value: String,
    /// The rule as a sentence.
    pub message: Words,
}

/// Answer of `bill_post`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[ts(export)]
pub enum PostResult {
    /// Durable in the outbox; the draft is gone, the bill is on its way.
    Posted {
        /// Its number.
        bill_id: String,
        /// Lines posted.
        lines: u32,
    },
    /// Nothing was posted; everything that is wrong.
    Refused {
        /// All refusals.
        errors: Vec<LineError>,
    },
}

/// How far a line is. In this order; a bill's state is its least advanced line's, or rejected if any is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum LineState {
    /// Durable in the outbox.
    Saved,
    /// Acknowledged by the queue.
    Sent,
    /// Counted in the ledger.
    InLedger,
    /// Counted in the stock too: the end of the path.
    InStock,
    /// Refused by the writer; `reason` says why; can be corrected and resubmitted.
    Rejected,
    /// Its entry id was counted before; not counted again.
    Duplicate,
}

/// One line of a posted bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BillLine {
    /// Entry id; null for a foreign producer's entry without one.
    pub entry_id: Option<String>,
    /// Product's code.
    pub product_id: String,
    /// Product's name.
    pub product_name: String,
    /// Unit.
    pub unit: String,
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Pieces.
    #[ts(type = "number")]
    pub quantity: i64,
    /// 1 in, -1 out.
    pub drcr: i32,
    /// Description, may be empty.
    pub description: String,
    /// How far it is.
    pub state: LineState,
    /// Why it was rejected; nothing otherwise.
    pub reason: Words,
}

/// One bill in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BillSummary {
    /// Number.
    pub bill_id: String,
    /// In or out.
    pub kind: BillKind,
    /// Company's code.
    pub company_id: String,
    /// Company's name.
    pub company_name: String,
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Warehouse's name.
    pub warehouse_name: String,
    /// The bill's time.
    pub create_time: String,
    /// Lines.
    pub lines: u32,
    /// Sum of the lines' pieces.
    #[ts(type = "number")]
    pub quantity: i64,
    /// Name of the first line's product.
    pub first_product: String,
    /// How far it is.
    pub state: LineState,
    /// Why it was rejected; nothing otherwise.
    pub reason: Words,
    /// The bill that this one reverses.
    pub reverses: Option<String>,
    /// The bill that reverses this one.
    pub reversed_by: Option<String>,
}

/// A posted bill, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Bill {
    /// Header and state.
    pub summary: BillSummary,
    /// Lines.
    pub lines: Vec<BillLine>,
    /// Whether the ledger answered; without it, nothing beyond Sent is known.
    pub states_known: bool,
}

/// What `bill_search` looks for; empty texts and nulls do not restrict.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BillQuery {
    /// Part of number, company or product (code, name, pinyin initials).
    pub text: String,
    /// In or out.
    pub kind: Option<BillKind>,
    /// Company's code.
    pub company_id: String,
    /// Warehouse's code.
    pub warehouse_id: String,
    /// Product's code.
    pub product_id: String,
    /// First day, `YYYY-MM-DD`.
    pub from: String,
    /// Last day.
    pub to: String,
    /// `next` of the page before; null = the newest.
    pub before: Option<String>,
    /// At most 500.
    pub limit: u32,
}

/// One page of bills, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BillPage {
    /// Bills.
    pub bills: Vec<BillSummary>,
    /// Ask with `before` = this for more; null at the end.
    pub next: Option<String>,
    /// Whether the ledger answered; without it, nothing beyond Sent is known.
    pub states_known: bool,
}

/// Answer of `bill_reverse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Reversed {
    /// The new bill that reverses.
    pub bill_id: String,
    /// The bill reversed.
    pub reverses: String,
}

/// A message that the writer refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RejectedEntry {
    /// Source.
    pub source: String,
    /// Offset in it.
    #[ts(type = "number")]
    pub offset: i64,
    /// invalid, duplicate, window or overflow.
    pub kind: String,
    /// Field concerned, may be empty.
    pub field: String,
    /// Why.
    pub reason: Words,
    /// The message as text (bytes that are no UTF-8 are replaced).
    pub payload: String,
    /// Entry id, if it had one.
    pub entry_id: Option<String>,
    /// The entry that replaced it.
    pub resubmitted_as: Option<String>,
}

/// One line read from a pasted table or a CSV.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportedLine {
    /// Product's code.
    pub product_id: String,
    /// Product's name.
    pub product_name: String,
    /// Quantity, digits.
    pub quantity: String,
    /// Description, may be empty.
    pub description: String,
}

/// One refused cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportError {
    /// Row in the text, from 1, the heading included.
    pub row: u32,
    /// Column, from 1.
    pub column: u32,
    /// product_id, quantity, description.
    pub field: String,
    /// Rule's code, as in `LineError`.
    pub rule: String,
    /// The cell.
    pub value: String,
    /// The rule as a sentence.
    pub message: Words,
}

/// Answer of `import_lines`: all lines, or all errors and no line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Imported {
    /// Lines; empty when there are errors.
    pub lines: Vec<ImportedLine>,
    /// Errors by row and column.
    pub errors: Vec<ImportError>,
}
