//! The outbox keeps what it accepted: once, in order, across restarts and many callers at once.

use std::sync::Arc;

use super::*;
use domain::entry::{ProductId, parse_time};
use domain::error::Code;

pub(crate) fn saved(id: u128, bill: &str, product: &str, quantity: i64) -> Saved {
    let entry = Entry {
        product_id: ProductId::stored(product),
        quantity,
        direction: Direction::In,
        company_id: CompanyId::stored("C1"),
        warehouse_id: WarehouseId::stored("W1"),
        bill_id: BillId::stored(bill),
        create_time: parse_time("2025-03-13 12:00:00").unwrap(),
        description: None,
        entry_id: Some(Uuid::from_u128(id)),
    };
    Saved { entry_id: Uuid::from_u128(id), entry, payload: format!("payload {id}").into_bytes() }
}

fn head(bill: &str, reverses: Option<&str>) -> BillHead {
    BillHead {
        bill_id: BillId::stored(bill),
        direction: Direction::In,
        company_id: CompanyId::stored("C1"),
        warehouse_id: WarehouseId::stored("W1"),
        create_time: parse_time("2025-03-13 12:00:00").unwrap(),
        reverses: reverses.map(BillId::stored),
        draft: Some("d1".into()),
    }
}

async fn fresh(dir: &tempfile::TempDir) -> Outbox {
    Outbox::open(&dir.path().join("outbox.db"), 1).await.unwrap()
}

#[tokio::test]
async fn an_entry_is_saved_once_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = fresh(&dir).await;
    let rows: Vec<Saved> = (0..120).map(|n| saved(n, "B1", "p", 1)).collect();
    let first = outbox.append(rows.clone(), None, 5).await.unwrap();
    assert!(first.iter().enumerate().all(|(at, a)| *a == Appended::Saved(at as i64 + 1)), "{first:?}");
    let again = outbox.append(rows, None, 6).await.unwrap();
    assert!(again.iter().enumerate().all(|(at, a)| *a == Appended::AlreadyThere(at as i64 + 1)));
    let twice =
        outbox.append(vec![saved(500, "B1", "p", 1), saved(500, "B1", "p", 1)], None, 7).await.unwrap();
    assert_eq!(twice[1], Appended::AlreadyThere(twice[0].seq()));
    let end = outbox.end();
    let life = outbox.incarnation();
    outbox.close().await;
    assert!(outbox.append(vec![saved(1, "B1", "p", 1)], None, 5).await.is_err());
    let outbox = fresh(&dir).await;
    assert_eq!((outbox.end(), outbox.incarnation()), (end, life));
    let all = outbox.read_from(0, 1000).await.unwrap();
    assert_eq!(all.len(), 121);
    assert_eq!((all[7].offset, all[7].saved_ms, all[7].payload.as_slice()), (7, 5, &b"payload 7"[..]));
    let ids = outbox.saved_ids(&[Uuid::from_u128(3), Uuid::from_u128(9999)]).await.unwrap();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), [Uuid::from_u128(3)]);
}

#[tokio::test]
async fn many_callers_commit_together() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Arc::new(fresh(&dir).await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..300u128 {
        let outbox = Arc::clone(&outbox);
        tasks.spawn(
            async move { outbox.append(vec![saved(n, "B", "p", 1)], None, 5).await.unwrap()[0].seq() },
        );
    }
    let mut seqs = tasks.join_all().await;
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=300).collect::<Vec<i64>>());
    assert_eq!(outbox.waiting().await.unwrap(), 300);
}

#[tokio::test]
async fn a_refused_bill_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Arc::new(fresh(&dir).await);
    outbox.append(vec![saved(1, "B1", "p", 1)], Some(head("B1", None)), 5).await.unwrap();
    let good = outbox.append(vec![saved(2, "B2", "p", 1)], Some(head("B2", None)), 5);
    let taken = outbox.append(vec![saved(3, "B1", "p", 1)], Some(head("B1", None)), 5);
    let (good, taken) = tokio::join!(good, taken);
    assert_eq!(good.unwrap(), [Appended::Saved(2)]);
    assert_eq!(taken.unwrap_err().code, Code::Invalid);
    let same = outbox.append(vec![saved(1, "B1", "p", 1)], Some(head("B1", None)), 9).await.unwrap();
    assert_eq!(same, [Appended::AlreadyThere(1)]);
    assert_eq!(outbox.end(), 2);
}

