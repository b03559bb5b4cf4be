//! From a draft to durable entries: every refusal at once, or the whole bill in one transaction of the outbox.
//! Also the bills that are made from bills: reversal and resubmission.

use std::collections::{HashMap, HashSet};

use inventory::domain::bill::{self, Head, Line};
use inventory::domain::entry::{BillId, Direction, Entry, StockKey, parse_time};
use inventory::domain::ioentry;
use inventory::domain::words;
use inventory::domain::words::Words;
use inventory::queue::outbox::{BillHead, Saved};
use inventory::stock::value::Value;
use uuid::Uuid;

use crate::api::Failure;
use crate::api::bills::{BillKind, Draft, DraftLine, LineError, PostResult, Reversed};
use crate::api::catalog::CatalogKind;
use crate::api::settings::{NegativePolicy, Preferences};
use crate::bills;
use crate::clock;
use crate::drafts::Kept;
use crate::state::Live;

/// Space of the ids that a resubmission derives from the rejected message's place; never changed.
const RESUBMITTED: Uuid = Uuid::from_u128(0x5a0e_9b1c_7d44_4f0e_8a63_1c2b_9d7f_e055);

/// In or out as the engine says it.
pub fn direction(kind: BillKind) -> Direction {
    match kind {
        BillKind::In => Direction::In,
        BillKind::Out => Direction::Out,
    }
}

/// Digits as people type them: blanks and thousands marks left out, full-width digits taken.
pub fn plain_number(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，'))
        .map(|c| match c {
            '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
            '－' => '-',
            '．' => '.',
            c => c,
        })
        .collect()
}

fn error(line_id: Option<u32>, field: &str, rule: &str, value: &str, message: &Words) -> LineError {
    let value = value.chars().take(80).collect();
    LineError { line_id, field: field.into(), rule: rule.into(), value, message: message.into() }
}

fn blank(line: &DraftLine) -> bool {
    [&line.product_id, &line.product_text, &line.quantity, &line.description]
        .iter()
        .all(|text| text.trim().is_empty())
}

/// Posts a draft: the bill is durable when this answers `Posted`.
pub async fn post(live: &Live, preferences: &Preferences, draft: &Draft) -> Result<PostResult, Failure> {
    let mut draft = draft.clone();
    draft.lines.retain(|line| !blank(line));
    let (entries, errors) = checked(live, preferences, &draft).await?;
    if !errors.is_empty() {
        return Ok(PostResult::Refused { errors });
    }
    let outbox = live.engine.outbox()?;
    let lines = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let posted = live.drafts.post(outbox, &draft, async |kept: Kept| {
        let entries = with_ids(entries, &draft, &kept);
        append(live, entries, None, Some(draft.draft_id.clone())).await.map(Some)
    });
    match posted.await {
        Ok(_) => Ok(PostResult::Posted { bill_id: draft.bill_id.clone(), lines }),
        // Somebody else's bill of this number came in between.
        Err(failure) if failure.code == "invalid" => {
            let value = draft.bill_id.chars().take(80).collect();
            let (field, rule) = ("bill_id".into(), "bill_exists".into());
            let errors = vec![LineError { line_id: None, field, rule, value, message: failure.message }];
            Ok(PostResult::Refused { errors })
        }
        Err(failure) => Err(failure),
    }
}

/// Gives each entry the id that its line was saved with. A line that has none of its own (never saved, or a number
/// given twice by the screen) gets a new one: two lines that share an id would count as one.
fn with_ids(entries: Vec<Entry>, draft: &Draft, kept: &Kept) -> Vec<Entry> {
    let mut used = HashSet::new();
    let own = |line: &DraftLine, used: &mut HashSet<Uuid>| {
        kept.ids.get(&line.line_id).copied().filter(|id| used.insert(*id)).unwrap_or_else(Uuid::now_v7)
    };
    entries
        .into_iter()
        .zip(&draft.lines)
        .map(|(entry, line)| Entry { entry_id: Some(own(line, &mut used)), ..entry })
        .collect()
}

/// Hands a whole bill to the outbox.
async fn append(
    live: &Live,
    entries: Vec<Entry>,
    reverses: Option<BillId>,
    draft: Option<String>,
) -> Result<(), Failure> {
    let Some(first) = entries.first() else {
        return Err(Failure::new("invalid", words!("no_lines", "a bill needs at least one line")));
    };
    let head = BillHead {
        bill_id: first.bill_id.clone(),
        direction: first.direction,
        company_id: first.company_id.clone(),
        warehouse_id: first.warehouse_id.clone(),
        create_time: first.create_time,
        reverses,
        draft,
    };
    let saved = entries.into_iter().map(saved).collect();
    live.engine.outbox()?.append(saved, Some(head), clock::epoch_ms()).await?;
    Ok(())
}

