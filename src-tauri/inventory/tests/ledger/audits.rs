//! What an audit may say of a ledger that it has not read to its end.

use inventory::audit::findings::{Outcome, Trigger};
use inventory::audit::watch::Watch;
use inventory::audit::{Auditor, Request};
use inventory::ledger::{AuditRunSearch, SourceCache};
use inventory::stock::Stock;
use inventory::stock::redb::Redb;

use super::{Place, batch, entry, identity, message};

/// Half of the rows against all of the books would convict whatever was not read.
pub async fn a_cancelled_audit_convicts_nobody(place: &Place) {
    let ledger = place.ready(100).await;
    let source = ledger.register_source(&identity(7, 0), 0).await.unwrap();
    let one = |n: i64| message(n, entry(&format!("P{}", n % 5), "W1", 1 + n, "2025-03-13 12:00:00", None));
    let messages = batch(&source, (0..40).map(one).collect());
    let done = ledger.commit(&source, &messages, &mut SourceCache::default()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let stock = Redb::open(&home.path().join("stock.redb")).unwrap();
    let keys: Vec<_> = done.calls.iter().map(|call| call.key.clone()).collect();
    stock.bring(&ledger.vectors(&keys).await.unwrap()).await.unwrap();

    let request = Request {
        full: true,
        dry_run: false,
        correct_storm: false,
        trigger: Trigger::Command,
        who: "test".into(),
    };
    let audit = async |watch: &Watch| {
        let auditor = Auditor { ledger: &ledger, stock: &stock, now_ms: &|| 1_000, storm_percent: 5, watch };
        auditor.run(&request).await.unwrap()
    };
    let watch = Watch::new();
    watch.cancel();
    let cancelled = audit(&watch).await;
    assert_eq!((cancelled.outcome, cancelled.deviations), (Outcome::Cancelled, vec![]));
    let whole = audit(&Watch::new()).await;
    assert_eq!((whole.outcome, whole.keys, whole.equal, whole.rows), (Outcome::Clean, 5, 5, 40));
    let logged = ledger.audits(&AuditRunSearch::default(), 10).await.unwrap();
    assert_eq!(logged.iter().map(|run| run.lines).collect::<Vec<_>>(), [0, 0], "both are in the log");
}
