//! Arithmetic of measurements: median, percentile, ratio. Pure; what is measured and how it is shown stands elsewhere.

use serde::Serialize;

/// The value in the middle; of an even count the mean of the two in the middle. `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The smallest value that at least `percent` of a hundred values do not exceed (nearest rank, no interpolation:
/// it is always a value that occurred).
pub fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let sorted = sorted(values);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// `part / whole`; `None` where the whole is nothing.
pub fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Several rounds of one figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub rounds: usize,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let ordered = sorted(values);
        Some(Spread {
            median: median(values)?,
            min: *ordered.first()?,
            max: *ordered.last()?,
            rounds: values.len(),
        })
    }
}

/// Progress seen at moments: (seconds, entries).
#[derive(Debug, Clone, Default)]
pub struct Progress(pub Vec<(f64, f64)>);

impl Progress {
    /// Notes what is done at a moment.
    pub fn note(&mut self, seconds: f64, done: f64) {
        self.0.push((seconds, done));
    }

    /// Entries per second between the first moments at which a tenth and nine tenths of `all` were done. Both
    /// ends are moments that were seen, so a large batch that arrives at once is counted whole or not at all.
    pub fn steady(&self, all: f64) -> Option<f64> {
        let reached = |part: f64| self.0.iter().find(|(_, done)| *done >= part * all);
        let (from, to) = (reached(0.1)?, reached(0.9)?);
        (to.0 > from.0).then(|| (to.1 - from.1) / (to.0 - from.0))
    }

    /// When anything was done at first.
    pub fn first(&self) -> Option<f64> {
        self.0.iter().find(|(_, done)| *done > 0.0).map(|(seconds, _)| *seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_order() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50.0), Some(50.0));
        assert_eq!(percentile(&hundred, 99.0), Some(99.0));
        assert_eq!(percentile(&hundred, 100.0), Some(100.0));
        assert_eq!(percentile(&hundred, 0.0), Some(1.0));
        assert_eq!(percentile(&[7.0], 99.0), Some(7.0));
        assert_eq!(percentile(&[1.0, 9.0], 99.0), Some(9.0), "one of two slow is seen");
        let thousand: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!(percentile(&thousand, 99.0), Some(990.0));
        assert_eq!(percentile(&[], 50.0), None);
    }

    #[test]
    fn nothing_is_no_whole() {
        assert_eq!(ratio(3.0, 4.0), Some(0.75));
        assert_eq!(ratio(3.0, 0.0), None);
    }

    #[test]
    fn a_spread_holds_its_ends() {
        let spread = Spread::of(&[2.0, 9.0, 4.0]);
        assert_eq!(spread, Some(Spread { median: 4.0, min: 2.0, max: 9.0, rounds: 3 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn the_steady_rate_leaves_start_and_end_out() {
        let mut progress = Progress::default();
        for (at, done) in [(1.0, 0.0), (5.0, 10.0), (6.0, 50.0), (7.0, 90.0), (20.0, 100.0)] {
            progress.note(at, done);
        }
        assert_eq!(progress.steady(100.0), Some(40.0));
        assert_eq!(progress.first(), Some(5.0));
        assert_eq!(Progress(vec![(1.0, 0.0), (2.0, 100.0)]).steady(100.0), None, "one leap has no rate");
    }
}
