//! The Kafka queue against a real broker named by TWINSTOCK_TEST_KAFKA: explicit offsets, markers, rebalances,
//! recreated topics, truncated logs, and the sender. Without a broker these tests fail; they are never skipped.

use std::sync::Arc;
use std::time::Duration;

use crate::kafka_bench::{Bench, saved, until};
use inventory::domain::error::Code;
use inventory::probe::{Finding, State, Step};
use inventory::queue::kafka::{Asker, KafkaQueue, KafkaSettings, Sender, ensure_topic, probe};
use inventory::queue::outbox::Outbox;
use inventory::queue::{Event, Queue, Reader, SourceIdentity};

const WAIT: Duration = Duration::from_secs(60);

async fn assigned(queue: &KafkaQueue) -> Vec<SourceIdentity> {
    until("an assignment", async {
        loop {
            match queue.event().await.expect("the queue ended") {
                Event::Assigned(sources) => return sources,
                Event::Revoked(_) | Event::Trouble(_) => {}
            }
        }
    })
    .await
}

/// Reads until the position is `end`; returns the offsets seen, which must rise.
async fn read_to(reader: &mut dyn Reader, end: i64) -> Vec<i64> {
    let mut seen: Vec<i64> = Vec::new();
    until("the end of the log", async {
        loop {
            if let Some(chunk) = reader.next(700, WAIT).await.unwrap() {
                for message in &chunk.messages {
                    assert!(seen.last().is_none_or(|last| *last < message.offset));
                    assert_eq!(message.payload, message.offset.to_string().into_bytes());
                    seen.push(message.offset);
                }
                assert!(seen.last().is_none_or(|last| *last < chunk.next_offset));
                if chunk.next_offset >= end {
                    assert_eq!(chunk.next_offset, end);
                    return seen;
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_opening_delivers_exactly_from_its_offset() {
    let bench = Bench::new("exact", 1).await;
    bench.produce_numbers(0, 0..30_000).await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    let source = assigned(&queue).await.remove(0);
    let mut reader = queue.open(&source, 0).await.unwrap();
    assert_eq!(read_to(reader.as_mut(), 30_000).await, (0..30_000).collect::<Vec<i64>>());
    for start in [29_990, 5, 12_345, 0, 20_000, 3, 29_999] {
        let mut reader = queue.open(&source, start).await.unwrap();
        let first = until("a chunk", async {
            loop {
                if let Some(chunk) = reader.next(100, WAIT).await.unwrap() {
                    return chunk;
                }
            }
        })
        .await;
        let offsets: Vec<i64> = first.messages.iter().map(|m| m.offset).collect();
        let expected: Vec<i64> = (start..start + offsets.len() as i64).collect();
        assert_eq!(offsets, expected, "opened at {start}");
    }
    let mut old = queue.open(&source, 0).await.unwrap();
    let mut new = queue.open(&source, 100).await.unwrap();
    assert_eq!(old.next(1, WAIT).await.unwrap_err().code, Code::Fenced);
    assert_eq!(read_to(new.as_mut(), 30_000).await, (100..30_000).collect::<Vec<i64>>());
    // What comes later comes too, without delay.
    bench.produce_numbers(0, 30_000..30_010).await;
    assert_eq!(read_to(new.as_mut(), 30_010).await, (30_000..30_010).collect::<Vec<i64>>());
    let long_ago = queue.message_at(&source, 17).await.unwrap().unwrap();
    assert_eq!((long_ago.offset, long_ago.payload.as_slice()), (17, &b"17"[..]));
    assert_eq!(queue.message_at(&source, 30_010).await.unwrap(), None);
    let bounds = queue.bounds(&source).await.unwrap();
    assert_eq!((bounds.start, bounds.end), (0, 30_010));
    queue.publish_position(&source, 123);
    queue.close().await;
    until("the end", async { while queue.event().await.is_some() {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_loses_nothing() {
    let bench = Bench::new("slow", 1).await;
    bench.produce_numbers(0, 0..60_000).await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    let source = assigned(&queue).await.remove(0);
    let mut reader = queue.open(&source, 0).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(read_to(reader.as_mut(), 60_000).await, (0..60_000).collect::<Vec<i64>>());
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_and_aborted_messages_move_the_position() {
    let bench = Bench::new("txn", 1).await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    let source = assigned(&queue).await.remove(0);
    let mut reader = queue.open(&source, 0).await.unwrap();
    let producer = bench.transactional();
    bench.transaction(&producer, 0..3, true);
    bench.transaction(&producer, 4..6, false);
    bench.transaction(&producer, 7..9, true);
    let end = 10;
    until("the log's end", async {
        while queue.bounds(&source).await.unwrap().end < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(queue.bounds(&source).await.unwrap().end, end);
    assert_eq!(read_to(reader.as_mut(), end).await, [0, 1, 2, 7, 8]);
    assert_eq!(queue.message_at(&source, 3).await.unwrap(), None);
    assert_eq!(queue.message_at(&source, 5).await.unwrap(), None);
    assert_eq!(queue.message_at(&source, 8).await.unwrap().unwrap().offset, 8);
    // Only invisible messages, on an idle partition: the position follows.
    bench.transaction(&producer, 10..15, false);
    assert_eq!(read_to(reader.as_mut(), 16).await, Vec::<i64>::new());
    // An open transaction holds the position below it; nothing of it is skipped when it commits.
    bench.begin(&producer, 16..20);
    assert_eq!(reader.next(10, Duration::from_secs(7)).await.unwrap(), None);
    bench.end(&producer, true);
    assert_eq!(read_to(reader.as_mut(), 21).await, [16, 17, 18, 19]);
    let mut again = queue.open(&source, 9).await.unwrap();
    assert_eq!(read_to(again.as_mut(), 21).await, [16, 17, 18, 19]);
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_share_and_the_survivor_takes_all() {
    let bench = Bench::new("share", 4).await;
    let first = KafkaQueue::start(bench.settings("one")).unwrap();
    assert_eq!(assigned(&first).await.len(), 4);
    let second = KafkaQueue::start(bench.settings("two")).unwrap();
    let theirs = assigned(&second).await;
    let ours = assigned(&first).await;
    let mut all: Vec<i32> = theirs.iter().chain(&ours).map(|source| source.partition).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    assert_eq!(Asker::new(bench.settings("x")).members().await.unwrap(), 2);
    bench.produce_numbers(ours[0].partition, 0..50).await;
    let mut reader = first.open(&ours[0], 0).await.unwrap();
    assert_eq!(read_to(reader.as_mut(), 50).await.len(), 50);
    let foreign = first.open(&theirs[0], 0).await.err().unwrap();
    assert_eq!(foreign.code, Code::Fenced);
    second.close().await;
    // The static member is missed after its session's six seconds.
    assert_eq!(assigned(&first).await.len(), 4);
    assert_eq!(reader.next(1, WAIT).await.unwrap_err().code, Code::Fenced);
    first.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recreated_topic_is_another_source() {
    let bench = Bench::new("anew", 1).await;
    bench.produce_numbers(0, 0..20).await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    let old = assigned(&queue).await.remove(0);
    let mut reader = queue.open(&old, 0).await.unwrap();
    assert_eq!(read_to(reader.as_mut(), 20).await.len(), 20);
    bench.delete_topic().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.create_topic(1).await;
    bench.produce_numbers(0, 0..5).await;
    let new = until("the new source", async {
        loop {
            let source = assigned(&queue).await.remove(0);
            if source != old {
                return source;
            }
        }
    })
    .await;
    assert_ne!(new.topic_uuid, old.topic_uuid);
    assert_eq!(reader.next(1, WAIT).await.unwrap_err().code, Code::Fenced);
    assert_eq!(queue.open(&old, 20).await.err().unwrap().code, Code::Fenced);
    assert_eq!(queue.bounds(&old).await.unwrap_err().code, Code::NotFound);
    let mut reader = queue.open(&new, 0).await.unwrap();
    assert_eq!(read_to(reader.as_mut(), 5).await, [0, 1, 2, 3, 4]);
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_beyond_the_log_stop_loudly() {
    let bench = Bench::new("range", 2).await;
    bench.produce_numbers(0, 0..50).await;
    bench.produce_numbers(1, 0..50).await;
    bench.delete_records(0, 30).await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    let sources = assigned(&queue).await;
    let mut well = queue.open(&sources[1], 0).await.unwrap();
    let mut expired = queue.open(&sources[0], 10).await.unwrap();
    let error = expired.next(1, WAIT).await.unwrap_err();
    assert_eq!(error.code, Code::Corrupt, "{error}");
    assert!(error.message.contains("Retention passed us"), "{error}");
    let mut truncated = queue.open(&sources[0], 80).await.unwrap();
    let error = truncated.next(1, WAIT).await.unwrap_err();
    assert_eq!(error.code, Code::Corrupt, "{error}");
    assert!(error.message.contains("truncated"), "{error}");
    let mut exact = queue.open(&sources[0], 30).await.unwrap();
    assert_eq!(read_to(exact.as_mut(), 50).await, (30..50).collect::<Vec<i64>>());
    assert_eq!(read_to(well.as_mut(), 50).await.len(), 50);
    // An idle partition whose whole log has expired: the position is still within it.
    bench.delete_records(0, 50).await;
    let mut idle = queue.open(&sources[0], 50).await.unwrap();
    assert_eq!(idle.next(1, Duration::from_secs(3)).await.unwrap(), None);
    bench.produce_numbers(0, 50..52).await;
    assert_eq!(read_to(idle.as_mut(), 52).await, [50, 51]);
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_partitions_appear() {
    let bench = Bench::new("grow", 1).await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    assert_eq!(assigned(&queue).await.len(), 1);
    bench.grow(3).await;
    assert_eq!(assigned(&queue).await.len(), 3);
    assert_eq!(queue.partitions().await.unwrap().len(), 3);
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_keeps_order_and_notes_places() {
    let bench = Bench::new("send", 3).await;
    let dir = tempfile::tempdir().unwrap();
    let outbox = Arc::new(Outbox::open(&dir.path().join("outbox.db"), 1).await.unwrap());
    outbox.append((0..2_500).map(|n| saved(n, n % 7)).collect(), None, 5).await.unwrap();
    let sender = Sender::start(Arc::clone(&outbox), bench.settings("s")).unwrap();
    outbox.append((2_500..5_000).map(|n| saved(n, n % 7)).collect(), None, 5).await.unwrap();
    sender.flush(WAIT).await.unwrap();
    assert_eq!(outbox.waiting().await.unwrap(), 0);
    assert!(outbox.next_unsent(0, 1).await.unwrap().is_empty());
    sender.stop().await;
    let queue = KafkaQueue::start(bench.settings("a")).unwrap();
    let ends = Asker::new(bench.settings("b")).bounds().await.unwrap();
    let mut seen = vec![Vec::new(); 7];
    for source in assigned(&queue).await {
        let mut reader = queue.open(&source, 0).await.unwrap();
        let mut at = 0;
        while at < ends[&source].end {
            let Some(chunk) = reader.next(500, WAIT).await.unwrap() else { continue };
            at = chunk.next_offset;
            for message in chunk.messages {
                let number: u128 = std::str::from_utf8(&message.payload).unwrap().parse().unwrap();
                seen[(number % 7) as usize].push(number);
            }
        }
    }
    let expected: Vec<Vec<u128>> = (0..7).map(|key| (0..5_000).filter(|n| n % 7 == key).collect()).collect();
    assert_eq!(seen, expected);
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_and_probe_speak_plainly() {
    let bench = Bench::new("setup", 1).await;
    let mut settings = bench.settings("a");
    assert_eq!(faults(&settings).await, vec![]);
    assert!(ensure_topic(&settings, 5, 1).await.unwrap().contains("is there"));
    settings.topic.push_str("-more");
    let missing = faults(&settings).await;
    assert!(missing[0].0 == Step::Topic && missing[0].2.contains("no topic"), "{missing:?}");
    assert!(ensure_topic(&settings, 5, 1).await.unwrap().contains("created with 5"));
    assert_eq!(faults(&settings).await, vec![]);
    bench.set_topic(&settings.topic, "cleanup.policy", "compact").await;
    let compacted = faults(&settings).await;
    assert!(compacted[0].0 == Step::Policy && compacted[0].2.contains("compacted"), "{compacted:?}");
    settings.properties.push(("no.such.property".into(), "1".into()));
    let refused = KafkaQueue::start(settings.clone()).err().unwrap();
    assert_eq!(refused.code, Code::Config);
    assert!(refused.message.contains("no.such.property"), "{refused}");
    let address = faults(&settings).await;
    assert_eq!(address[0].0, Step::Address, "{address:?}");
    settings.properties.clear();
    settings.bootstrap_servers = "127.0.0.1:1".into();
    let away = faults(&settings).await;
    assert_eq!((away[0].0, away[0].1), (Step::Tcp, State::Failed(Code::Unreachable)), "{away:?}");
    settings.bootstrap_servers = "no-such-host.invalid:9092".into();
    let unknown = faults(&settings).await;
    assert!(unknown[0].0 == Step::Dns && unknown[0].2.contains("no-such-host.invalid"), "{unknown:?}");
}

/// What the probe finds wrong: step, state, words.
async fn faults(settings: &KafkaSettings) -> Vec<(Step, State, String)> {
    let found = probe(settings).await.into_iter().filter(Finding::is_fault);
    found.map(|one| (one.step, one.state, one.told().0.to_owned())).collect()
}
