//! The stock in a real Redis: the script is held equal to the pure functions on random values and calls, and
//! every loss, refusal and foreign hand gets its proper answer. Needs TWINSTOCK_TEST_REDIS_URL (a database that
//! may be emptied) and fails without it; TWINSTOCK_TEST_CASES sets the number of random cases (20,000; in the long form
//! a million).

use std::sync::Arc;

use crate::stock_cases::{Call, Found, SOURCES, case, key};
use inventory::domain::entry::StockKey;
use inventory::domain::error::Code;
use inventory::probe::{Finding, Step};
use inventory::stock::corrections::{Corrected, Correction, correct};
use inventory::stock::redis::Redis;
use inventory::stock::value::{self, Value};
use inventory::stock::{Answer, Prev, Pulse, SENTINEL, Stock, StockCall, Vector};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

fn url() -> String {
    std::env::var("TWINSTOCK_TEST_REDIS_URL")
        .expect("set TWINSTOCK_TEST_REDIS_URL to a Redis database that may be emptied")
}

/// One test at a time: they share a database and some change the server's settings.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn fresh() -> (tokio::sync::MutexGuard<'static, ()>, Redis, MultiplexedConnection) {
    let turn = TURN.lock().await;
    let client = redis::Client::open(url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHDB").query_async(&mut raw).await.unwrap();
    (turn, Redis::open(&url(), None).unwrap(), raw)
}

fn call(key_text: &str, prev: Prev, last: i64, delta: i64, sum: i64) -> StockCall {
    StockCall { key: key(key_text), source: SOURCES[0].into(), prev, last, delta, sum }
}

fn vector(key_text: &str, last: i64, sum: i64) -> Vector {
    Vector { key: key(key_text), parts: vec![(SOURCES[0].into(), last, sum)] }
}

fn called((next, answer): (Option<Value>, Answer)) -> (Option<Value>, Found) {
    (next, Found::Called(answer))
}

/// 20,000, in the long form a million.
fn cases() -> usize {
    let chosen = std::env::var("TWINSTOCK_TEST_CASES").ok().and_then(|cases| cases.parse().ok());
    chosen.unwrap_or(if std::env::var_os("TWINSTOCK_TEST_LONG").is_some() { 1_000_000 } else { 20_000 })
}

/// Puts each case under a key of its own, lets the script do it, and tells what was found and what stands there now.
async fn done_by_the_script(
    store: &Redis,
    raw: &mut MultiplexedConnection,
    batch: &[(Option<Vec<u8>>, Call)],
) -> (Vec<Found>, Vec<Option<Vec<u8>>>) {
    let mut pipe = redis::pipe();
    let (mut steps, mut vectors, mut mends) = (Vec::new(), Vec::new(), Vec::new());
    let keys: Vec<StockKey> = (0..batch.len()).map(|place| key(&format!("W:{place}"))).collect();
    for (place, (stored, call)) in batch.iter().enumerate() {
        let key = keys[place].clone();
        match stored {
            Some(bytes) => pipe.set(key.to_string(), bytes).ignore(),
            None => pipe.del(key.to_string()).ignore(),
        };
        match call {
            Call::Step(call) => steps.push((place, StockCall { key, ..call.clone() })),
            Call::Bring(vector) => vectors.push((place, Vector { key, ..vector.clone() })),
            Call::Correct(correction) => mends.push((place, (key, correction.clone()))),
        }
    }
    let _: () = pipe.query_async(raw).await.unwrap();
    let mut found = vec![Found::Called(Answer::Absent); batch.len()];
    let (places, sent): (Vec<usize>, Vec<StockCall>) = steps.into_iter().unzip();
    for (place, answer) in places.into_iter().zip(store.apply(&sent).await.unwrap()) {
        found[place] = Found::Called(answer);
    }
    let (places, sent): (Vec<usize>, Vec<Vector>) = vectors.into_iter().unzip();
    for (place, answer) in places.into_iter().zip(store.bring(&sent).await.unwrap()) {
        found[place] = Found::Called(answer);
    }
    let (places, sent): (Vec<usize>, Vec<(StockKey, Correction)>) = mends.into_iter().unzip();
    for (place, corrected) in places.into_iter().zip(store.correct(&sent).await.unwrap()) {
        found[place] = Found::Mended(corrected);
    }
    let after = store.values(&keys).await.unwrap();
    (found, after)
}

