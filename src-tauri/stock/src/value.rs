//! One value of the stock, `{"base":100,"change":20,"at":{"8f3a01c2.3":[1234,120]}}`, and what a call makes of it.
//! Pure: the embedded store calls these functions, the Redis script is held equal to them by a property test.
//! Must never guess: what it cannot read exactly is damaged and is left to the audit.

use std::collections::BTreeMap;

use super::{Answer, Prev, SourceName, StockCall, Vector};
use domain::error::{Code, Error, Result};
use domain::words;

/// Largest magnitude of any number in a value: what every JSON reader and Lua still hold exactly (2^53 − 1).
pub const LIMIT: i64 = (1 << 53) - 1;
/// Longest name of a source in `at`.
const MAX_NAME: usize = 64;

/// A readable value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// The spec's opening quantity; moved by the audit's fold alone.
    pub base: i64,
    /// The spec's accumulated change.
    pub change: i64,
    /// Per source: last offset counted in this very value, and the signed sum of its entries up to there.
    pub at: BTreeMap<SourceName, (i64, i64)>,
}

/// The bytes are no value of ours: no readable `at`, a number that is no exact integer, something twice,
/// or something unknown that rewriting would lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

impl Value {
    /// Reads stored bytes. Blanks and the members' order are free; everything else is exact.
    pub fn read(bytes: &[u8]) -> Result<Value, Damaged> {
        Reader { bytes, at: 0 }.value().ok_or(Damaged)
    }

    /// Writes the value as it is stored.
    pub fn print(&self) -> Vec<u8> {
        let mut text = format!("{{\"base\":{},\"change\":{},\"at\":{{", self.base, self.change);
        for (index, (source, (offset, sum))) in self.at.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            text.push_str(&format!("{comma}\"{source}\":[{offset},{sum}]"));
        }
        text.push_str("}}");
        text.into_bytes()
    }

    /// The live quantity, as the spec's reader computes it.
    pub fn quantity(&self) -> i64 {
        self.base + self.change
    }

    /// `base + change − Σ sums`: 0 unless somebody else wrote.
    pub fn drift(&self) -> i64 {
        let sums: i128 = self.at.values().map(|(_, sum)| i128::from(*sum)).sum();
        let drift = i128::from(self.quantity()) - sums;
        i64::try_from(drift).unwrap_or(if drift > 0 { i64::MAX } else { i64::MIN })
    }

    /// The source's last counted offset and sum; `(-1, 0)` when it never counted here.
    pub fn entry(&self, source: &str) -> (i64, i64) {
        self.at.get(source).copied().unwrap_or((-1, 0))
    }

    /// Adds `delta` and moves the source's entry to `(last, sum)`; `None` where a number would lose exactness.
    fn moved(&self, source: &SourceName, last: i64, delta: i64, sum: i64) -> Option<Value> {
        let change = exact(self.change.checked_add(exact(delta)?)?)?;
        let mut next = self.clone();
        next.change = change;
        next.at.insert(source.clone(), (last, exact(sum)?));
        Some(next)
    }

    /// Takes the ledger's sum for a source: what the delta cannot reach, or must not.
    fn taken(&self, source: &SourceName, last: i64, sum: i64) -> Option<Value> {
        let (_, counted) = self.entry(source);
        self.moved(source, last, sum.checked_sub(counted)?, sum)
    }
}

/// The normal step (DESIGN §3 rule 3). The new value is `None` where nothing changes.
pub fn step(stored: Option<&[u8]>, call: &StockCall) -> (Option<Value>, Answer) {
    let Some(bytes) = stored else { return (None, Answer::Absent) };
    let Ok(value) = Value::read(bytes) else { return (None, Answer::Damaged) };
    let (offset, counted) = value.entry(&call.source);
    if offset >= call.last {
        return (None, Answer::Seen);
    }
    let (next, answer) = if call.prev == Prev::At(offset) {
        let sum = counted.checked_add(call.delta);
        let next = sum.and_then(|sum| value.moved(&call.source, call.last, call.delta, sum));
        (next, Answer::Applied)
    } else {
        (value.taken(&call.source, call.last, call.sum), Answer::Lagged(offset))
    };
    let answer = if next.is_some() { answer } else { Answer::Damaged };
    (next, answer)
}

