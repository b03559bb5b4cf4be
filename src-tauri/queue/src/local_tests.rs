//! The local queue delivers every entry at its offset, wakes at once, and fences old readers.

use super::*;
use crate::outbox::Saved;
use domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId, parse_time};
use futures::FutureExt;
use uuid::Uuid;

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn saved(id: u128) -> Saved {
    let entry = Entry {
        product_id: ProductId::stored("p"),
        quantity: 1,
        direction: Direction::In,
        company_id: CompanyId::stored("C1"),
        warehouse_id: WarehouseId::stored("W1"),
        bill_id: BillId::stored("B1"),
        create_time: parse_time("2025-03-13 12:00:00").unwrap(),
        description: None,
        entry_id: Some(Uuid::from_u128(id)),
    };
    Saved { entry_id: Uuid::from_u128(id), entry, payload: id.to_string().into_bytes() }
}

async fn queue(dir: &tempfile::TempDir) -> (Arc<Outbox>, LocalQueue) {
    let outbox = Arc::new(Outbox::open(&dir.path().join("outbox.db"), 1).await.unwrap());
    (Arc::clone(&outbox), LocalQueue::new(outbox))
}

#[tokio::test]
async fn delivers_in_order_and_wakes_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, queue) = queue(&dir).await;
    let Some(Event::Assigned(sources)) = queue.event().await else { panic!("no assignment") };
    assert_eq!(sources, queue.partitions().await.unwrap());
    let mut reader = queue.open(&sources[0], 0).await.unwrap();
    assert_eq!(reader.next(10, SOON).await.unwrap(), None);
    let waiting = tokio::spawn(async move { (reader.next(10, LONG).await.unwrap().unwrap(), reader) });
    tokio::time::sleep(SOON).await;
    outbox.append((0..3).map(saved).collect(), None, 42).await.unwrap();
    let begun = Instant::now();
    let (chunk, mut reader) = waiting.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(chunk.next_offset, 3);
    assert_eq!(chunk.messages.iter().map(|m| m.offset).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(chunk.messages[1].timestamp_ms, Some(42));
    // A repeated entry may leave a gap in the numbers; positions go past it and end at the end.
    outbox.append((0..5).map(saved).collect(), None, 43).await.unwrap();
    let chunk = reader.next(10, SOON).await.unwrap().unwrap();
    assert_eq!(chunk.messages.len(), 2);
    assert_eq!(queue.bounds(&sources[0]).await.unwrap(), Bounds { start: 0, end: chunk.next_offset });
    let last = chunk.messages[1].clone();
    assert_eq!(queue.message_at(&sources[0], last.offset).await.unwrap(), Some(last));
    assert_eq!(queue.message_at(&sources[0], 1000).await.unwrap(), None);
    assert!(queue.open(&sources[0], 1000).await.is_err());
}

#[tokio::test]
async fn a_new_reader_or_life_ends_the_old_reader() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, queue) = queue(&dir).await;
    let Some(Event::Assigned(old)) = queue.event().await else { panic!("no assignment") };
    let mut first = queue.open(&old[0], 0).await.unwrap();
    let mut second = queue.open(&old[0], 0).await.unwrap();
    assert_eq!(first.next(1, SOON).await.unwrap_err().code, Code::Fenced);
    assert_eq!(second.next(1, SOON).await.unwrap(), None);
    outbox.begin_new_incarnation().await.unwrap();
    assert_eq!(second.next(1, LONG).await.unwrap_err().code, Code::Fenced);
    let Some(Event::Revoked(gone)) = queue.event().await else { panic!("no revocation") };
    assert_eq!(gone, old);
    let Some(Event::Assigned(new)) = queue.event().await else { panic!("no assignment") };
    assert_ne!(new, old);
    assert!(queue.open(&old[0], 0).await.is_err());
    queue.close().await;
    assert!(queue.event().await.is_none());
}

#[tokio::test]
async fn pages_read_ahead_come_in_order_and_a_dropped_call_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, queue) = queue(&dir).await;
    let count = 2 * PAGE + 7;
    outbox.append((0..count as u128).map(saved).collect(), None, 1).await.unwrap();
    let source = queue.partitions().await.unwrap().remove(0);
    let mut reader = queue.open(&source, 0).await.unwrap();
    let mut seen = Vec::new();
    for max in [1, 10, PAGE, 2 * PAGE].into_iter().cycle() {
        // Polled once and dropped: a page may be under way.
        let once = reader.next(max, Duration::ZERO).now_or_never();
        let chunk = match once {
            Some(chunk) => chunk.unwrap(),
            None => reader.next(max, Duration::ZERO).await.unwrap(),
        };
        let Some(chunk) = chunk else { break };
        assert!(chunk.messages.len() <= max);
        assert_eq!(chunk.next_offset, chunk.messages.last().unwrap().offset + 1);
        seen.extend(chunk.messages.into_iter().map(|message| message.offset));
    }
    assert_eq!(seen, (0..count as i64).collect::<Vec<_>>());
    assert!(seen.len() > 2 * PAGE && outbox.end() == count as i64);
}