fn saved(entry: Entry) -> Saved {
    let entry_id = entry.entry_id.unwrap_or_else(Uuid::now_v7);
    let entry = Entry { entry_id: Some(entry_id), ..entry };
    Saved { entry_id, payload: ioentry::encode(&entry).into_bytes(), entry }
}

/// The draft's entries, and everything that is wrong with it.
async fn checked(
    live: &Live,
    preferences: &Preferences,
    draft: &Draft,
) -> Result<(Vec<Entry>, Vec<LineError>), Failure> {
    let mut errors = Vec::new();
    let time = draft.create_time.trim();
    let create_time = if time.is_empty() { Some(clock::wall()) } else { parse_time(time) };
    if create_time.is_none() {
        let words = words!("time_odd", "the time must be an existing moment written YYYY-MM-DD HH:MM:SS");
        errors.push(error(None, "create_time", "time", time, &words));
    }
    if draft.lines.is_empty() {
        errors.push(error(
            None,
            "lines",
            "no_lines",
            "",
            &words!("no_lines", "a bill needs at least one line"),
        ));
    }
    let mut lines = Vec::new();
    for line in &draft.lines {
        let quantity = quantity(line, &mut errors);
        let product_id = line.product_id.trim().to_string();
        lines.push(Line {
            entry_id: Uuid::nil(),
            product_id,
            quantity,
            description: line.description.trim().to_string(),
        });
    }
    let head = Head {
        bill_id: draft.bill_id.trim().into(),
        direction: direction(draft.kind),
        company_id: draft.company_id.trim().into(),
        warehouse_id: draft.warehouse_id.trim().into(),
        create_time: create_time.unwrap_or_default(),
    };
    let entries = match bill::entries(&head, &lines) {
        Ok(entries) => entries,
        Err(misfits) => {
            for misfit in misfits.iter().filter(|misfit| misfit.line == 0 || !draft.lines.is_empty()) {
                let at = misfit.line.checked_sub(1).and_then(|at| draft.lines.get(at));
                let (refusal, rule) = (&misfit.refusal, misfit.refusal.rule.code());
                if refusal.field == "product_id" && at.is_some_and(only_typed) {
                    continue;
                }
                errors.push(error(
                    at.map(|l| l.line_id),
                    refusal.field,
                    rule,
                    &refusal.value,
                    &refusal.words(),
                ));
            }
            Vec::new()
        }
    };
    known_products(live, draft, &mut errors).await?;
    if live.engine.outbox()?.bill(&head.bill_id).await?.is_some() {
        let words = words!("bill_posted", "a bill of this number was posted already");
        errors.push(error(None, "bill_id", "bill_exists", &head.bill_id, &words));
    }
    if errors.is_empty() && draft.kind == BillKind::Out {
        enough(live, preferences, draft, &entries, &mut errors).await?;
    }
    errors.sort_by_key(|error| place(draft, error));
    Ok((entries, errors))
}

/// Errors in the order in which the eye meets them: the head, then line by line, cell by cell.
fn place(draft: &Draft, error: &LineError) -> (usize, usize) {
    let line = draft.lines.iter().position(|line| Some(line.line_id) == error.line_id);
    let fields =
        ["bill_id", "company_id", "warehouse_id", "create_time", "product_id", "quantity", "description"];
    let field = fields.iter().position(|field| *field == error.field).unwrap_or(fields.len());
    (line.map_or(0, |at| at + 1), field)
}

/// Something stands in the product cell that is no product's code yet.
fn only_typed(line: &DraftLine) -> bool {
    line.product_id.trim().is_empty() && !line.product_text.trim().is_empty()
}

/// The line's pieces; 1 where they cannot be read, with the error noted.
fn quantity(line: &DraftLine, errors: &mut Vec<LineError>) -> i64 {
    let text = plain_number(&line.quantity);
    if text.is_empty() {
        errors.push(error(
            Some(line.line_id),
            "quantity",
            "missing",
            "",
            &words!("quantity_required", "quantity is required"),
        ));
        return 1;
    }
    match text.parse::<i128>() {
        // Beyond 64 bits it is out of range all the same.
        Ok(number) => i64::try_from(number).unwrap_or(i64::MAX),
        Err(_) => {
            let words = words!("quantity_whole", "quantity must be a whole number");
            errors.push(error(Some(line.line_id), "quantity", "not_integer", &line.quantity, &words));
            1
        }
    }
}

/// A form knows its goods: a code nobody registered is most likely mistyped.
async fn known_products(live: &Live, draft: &Draft, errors: &mut Vec<LineError>) -> Result<(), Failure> {
    let unknown = |line: &&DraftLine| {
        let id = line.product_id.trim();
        only_typed(line) || (!id.is_empty() && live.names.get(CatalogKind::Product, id).is_none())
    };
    if draft.lines.iter().any(|line| unknown(&line)) {
        live.names.read().await?;
    }
    for line in draft.lines.iter().filter(unknown) {
        let words = words!("product_unknown", "no product has this code; create it or choose another");
        let typed = if only_typed(line) { &line.product_text } else { &line.product_id };
        errors.push(error(Some(line.line_id), "product_id", "unknown_product", typed, &words));
    }
    Ok(())
}

