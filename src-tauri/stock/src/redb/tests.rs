//! The embedded store over a real file.

use super::*;
use crate::Prev;

fn key(text: &str) -> StockKey {
    StockKey::parse(text).unwrap()
}

fn call(key_text: &str, prev: i64, last: i64, delta: i64, sum: i64) -> StockCall {
    StockCall { key: key(key_text), source: "8f3a01c2.3".into(), prev: Prev::At(prev), last, delta, sum }
}

fn vector(key_text: &str, last: i64, sum: i64) -> Vector {
    Vector { key: key(key_text), parts: vec![("8f3a01c2.3".into(), last, sum)] }
}

#[tokio::test]
async fn calls_of_one_group_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Redb::open(&folder.path().join("stock.redb")).unwrap();
    let before = store.version();
    assert_eq!(store.apply(&[call("W1:a", -1, 0, 5, 5)]).await.unwrap(), [Answer::Absent]);
    assert_eq!(store.version(), before);
    assert_eq!(store.bring(&[vector("W1:a", 0, 5)]).await.unwrap(), [Answer::Created]);
    let calls = [
        call("W1:a", 0, 1, 2, 7),
        call("W1:a", 1, 2, -3, 4),
        call("W1:a", 0, 1, 2, 7),
        call("W2:b", -1, 3, 1, 1),
    ];
    let answers = store.apply(&calls).await.unwrap();
    assert_eq!(answers, [Answer::Applied, Answer::Applied, Answer::Seen, Answer::Absent]);
    assert!(store.version() > before);
    let values = store.values(&[key("W2:b"), key("W1:a")]).await.unwrap();
    assert_eq!(values, [None, Some(br#"{"base":0,"change":4,"at":{"8f3a01c2.3":[2,4]}}"#.to_vec())]);
}

#[tokio::test]
async fn settled_values_are_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stock.redb");
    let store = Redb::open(&path).unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot, "a new file remembers nothing");
    store.bring(&[vector("W1:a", 0, 5)]).await.unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
    assert_eq!(Redb::open(&path).err().map(|error| error.code), Some(Code::Locked));
    store.settle().await.unwrap();
    drop(store);
    let store = Redb::open(&path).unwrap();
    assert_eq!(store.pulse().await.unwrap(), Pulse::Steady);
    assert!(store.values(&[key("W1:a")]).await.unwrap()[0].is_some());
    assert!(store.probe().await.iter().all(|found| !found.is_fault()));
}

#[tokio::test]
async fn scan_gives_every_key_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Redb::open(&folder.path().join("stock.redb")).unwrap();
    let vectors: Vec<Vector> = (0..25).map(|n| vector(&format!("W1:p{n:02}"), 0, n)).collect();
    store.bring(&vectors).await.unwrap();
    let (mut from, mut keys) = (None, Vec::new());
    loop {
        let page = store.scan(from.as_ref(), 10).await.unwrap();
        assert!(page.values.len() <= 10);
        keys.extend(page.values.into_iter().map(|(key, _)| key));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let wanted: Vec<String> = vectors.iter().map(|vector| vector.key.to_string()).collect();
    assert_eq!(keys, wanted);
}

#[tokio::test]
async fn damaged_file_is_set_aside_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stock.redb");
    std::fs::write(&path, b"this is no stock file at all, whatever it is").unwrap();
    let refused = Redb::open(&path).err().unwrap();
    assert_eq!(refused.code, Code::Corrupt, "{refused}");
    let (store, aside) = Redb::open_or_rebuild(&path).unwrap();
    assert!(aside.unwrap().ends_with("stock.redb.damaged-1"));
    assert_eq!(store.pulse().await.unwrap(), Pulse::Forgot);
}

#[tokio::test]
async fn truncated_or_overwritten_file_is_an_error_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stock.redb");
    let store = Redb::open(&path).unwrap();
    let vectors: Vec<Vector> = (0..5_000).map(|n| vector(&format!("W1:p{n:05}"), 0, n)).collect();
    store.bring(&vectors).await.unwrap();
    store.settle().await.unwrap();
    drop(store);
    let sound = std::fs::read(&path).unwrap();
    for length in [sound.len() / 2, 4096, 100, 9] {
        std::fs::write(&path, &sound[..length]).unwrap();
        let refused = Redb::open(&path).err().map(|error| error.code);
        assert_eq!(refused, Some(Code::Corrupt), "cut to {length}");
    }
    let mut bytes = sound.clone();
    bytes[..512].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Redb::open(&path).err().map(|error| error.code), Some(Code::Corrupt));
    assert!(Redb::open_or_rebuild(&path).unwrap().1.is_some());
}
