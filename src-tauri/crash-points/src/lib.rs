//! Named places where a test lets the process die as by kill -9: between every two steps on the way of an entry.
//! Compiled in with debug assertions only, so no release build has them; and even then nothing happens unless the
//! environment variable TWINSTOCK_CRASH names a point, `name` or `name:n` for the n-th passing.

/// Every point, in the order in which an entry meets them. Tests arm each of them once and demand that it is met.
pub const POINTS: &[&str] = &[
    "init.migrated",
    "outbox.inserted",
    "outbox.committed",
    "sender.placed",
    "sender.acknowledged",
    "sender.marked",
    "source.unknown",
    "source.registered",
    "take.begun",
    "take.resumed",
    "take.before_send_again",
    "take.sent_again",
    "take.opened",
    "batch.read",
    "products.registered",
    "places.registered",
    "days.settled",
    "tables.catalogued",
    "tables.made",
    "months.catalogued",
    "months.made",
    "compact.locked",
    "compact.copied",
    "compact.before_commit",
    "compact.committed",
    "compact.dropped",
    "compact.forgotten",
    "commit.prepared",
    "commit.begun",
    "commit.taken",
    "commit.judged",
    "commit.rows",
    "commit.before",
    "commit.after",
    "stock.before",
    "stock.applied",
    "stock.between_chunks",
    "stock.after",
    "stock.absent",
    "stock.brought",
    "batch.handed",
    "position.published",
    "watermark.before",
    "watermark.taken",
    "watermark.saved",
    "sweep.behind",
    "sweep.brought",
    "replay.begun",
    "replay.remade",
    "replay.prepared",
    "replay.frozen",
    "replay.removed",
    "replay.restored",
    "replay.logged",
    "replay.mended",
    "replay.sums",
    "replay.sums_set",
    "replay.stock_proposed",
    "replay.stock_corrected",
    "replay.ended",
    "audit.begun",
    "audit.stock_read",
    "audit.folded",
    "audit.read",
    "audit.judged",
    "audit.planned",
    "audit.brought",
    "audit.replaced",
    "audit.corrected",
    "audit.logging",
    "audit.logged",
    "audit.last_check",
];

/// Passes the point; never comes back when it is the armed one.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn pass(_name: &'static str) {}

/// Passes the point; never comes back when it is the armed one.
#[cfg(debug_assertions)]
pub fn pass(name: &'static str) {
    armed::pass(name);
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The armed point and how often it is still passed unharmed.
    static ARMED: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();

    /// `name` or `name:n`.
    pub fn read(text: &str) -> (String, u64) {
        match text.split_once(':') {
            Some((name, times)) => (name.to_owned(), times.parse().unwrap_or(1)),
            None => (text.to_owned(), 1),
        }
    }

    pub fn pass(name: &'static str) {
        let armed = ARMED.get_or_init(|| {
            let (name, times) = read(&std::env::var("TWINSTOCK_CRASH").ok()?);
            Some((name, AtomicU64::new(times)))
        });
        if let Some((point, left)) = armed
            && point == name
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            tracing::error!(point = name, "the armed crash point is reached");
            // No destructor runs, nothing is flushed: what is not on its way by now never will be.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_distinct_and_read_with_their_count() {
        let mut names = POINTS.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), POINTS.len());
        assert_eq!(armed::read("commit.before"), ("commit.before".to_owned(), 1));
        assert_eq!(armed::read("commit.before:3"), ("commit.before".to_owned(), 3));
    }
}