/// Where the warehouse's policy blocks, nothing goes out that is not there.
async fn enough(
    live: &Live,
    preferences: &Preferences,
    draft: &Draft,
    entries: &[Entry],
    errors: &mut Vec<LineError>,
) -> Result<(), Failure> {
    let warehouse = draft.warehouse_id.trim();
    let policy = preferences.negative_by_warehouse.get(warehouse).copied().unwrap_or(preferences.negative);
    if policy == NegativePolicy::Warn {
        return Ok(());
    }
    let keys: Vec<StockKey> = entries.iter().map(Entry::key).collect();
    let values = live.engine.stock().values(&keys).await?;
    let mut left: HashMap<StockKey, i64> = HashMap::new();
    for (key, value) in keys.iter().zip(values) {
        let held = value.and_then(|bytes| Value::read(&bytes).ok()).map_or(0, |value| value.quantity());
        left.insert(key.clone(), held);
    }
    for (entry, line) in entries.iter().zip(&draft.lines) {
        let held = left.entry(entry.key()).or_default();
        if *held < entry.quantity {
            let words =
                words!("not_enough", "only {held} there; this warehouse does not go below zero", held);
            errors.push(error(Some(line.line_id), "quantity", "negative_stock", &line.quantity, &words));
        }
        *held -= entry.quantity;
    }
    Ok(())
}

/// Posts the opposite of a bill, linked both ways. Only what was counted is taken back.
pub async fn reverse(live: &Live, bill_id: &str) -> Result<Reversed, Failure> {
    let posted = bills::found(live, bill_id).await?;
    if let Some(other) = &posted.summary.reversed_by {
        return Err(Failure::new(
            "invalid",
            words!("bill_reversed_by", "bill {bill_id} was reversed already, by {other}", bill_id, other),
        ));
    }
    let states = bills::states(live, &posted).await?;
    let mut entries = Vec::new();
    for (line, state) in posted.lines.iter().zip(&states) {
        match state.0 {
            s if s.is_counted() => {
                entries.push(ioentry::decode(&line.payload).map_err(inventory::domain::error::Error::from)?)
            }
            s if s.is_end() => {}
            _ => {
                let words = words!(
                    "bill_on_its_way",
                    "bill {bill_id} is still on its way to the ledger; reverse it when it is there",
                    bill_id
                );
                return Err(Failure::new("invalid", words));
            }
        }
    }
    if entries.is_empty() {
        let words = words!(
            "bill_nothing_counted",
            "no line of bill {bill_id} was counted: there is nothing to take back",
            bill_id
        );
        return Err(Failure::new("invalid", words));
    }
    let now = clock::wall();
    let back = posted.summary.direction.opposite();
    let number = BillId::stored(&bill::number(back, now, Uuid::new_v4()));
    let entries = bill::reversal(&entries, &number, now, Uuid::now_v7);
    append(live, entries, Some(BillId::stored(bill_id)), None).await?;
    Ok(Reversed { bill_id: number.to_string(), reverses: bill_id.into() })
}

/// Sends a corrected entry in place of a rejected message. Its id comes from the message's place, so that doing
/// it twice counts once.
pub async fn resubmit(live: &Live, source: &str, offset: i64, text: &str) -> Result<PostResult, Failure> {
    let entry = match ioentry::decode(text.as_bytes()) {
        Ok(entry) => entry,
        Err(refusal) => {
            let words = refusal.words();
            let errors = vec![error(None, refusal.field, refusal.rule.code(), &refusal.value, &words)];
            return Ok(PostResult::Refused { errors });
        }
    };
    let ledger = live.engine.ledger();
    let id = Uuid::new_v5(&RESUBMITTED, format!("{source}\n{offset}").as_bytes());
    match ledger.rejected_one(source, offset).await? {
        None => {
            return Err(Failure::new(
                "not_found",
                words!("no_rejected_at", "no rejected entry at {source}, offset {offset}", source, offset),
            ));
        }
        Some(row) if row.resubmitted_as.is_some_and(|other| other != id) => {
            return Err(Failure::new(
                "invalid",
                words!("resubmitted_already", "this rejected entry was resubmitted already"),
            ));
        }
        Some(_) => {}
    }
    let bill_id = entry.bill_id.to_string();
    let entry = saved(Entry { entry_id: Some(id), ..entry });
    live.engine.outbox()?.append(vec![entry], None, clock::epoch_ms()).await?;
    ledger.mark_resubmitted(source, offset, id).await?;
    live.resubmitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Ok(PostResult::Posted { bill_id, lines: 1 })
}