#[tokio::test]
async fn script_equals_the_pure_functions() {
    let (_turn, store, mut raw) = fresh().await;
    let cases = cases();
    let mut runner = TestRunner::deterministic();
    let strategy = case();
    let (mut done, mut written, mut damaged, mut mended) = (0, 0, 0, 0);
    while done < cases {
        let batch: Vec<(Option<Vec<u8>>, Call)> =
            (0..1_200.min(cases - done)).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        let (found, after) = done_by_the_script(&store, &mut raw, &batch).await;
        for (place, (stored, call)) in batch.iter().enumerate() {
            let (next, expected) = match call {
                Call::Step(call) => called(value::step(stored.as_deref(), call)),
                Call::Bring(vector) => called(value::bring(stored.as_deref(), vector)),
                Call::Correct(correction) => {
                    let (next, corrected) = correct(stored.as_deref(), correction);
                    (next, Found::Mended(corrected))
                }
            };
            let shown = stored.as_deref().map(String::from_utf8_lossy);
            assert_eq!(found[place], expected, "{shown:?} {call:?}");
            match next {
                Some(next) => {
                    let bytes = after[place].as_deref().unwrap();
                    assert_eq!(Value::read(bytes), Ok(next), "{shown:?} {call:?}");
                    written += 1;
                }
                None => assert_eq!(&after[place], stored, "nothing may change: {shown:?} {call:?}"),
            }
            damaged += usize::from(expected == Found::Called(Answer::Damaged));
            mended += usize::from(expected == Found::Mended(Corrected::Done));
        }
        done += batch.len();
    }
    assert!(
        written > cases / 10 && damaged > cases / 10 && mended > cases / 30,
        "the cases must reach all: {written}, {damaged}, {mended} of {done}"
    );
}

#[tokio::test]
async fn a_correction_mends_a_key_of_another_type_and_is_harmless_twice() {
    let (_turn, store, mut raw) = fresh().await;
    let _: () = raw.hset("W:hash", "base", 1).await.unwrap();
    store.bring(&[vector("W:1", 4, 120)]).await.unwrap();
    let _: () = raw.set("W:1", r#"{"base":0,"change":184,"at":{"8f3a01c2.3":[4,120]}}"#).await.unwrap();
    let read = store.values(&[key("W:hash")]).await.unwrap().remove(0).unwrap();
    let replace = Correction::ReplaceDamaged { read, vector: vector("W:hash", 4, 7) };
    let corrections = [(key("W:hash"), replace), (key("W:1"), Correction::DropDrift)];
    let before = store.version();
    assert_eq!(store.correct(&corrections).await.unwrap(), [Corrected::Done; 2]);
    assert!(store.version() > before);
    assert_eq!(store.correct(&corrections).await.unwrap(), [Corrected::Nothing; 2]);
    let values = store.values(&[key("W:hash"), key("W:1")]).await.unwrap();
    let quantities = values.iter().map(|bytes| Value::read(bytes.as_deref().unwrap()).unwrap().quantity());
    assert_eq!(quantities.collect::<Vec<_>>(), [7, 120]);
}

#[tokio::test]
async fn spec_reader_keeps_working() {
    let (_turn, store, mut raw) = fresh().await;
    store.bring(&[vector("W001:123", 4, 120)]).await.unwrap();
    assert_eq!(store.apply(&[call("W001:123", Prev::At(4), 7, 10, 130)]).await.unwrap(), [Answer::Applied]);
    let text: String = raw.get("W001:123").await.unwrap();
    assert_eq!(text, r#"{"base":0,"change":130,"at":{"8f3a01c2.3":[7,130]}}"#);
    let current: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(current["base"].as_i64().unwrap() + current["change"].as_i64().unwrap(), 130);
}

#[tokio::test]
async fn many_keys_travel_in_one_call_and_keep_their_order() {
    let (_turn, store, _raw) = fresh().await;
    let vectors: Vec<Vector> = (0..10_000).map(|n| vector(&format!("W:{n}"), 0, n)).collect();
    let answers = store.bring(&vectors).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Answer::Created));
    // The same key over and over, across chunks: each step finds the one before it.
    let steps: Vec<StockCall> = (0..3_000).map(|n| call("W:7", Prev::At(n), n + 1, 1, 8 + n)).collect();
    let before = store.version();
    assert!(store.apply(&steps).await.unwrap().iter().all(|answer| *answer == Answer::Applied));
    assert!(store.version() > before);
    let (mut from, mut keys) = (None, std::collections::BTreeSet::new());
    loop {
        let page = store.scan(from.as_ref(), 700).await.unwrap();
        keys.extend(page.values.into_iter().map(|(key, _)| key));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(keys.len(), 10_000);
}

#[tokio::test]
async fn row_04_script_flush_is_mended_in_the_same_call() {
    let (_turn, store, mut raw) = fresh().await;
    store.bring(&[vector("W:1", 0, 1)]).await.unwrap();
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut raw).await.unwrap();
    assert_eq!(store.apply(&[call("W:1", Prev::At(0), 1, 1, 2)]).await.unwrap(), [Answer::Applied]);
}