/// The vector (DESIGN §3 rule 4): creates what is absent, brings forward what lags, never overwrites.
/// `Lagged` carries the offset of the first source that was brought forward.
pub fn bring(stored: Option<&[u8]>, vector: &Vector) -> (Option<Value>, Answer) {
    let mut value = match stored.map(Value::read) {
        None => Value::default(),
        Some(Ok(value)) => value,
        Some(Err(Damaged)) => return (None, Answer::Damaged),
    };
    let mut first = None;
    for (source, last, sum) in &vector.parts {
        let (offset, _) = value.entry(source);
        if offset >= *last {
            continue;
        }
        match value.taken(source, *last, *sum) {
            Some(next) => value = next,
            None => return (None, Answer::Damaged),
        }
        first = first.or(Some(offset));
    }
    match (first, stored) {
        (Some(_), None) => (Some(value), Answer::Created),
        (Some(offset), Some(_)) => (Some(value), Answer::Lagged(offset)),
        (None, None) => (None, Answer::Absent),
        (None, Some(_)) => (None, Answer::Seen),
    }
}

/// Refuses calls that no sound ledger sends, before any of them is executed: a number or a name that the
/// stored value could not be read back with.
pub fn sound_calls(calls: &[StockCall]) -> Result<()> {
    for call in calls {
        let prev = match call.prev {
            Prev::At(offset) => offset,
            Prev::Unknown => -1,
        };
        let numbers = [prev, call.last, call.delta, call.sum];
        check(&call.source, &numbers, &call.key)?;
    }
    Ok(())
}

/// The same for vectors.
pub fn sound_vectors(vectors: &[Vector]) -> Result<()> {
    for vector in vectors {
        for (source, last, sum) in &vector.parts {
            check(source, &[*last, *sum], &vector.key)?;
        }
    }
    Ok(())
}

pub(super) fn check(source: &str, numbers: &[i64], key: &domain::entry::StockKey) -> Result<()> {
    if is_name(source) && numbers.iter().all(|number| exact(*number).is_some()) {
        return Ok(());
    }
    let words = words!(
        "stock_call_too_large",
        "A stock call for {key} carries the source {source} and the numbers {numbers}, which the stock cannot hold exactly. Run a full audit: the ledger's balances are damaged.",
        key = format!("{key:?}"),
        source = format!("{source:?}"),
        numbers = format!("{numbers:?}")
    );
    Err(Error::new(Code::Internal, words))
}

/// The number, if every reader holds it exactly.
pub(super) fn exact(number: i64) -> Option<i64> {
    (-LIMIT..=LIMIT).contains(&number).then_some(number)
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Reads one value from the front; every method moves `at` behind what it read or gives `None`.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Value> {
        let (mut base, mut change, mut at) = (None, None, None);
        self.token(b'{')?;
        for index in 0..3 {
            if index > 0 {
                self.token(b',')?;
            }
            let name = self.name()?;
            self.token(b':')?;
            match name {
                "base" if base.is_none() => base = Some(self.integer()?),
                "change" if change.is_none() => change = Some(self.integer()?),
                "at" if at.is_none() => at = Some(self.positions()?),
                _ => return None,
            }
        }
        self.token(b'}')?;
        self.blanks();
        let whole = self.at == self.bytes.len();
        whole.then_some(Value { base: base?, change: change?, at: at? })
    }

    fn positions(&mut self) -> Option<BTreeMap<SourceName, (i64, i64)>> {
        let mut at = BTreeMap::new();
        self.token(b'{')?;
        if self.token(b'}').is_some() {
            return Some(at);
        }
        loop {
            let name = self.name()?;
            self.token(b':')?;
            self.token(b'[')?;
            let offset = self.integer().filter(|offset| *offset >= 0)?;
            self.token(b',')?;
            let sum = self.integer()?;
            self.token(b']')?;
            if at.insert(SourceName::from(name), (offset, sum)).is_some() {
                return None;
            }
            if self.token(b',').is_none() {
                self.token(b'}')?;
                return Some(at);
            }
        }
    }

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn token(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    /// A quoted name of plain characters; nothing of ours needs an escape.
    fn name(&mut self) -> Option<&'a str> {
        self.token(b'"')?;
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| is_name_byte(**byte)).count();
        let name = std::str::from_utf8(&rest[..length]).ok()?;
        self.at += length;
        // Not `token`: a blank would belong to the name.
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        self.at += 1;
        is_name(name).then_some(name)
    }

    /// An integer written as such: no fraction, no exponent, no leading zero, no minus zero.
    fn integer(&mut self) -> Option<i64> {
        self.blanks();
        let rest = &self.bytes[self.at..];
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&rest[..sign + digits]).ok()?;
        let zero = rest.get(sign) == Some(&b'0');
        if digits == 0 || (zero && (digits > 1 || sign == 1)) {
            return None;
        }
        self.at += sign + digits;
        text.parse().ok().and_then(exact)
    }
}

#[cfg(test)]
mod tests;
