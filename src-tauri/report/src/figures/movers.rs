//! Which products move and which lie: out per product, how often the stock turned over, how long it lasts. Whole numbers
//! throughout: a turnover is told in thousandths.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Figures, Filter, Period};
use domain::entry::ProductId;
use domain::error::Result;
use ledger::{Ask, Columns, Detail, Ledger};

/// One product's movement in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mover {
    /// The product.
    pub product: ProductId,
    /// Its figures.
    pub figures: Figures,
    /// Sum of what lay there at the end of each day of the period.
    pub piece_days: i128,
    /// Days of the period, begun ones included.
    pub days: i64,
    /// The last day on which some of it went out.
    pub last_out: Option<NaiveDate>,
}

impl Mover {
    /// Out, divided by what lay there on average, in thousandths. `None` where nothing lay there.
    pub fn turnover(&self) -> Option<i128> {
        let moved = i128::from(self.figures.outward) * i128::from(self.days) * 1000;
        (self.piece_days > 0).then(|| moved / self.piece_days)
    }

    /// For how many days the closing quantity lasts at this pace. `None` where nothing went out.
    pub fn lasts(&self) -> Option<i128> {
        let left = i128::from(self.figures.closing().max(0)) * i128::from(self.days);
        (self.figures.outward > 0).then(|| left / i128::from(self.figures.outward))
    }
}

/// Every product with a balance or a movement, the fastest (most out) first; read from behind, the slowest first.
pub async fn movers(ledger: &Ledger, period: Period, filter: &Filter) -> Result<Vec<Mover>> {
    let ask = Ask { columns: Columns { product: true, ..Columns::default() }, filter: filter.clone() };
    ledger.again(|| once(ledger, period, &ask)).await
}

async fn once(ledger: &Ledger, period: Period, ask: &Ask) -> Result<Vec<Mover>> {
    let first = period.start.date();
    let last = (period.end - chrono::TimeDelta::seconds(1)).date();
    let days = last.signed_duration_since(first).num_days() + 1;
    let mut sums = ledger.sums(period, ask, Detail::Day).await?;
    let mut found: BTreeMap<ProductId, Mover> = BTreeMap::new();
    let mover = |product: &ProductId| Mover {
        product: product.clone(),
        figures: Figures::default(),
        piece_days: 0,
        days,
        last_out: None,
    };
    for sum in sums.opening(ask).await? {
        let Some(product) = &sum.product else { continue };
        let balance = sum.in_quantity - sum.out_quantity;
        let mover = found.entry(product.clone()).or_insert_with(|| mover(product));
        mover.figures.opening += balance;
        mover.piece_days += i128::from(balance) * i128::from(days);
    }
    for sum in sums.movement(ask, Detail::Day).await? {
        let (Some(product), Some(day)) = (&sum.product, sum.day) else { continue };
        let mover = found.entry(product.clone()).or_insert_with(|| mover(product));
        mover.figures.inward += sum.in_quantity;
        mover.figures.outward += sum.out_quantity;
        mover.figures.entries += sum.entries;
        // What moved lies there, or is missing, from that day's end to the last.
        let rest = last.signed_duration_since(day).num_days() + 1;
        mover.piece_days += i128::from(sum.in_quantity - sum.out_quantity) * i128::from(rest);
        if sum.out_quantity > 0 {
            mover.last_out = mover.last_out.max(Some(day));
        }
    }
    sums.close().await?;
    let mut movers: Vec<Mover> = found.into_values().filter(|mover| !mover.figures.nothing()).collect();
    movers.sort_by_key(|mover| {
        (Reverse(mover.figures.outward), mover.figures.closing(), mover.product.clone())
    });
    Ok(movers)
}