#[tokio::test]
async fn keys_of_another_type_are_damaged_and_trouble_no_other_key() {
    let (_turn, store, mut raw) = fresh().await;
    let _: () = raw.hset("W:hash", "base", 1).await.unwrap();
    let _: () = raw.rpush("W:list", 1).await.unwrap();
    let keys = ["W:hash", "W:list", "W:1"];
    let vectors: Vec<Vector> = keys.iter().map(|key| vector(key, 0, 1)).collect();
    assert_eq!(store.bring(&vectors).await.unwrap(), [Answer::Damaged, Answer::Damaged, Answer::Created]);
    let values = store.values(&keys.map(key)).await.unwrap();
    assert!(values.iter().all(Option::is_some));
    assert!(Value::read(values[0].as_deref().unwrap()).is_err());
    let page = store.scan(None, 100).await.unwrap();
    assert_eq!(page.values.len(), 3);
}

#[tokio::test]
async fn pulse_tells_wipe_and_old_snapshot() {
    let (_turn, store, mut raw) = fresh().await;
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot, "an empty store");
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
    let _: () = redis::cmd("FLUSHDB").query_async(&mut raw).await.unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
    for _ in 0..3 {
        assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
    }
    let _: () = raw.set(SENTINEL, 1).await.unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
    let _: () = raw.del(SENTINEL).await.unwrap();
    let _: () = raw.hset(SENTINEL, "a", 1).await.unwrap();
    assert_eq!(store.pulse().await.err().map(|error| error.code), Some(Code::Refused));
    assert!(
        faults(&store).await.iter().any(|(step, cause)| *step == Step::Policy && cause.contains(SENTINEL))
    );
}

#[tokio::test]
async fn row_32_full_store_refuses_with_its_own_code_and_evicts_nothing() {
    let (_turn, store, mut raw) = fresh().await;
    store.bring(&[vector("W:1", 0, 1)]).await.unwrap();
    let set = async |raw: &mut MultiplexedConnection, name: &str, value: &str| {
        let _: () = redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query_async(raw).await.unwrap();
    };
    set(&mut raw, "maxmemory", "1").await;
    let refused = store.apply(&[call("W:1", Prev::At(0), 1, 1, 2)]).await;
    let findings = faults(&store).await;
    set(&mut raw, "maxmemory", "0").await;
    assert_eq!(refused.err().map(|error| error.code), Some(Code::Full));
    assert!(findings.iter().any(|(step, cause)| *step == Step::Policy && cause.contains("full")));
    assert_eq!(store.apply(&[call("W:1", Prev::At(0), 1, 1, 2)]).await.unwrap(), [Answer::Applied]);
    set(&mut raw, "maxmemory-policy", "allkeys-lru").await;
    let findings = faults(&store).await;
    set(&mut raw, "maxmemory-policy", "noeviction").await;
    assert!(findings.iter().any(|(step, cause)| *step == Step::Policy && cause.contains("allkeys-lru")));
}

#[tokio::test]
async fn cut_connection_is_made_anew() {
    let (_turn, store, mut raw) = fresh().await;
    store.bring(&[vector("W:1", 0, 1)]).await.unwrap();
    let _: i64 =
        redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query_async(&mut raw).await.unwrap();
    let step = [call("W:1", Prev::At(0), 1, 1, 2)];
    let mut outcome = store.apply(&step).await;
    for _ in 0..5 {
        if outcome.is_ok() {
            break;
        }
        assert_eq!(outcome.err().map(|error| error.code), Some(Code::Unreachable));
        outcome = store.apply(&step).await;
    }
    assert!(matches!(outcome.unwrap()[0], Answer::Applied | Answer::Seen));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn row_41_late_repeated_reordered_calls_end_in_the_replay() {
    let (_turn, store, _raw) = fresh().await;
    let store = Arc::new(store);
    store.bring(&[vector("W:1", 0, 1)]).await.unwrap();
    let steps: Vec<StockCall> = (0..400).map(|n| call("W:1", Prev::At(n), n + 1, 1, n + 2)).collect();
    let mut tasks = Vec::new();
    for worker in 0..4usize {
        let (store, mut steps) = (store.clone(), steps.clone());
        let shift = worker * 97;
        steps.rotate_left(shift);
        tasks.push(tokio::spawn(async move {
            for some in steps.chunks(7 + worker) {
                store.apply(some).await.unwrap();
                let bytes = store.values(&[key("W:1")]).await.unwrap().remove(0).unwrap();
                let value = Value::read(&bytes).unwrap();
                let (offset, sum) = value.entry(SOURCES[0]);
                assert_eq!((sum, value.drift()), (offset + 1, 0));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let bytes = store.values(&[key("W:1")]).await.unwrap().remove(0).unwrap();
    assert_eq!(Value::read(&bytes).unwrap().quantity(), 401);
}

/// What the probe finds wrong.
async fn faults(store: &Redis) -> Vec<(Step, String)> {
    let found = store.probe().await.into_iter().filter(Finding::is_fault);
    found.map(|one| (one.step, one.told().0.to_owned())).collect()
}
