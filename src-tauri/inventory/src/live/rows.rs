//! Every balance of the stock in memory, one compact row each, shared by all views. Rows keep their number for
//! ever, so that a view's order is a list of numbers; what left the store is marked, not removed.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::labels::{Items, Labels, ProductLabel};
use domain::entry::StockKey;
use stock::value::Value;

/// What moved lately, which only the ledger knows; handed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Movement {
    /// In today.
    pub in_today: i64,
    /// Out today.
    pub out_today: i64,
    /// Last movement.
    pub last: Option<NaiveDateTime>,
}

/// How a row stands in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A value of ours.
    Sound,
    /// Unreadable, but where a balance belongs.
    Damaged,
    /// Unreadable, and nothing says that it was ever a balance: another program's.
    Foreign,
    /// No longer there.
    Gone,
}

/// One balance.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Number of the warehouse.
    pub warehouse: u32,
    /// Number of the product.
    pub product: u32,
    /// How it stands.
    pub state: State,
    /// Base.
    pub base: i64,
    /// Change.
    pub change: i64,
    /// Lately.
    pub movement: Movement,
    /// Count of changes when this one changed last.
    pub stamp: u64,
    /// The scan that met it last.
    round: u32,
}

impl Row {
    /// The live quantity; 0 while it is unreadable or gone.
    pub fn quantity(&self) -> i64 {
        self.base + self.change
    }
}

/// All rows.
#[derive(Debug, Default)]
pub struct Rows {
    /// Warehouses met.
    pub warehouses: Items,
    /// Products met.
    pub products: Items,
    /// Counts changes; a row's stamp is this count when it changed.
    pub stamp: u64,
    /// Moves on when labels changed, so that every view looks its words up again.
    pub edition: u64,
    rows: Vec<Row>,
    numbers: HashMap<(u32, u32), u32>,
    labels: Labels,
    round: u32,
}

impl Rows {
    /// All rows, by number.
    pub fn all(&self) -> &[Row] {
        &self.rows
    }

    /// Takes new labels; nothing happens when they are the same.
    pub fn label(&mut self, labels: Labels) {
        if labels == self.labels {
            return;
        }
        self.labels = labels;
        let labels = &self.labels;
        self.warehouses.label(|id| warehouse(labels, id));
        self.products.label(|id| labels.products.get(id).cloned());
        self.edition += 1;
        self.touch_all();
    }

    /// Takes the movements of today; keys not named have none.
    pub fn movements(&mut self, movements: impl IntoIterator<Item = (StockKey, Movement)>) {
        let mut given = HashMap::new();
        for (key, movement) in movements {
            let number = self.find(&key);
            given.extend(number.map(|number| (number, movement)));
        }
        let stamp = self.stamp + 1;
        let mut changed = false;
        for (number, row) in self.rows.iter_mut().enumerate() {
            let movement = given.get(&(number as u32)).copied().unwrap_or_default();
            if row.movement != movement {
                (row.movement, row.stamp, changed) = (movement, stamp, true);
            }
        }
        if changed {
            self.stamp = stamp;
        }
    }

    /// A scan begins: what it does not meet is gone at its end.
    pub fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// The scan met every key.
    pub fn end(&mut self) {
        let round = self.round;
        let gone: Vec<u32> = (0..self.rows.len() as u32)
            .filter(|number| self.rows[*number as usize].round != round)
            .filter(|number| self.rows[*number as usize].state != State::Gone)
            .collect();
        for number in gone {
            self.set(number, State::Gone, 0, 0);
        }
    }

    /// What the store holds at a key; keys that are no balances are passed over.
    pub fn take(&mut self, text: &str, stored: Option<&[u8]>) {
        let Some((warehouse_id, product_id)) = text.split_once(':') else { return };
        let known = self.warehouses.find(warehouse_id).zip(self.products.find(product_id));
        let known = known.and_then(|pair| self.numbers.get(&pair).copied());
        let number = match (known, stored) {
            (Some(number), _) => number,
            (None, None) => return,
            (None, Some(_)) => match StockKey::parse(text) {
                Some(_) => self.add(warehouse_id, product_id),
                None => return,
            },
        };
        let Some(bytes) = stored else { return self.set(number, State::Gone, 0, 0) };
        match Value::read(bytes) {
            Ok(value) => self.set(number, State::Sound, value.base, value.change),
            Err(_) => {
                let row = self.rows[number as usize];
                let named = self.warehouses.get(row.warehouse).known && self.products.get(row.product).known;
                let ours = named || row.state == State::Sound || spells_a_balance(bytes);
                self.set(number, if ours { State::Damaged } else { State::Foreign }, 0, 0);
            }
        }
    }

    /// The key of a row.
    pub fn key(&self, number: u32) -> Option<StockKey> {
        let row = self.rows.get(number as usize)?;
        let (warehouse, product) = (self.warehouses.get(row.warehouse), self.products.get(row.product));
        StockKey::parse(&format!("{}:{}", warehouse.id, product.id))
    }

    fn find(&self, key: &StockKey) -> Option<u32> {
        let pair =
            self.warehouses.find(key.warehouse.as_str()).zip(self.products.find(key.product.as_str()))?;
        self.numbers.get(&pair).copied()
    }

    fn add(&mut self, warehouse_id: &str, product_id: &str) -> u32 {
        let labels = &self.labels;
        let warehouse = self.warehouses.number(warehouse_id, || warehouse(labels, warehouse_id));
        let product = self.products.number(product_id, || labels.products.get(product_id).cloned());
        let number = self.rows.len() as u32;
        let (state, movement, round) = (State::Gone, Movement::default(), self.round);
        self.rows.push(Row { warehouse, product, state, base: 0, change: 0, movement, stamp: 0, round });
        self.numbers.insert((warehouse, product), number);
        number
    }

    fn set(&mut self, number: u32, state: State, base: i64, change: i64) {
        let row = &mut self.rows[number as usize];
        row.round = self.round;
        if (row.state, row.base, row.change) != (state, base, change) {
            self.stamp += 1;
            (row.state, row.base, row.change, row.stamp) = (state, base, change, self.stamp);
        }
    }

    fn touch_all(&mut self) {
        self.stamp += 1;
        for row in &mut self.rows {
            row.stamp = self.stamp;
        }
    }
}

fn warehouse(labels: &Labels, id: &str) -> Option<ProductLabel> {
    labels.warehouses.get(id).map(|name| ProductLabel { name: name.clone(), ..ProductLabel::default() })
}

/// A JSON object with `base` and `change`, as the spec's own programs write it: a balance, whatever else is wrong.
fn spells_a_balance(bytes: &[u8]) -> bool {
    let object: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(bytes).ok();
    object.is_some_and(|object| object.contains_key("base") && object.contains_key("change"))
}
