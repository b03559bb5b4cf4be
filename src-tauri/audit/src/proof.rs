//! The ledger's own proof of one key: its rows, its `balances` and its `day_totals` count the same goods three times.
//! Two that agree convict the third. Pure.

use std::collections::BTreeMap;

use super::findings::Cause;
use ledger::{Part, Sum};
use stock::SourceName;

/// What the ledger says of one key, counted three times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `balances`, per source: sum and last offset.
    pub balances: BTreeMap<SourceName, (Sum, i64)>,
    /// `day_totals`, over all days.
    pub totals: Sum,
    /// The rows themselves, per source: sum and last offset. `None`: not read (a quick audit).
    pub rows: Option<BTreeMap<SourceName, (Sum, i64)>>,
}

impl Accounts {
    /// The two books; rows are read where they are asked for.
    pub fn of(parts: &[Part], totals: Sum) -> Self {
        let balance = |part: &Part| {
            let sum = Sum { quantity: part.quantity, entries: part.entries };
            (part.source.clone(), (sum, part.last_offset))
        };
        Accounts { balances: parts.iter().map(balance).collect(), totals, rows: None }
    }

    /// What the ledger's books say: the sum of `balances`.
    pub fn booked(&self) -> Sum {
        sum(&self.balances)
    }

    /// What the ledger says of the key: its rows where they were read.
    pub fn quantity(&self) -> i64 {
        self.rows.as_ref().map_or(self.booked(), sum).quantity
    }

    /// Which of the three is wrong; `None`: they agree, as far as they were read.
    pub fn guilty(&self) -> Option<Cause> {
        let booked = self.booked();
        let Some(rows) = &self.rows else {
            return (booked != self.totals).then_some(Cause::TotalsWrong);
        };
        let counted = sum(rows);
        match (*rows == self.balances, counted == self.totals, booked == self.totals) {
            (true, true, _) => None,
            (true, false, _) => Some(Cause::TotalsWrong),
            (false, true, _) => Some(Cause::BalancesWrong),
            (false, false, _) if counted.entries < booked.entries => Some(Cause::RowMissing),
            (false, false, _) if counted.entries > booked.entries => Some(Cause::RowDoubled),
            (false, false, _) => Some(Cause::RowChanged),
        }
    }
}

fn sum(parts: &BTreeMap<SourceName, (Sum, i64)>) -> Sum {
    parts.values().fold(Sum::default(), |mut all, (part, _)| {
        all.add(*part);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(quantity: i64, entries: i64, last: i64) -> BTreeMap<SourceName, (Sum, i64)> {
        BTreeMap::from([("a.0".into(), (Sum { quantity, entries }, last))])
    }

    fn accounts(rows: (i64, i64, i64), balances: (i64, i64, i64), totals: (i64, i64)) -> Accounts {
        Accounts {
            rows: Some(parts(rows.0, rows.1, rows.2)),
            balances: parts(balances.0, balances.1, balances.2),
            totals: Sum { quantity: totals.0, entries: totals.1 },
        }
    }

    #[test]
    fn two_that_agree_convict_the_third() {
        let right = (7, 3, 9);
        assert_eq!(accounts(right, right, (7, 3)).guilty(), None);
        assert_eq!(accounts(right, right, (8, 3)).guilty(), Some(Cause::TotalsWrong));
        assert_eq!(accounts(right, (9, 3, 9), (7, 3)).guilty(), Some(Cause::BalancesWrong));
        assert_eq!(accounts(right, (7, 3, 8), (7, 3)).guilty(), Some(Cause::BalancesWrong));
        assert_eq!(accounts((5, 2, 9), right, (7, 3)).guilty(), Some(Cause::RowMissing));
        assert_eq!(accounts((9, 4, 9), right, (7, 3)).guilty(), Some(Cause::RowDoubled));
        assert_eq!(accounts((1, 3, 9), right, (7, 3)).guilty(), Some(Cause::RowChanged));
    }

    #[test]
    fn a_lost_last_row_of_no_other_trace_is_missed_by_nobody() {
        // The sum may be the same by chance; the number of entries is not.
        assert_eq!(accounts((7, 2, 5), (7, 3, 9), (7, 3)).guilty(), Some(Cause::RowMissing));
    }

    #[test]
    fn a_quick_audit_knows_books_and_totals_only() {
        let quick = Accounts { rows: None, ..accounts((0, 0, 0), (7, 3, 9), (7, 3)) };
        assert_eq!(quick.guilty(), None);
        let quick = Accounts { totals: Sum { quantity: 7, entries: 2 }, ..quick };
        assert_eq!(quick.guilty(), Some(Cause::TotalsWrong));
    }
}
