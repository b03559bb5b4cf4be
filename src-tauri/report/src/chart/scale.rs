//! Values to pixels and back to round labels, in whole numbers: of two values the greater never lies lower. And which of
//! many values are drawn where there are fewer pixels than values.

/// An axis from a round number to a round number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub low: i128,
    pub high: i128,
    pub step: i128,
}

impl Scale {
    /// The closest axis around the values with at most so many steps (two at least), each 1, 2 or 5 times a power of ten.
    pub fn around(low: i128, high: i128, steps: i32) -> Self {
        let steps = i128::from(steps.max(2));
        let high = if high > low { high } else { low + 1 };
        let mut step: i128 = 1;
        let mut factors = [2, 5, 10].into_iter().cycle();
        let mut power: i128 = 1;
        loop {
            let (first, last) = (low.div_euclid(step), -(-high).div_euclid(step));
            if last - first <= steps {
                return Scale { low: first * step, high: last * step, step };
            }
            let factor = factors.next().unwrap_or(10);
            step = power * factor;
            if factor == 10 {
                power = step;
            }
        }
    }

    /// The same, with zero in sight unless all values lie far from it.
    pub fn near_zero(low: i128, high: i128, steps: i32) -> Self {
        let spread = (high - low) * 3;
        if low > 0 && low > spread && spread > 0 {
            return Self::around(low, high, steps);
        }
        if high < 0 && -high > spread && spread > 0 {
            return Self::around(low, high, steps);
        }
        Self::around(low.min(0), high.max(0), steps)
    }

    /// How far along `length` pixels the value lies.
    pub fn at(&self, value: i128, length: i32) -> i32 {
        let value = value.clamp(self.low, self.high);
        share(value - self.low, self.high - self.low, length)
    }

    /// The round numbers from low to high.
    pub fn ticks(&self) -> impl Iterator<Item = i128> + '_ {
        (0..=(self.high - self.low) / self.step).map(|at| self.low + at * self.step)
    }
}

/// `part` of `whole` in pixels of `length`, rounded down. `part` lies in 0..=whole, whole above zero.
pub fn share(part: i128, whole: i128, length: i32) -> i32 {
    i32::try_from(part * i128::from(length) / whole).unwrap_or(length)
}

/// A count as a number to reckon with.
pub fn count(many: usize) -> i128 {
    i128::try_from(many).unwrap_or(i128::MAX >> 32)
}

/// How many values share a place where `many` values meet so many places.
pub fn bundle(many: usize, places: i32) -> usize {
    many.div_ceil(usize::try_from(places).unwrap_or(1).max(1)).max(1)
}

/// Which values of a line are drawn: of each bundle the first, the least, the greatest and the last, so that no peak and
/// no trough is lost. `bundle_of` tells each value's bundle and never falls.
pub fn thinned(values: &[i64], bundle_of: impl Fn(usize) -> i128) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let bundle = bundle_of(start);
        let end = (start..values.len()).find(|at| bundle_of(*at) != bundle).unwrap_or(values.len());
        let least = (start..end).min_by_key(|at| values[*at]).unwrap_or(start);
        let greatest = (start..end).max_by_key(|at| values[*at]).unwrap_or(start);
        let mut four = [start, least, greatest, end - 1];
        four.sort_unstable();
        kept.extend(four);
        start = end;
    }
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_round_and_hold_their_values() {
        let wide = (i128::from(i64::MIN), i128::from(i64::MAX));
        for (low, high) in [(0, 0), (0, 1), (-3, 7), (0, 999), (1001, 1234), (-5, -5), wide] {
            for steps in 2..9 {
                let scale = Scale::around(low, high, steps);
                assert!(scale.low <= low && scale.high >= high && scale.high > scale.low, "{scale:?}");
                let ticks: Vec<i128> = scale.ticks().collect();
                assert!((2..=9).contains(&ticks.len()) && ticks.len() <= usize::try_from(steps).unwrap() + 1);
                assert_eq!(ticks.last(), Some(&scale.high));
                let digits = scale.step.to_string();
                assert!(["1", "2", "5"].contains(&digits.trim_end_matches('0')), "{digits}");
                assert_eq!((scale.at(scale.low, 300), scale.at(scale.high, 300)), (0, 300));
            }
        }
        assert_eq!(Scale::around(0, 930, 5), Scale { low: 0, high: 1000, step: 200 });
    }

    #[test]
    fn zero_is_left_out_of_sight_only_when_far() {
        assert_eq!(Scale::near_zero(50, 100, 4).low, 0);
        assert!(Scale::near_zero(100_000, 100_300, 4).low > 0);
        assert!(Scale::near_zero(-100_300, -100_000, 4).high < 0);
        assert_eq!(Scale::near_zero(500, 500, 4).low, 0, "a level line stands above zero");
        assert_eq!(Scale::near_zero(-20, -10, 4).high, 0);
    }

    #[test]
    fn thinning_keeps_ends_and_extremes_of_every_bundle() {
        let values: Vec<i64> = (0..1000).map(|i| (i * 7919) % 1009 - 500).collect();
        let kept = thinned(&values, |at| count(at / 25));
        assert!(kept.len() <= 160 && kept.is_sorted());
        for bundle in 0..40 {
            let all = &values[bundle * 25..(bundle + 1) * 25];
            let drawn: Vec<i64> =
                kept.iter().filter(|at| **at / 25 == bundle).map(|at| values[*at]).collect();
            assert_eq!((drawn.iter().min(), drawn.iter().max()), (all.iter().min(), all.iter().max()));
            assert_eq!((drawn.first(), drawn.last()), (all.first(), all.last()));
        }
        assert!(thinned(&[], |_| 0).is_empty());
        assert_eq!(thinned(&[4], |_| 0), [0]);
    }
}