#[tokio::test]
async fn bills_are_found_and_linked() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = fresh(&dir).await;
    outbox.draft_save("d1", "{}", 3).await.unwrap();
    outbox.draft_save("d2", "{}", 4).await.unwrap();
    let lines = vec![saved(1, "B1", "apple", 3), saved(2, "B1", "pear", 4)];
    outbox.append(lines, Some(head("B1", None)), 5).await.unwrap();
    assert_eq!(outbox.drafts().await.unwrap().len(), 1);
    outbox.append(vec![saved(3, "B2", "fig_", 1)], Some(head("B2", Some("B1"))), 6).await.unwrap();
    let second = outbox.append(vec![saved(4, "B3", "fig", 1)], Some(head("B3", Some("B1"))), 6).await;
    assert_eq!(second.unwrap_err().code, Code::Invalid);
    let bill = outbox.bill("B1").await.unwrap().unwrap();
    assert_eq!(bill.summary.reversed_by.as_deref(), Some("B2"));
    assert_eq!((bill.summary.lines, bill.summary.quantity, bill.summary.waiting), (2, 7, 2));
    assert_eq!(bill.lines[1].product_id, "pear");
    let find = |text: &str| BillFilter { text: text.into(), ..BillFilter::default() };
    let ids = |bills: Vec<BillSummary>| bills.into_iter().map(|b| b.bill_id).collect::<Vec<_>>();
    assert_eq!(ids(outbox.bills_search(&find("EAR"), 9, None).await.unwrap()), ["B1"]);
    assert_eq!(ids(outbox.bills_search(&find("g_"), 9, None).await.unwrap()), ["B2"]);
    assert_eq!(ids(outbox.bills_search(&find(""), 9, None).await.unwrap()), ["B2", "B1"]);
    assert_eq!(ids(outbox.bills_search(&find("%"), 9, None).await.unwrap()).len(), 0);
    let named = BillFilter { text_products: vec!["pear".into()], ..find("梨") };
    assert_eq!(ids(outbox.bills_search(&named, 9, None).await.unwrap()), ["B1"]);
    let late = BillFilter { from: parse_time("2025-03-14 00:00:00"), ..BillFilter::default() };
    assert_eq!(outbox.bills_search(&late, 9, None).await.unwrap().len(), 0);
    let row = outbox.bills_search(&find(""), 1, None).await.unwrap()[0].row;
    assert_eq!(ids(outbox.bills_search(&find(""), 1, Some(row)).await.unwrap()), ["B1"]);
}

#[tokio::test]
async fn the_first_partition_stays_and_marks_tell_where() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = fresh(&dir).await;
    outbox
        .append(vec![saved(1, "B1", "p", 1), saved(2, "B1", "p", 1)], Some(head("B1", None)), 5)
        .await
        .unwrap();
    let (life, next) = (Uuid::from_u128(8), Uuid::from_u128(9));
    outbox.choose_partitions(life, vec![(1, 3)]).await.unwrap();
    outbox.choose_partitions(life, vec![(1, 4), (2, 5)]).await.unwrap();
    let pending = outbox.next_unsent(0, 10).await.unwrap();
    let partitions: Vec<_> = pending.iter().map(|p| p.partition_in(life)).collect();
    assert_eq!(partitions, [Some(3), Some(5)]);
    assert_eq!(pending[0].partition_in(next), None);
    assert_eq!(pending[0].key, "W1:p");
    let mark = Mark { seq: 1, topic_uuid: life, partition: 3, offset: 77 };
    outbox.mark_sent(vec![mark]).await.unwrap();
    assert_eq!(outbox.next_unsent(0, 10).await.unwrap().len(), 1);
    assert_eq!(outbox.waiting_until(1).await.unwrap(), 0);
    assert_eq!(outbox.bill("B1").await.unwrap().unwrap().lines[0].sent, Some(mark));
}
