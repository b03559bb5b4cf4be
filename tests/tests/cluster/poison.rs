//! Bad input of every kind, by Kafka, by the outbox and by `send`: kept with its reason, shown, and never in the
//! way of what comes after it.

use tests::feed::{self, Shape};
use tests::site::Site;
use tests::spec::{self, Entry};

fn good(number: usize) -> Entry {
    feed::entries(number as u64, 1, &Shape::default()).remove(0)
}

/// A good ioentry with one member's raw JSON replaced.
fn with(field: &str, raw: &str) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_str(&good(1).json()).unwrap();
    let mut members: Vec<String> = Vec::new();
    for (name, known) in value.as_object().unwrap() {
        if name != field {
            members.push(format!("\"{name}\":{known}"));
        }
    }
    members.push(format!("\"{field}\":{raw}"));
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// Messages that are no JSON object, one a line; the empty one is added by hand.
const WHOLE: &str = r#"{
}
null
[]
7
"text"
{"product_id":
NaN
not json at all
{}
{} {}
[{}]
{'product_id':'1'}"#;

/// Raw JSON that is wrong in a field, by field.
const WRONG: [(&str, &[&str]); 5] = [
    (
        "quantity",
        &[
            "0",
            "-5",
            "2147483648",
            "1e3",
            "1.0",
            "10.5",
            "\"5\"",
            "NaN",
            "true",
            "null",
            "[1]",
            "99999999999999999999",
        ],
    ),
    ("drcr", &["0", "2", "-2", "\"1\"", "1.0", "null", "true"]),
    ("create_time", &["1741608000", "null"]),
    ("description", &["7", "\"a\\u0007\""]),
    ("entry_id", &["\"x\"", "\"0189000000007000800000000000000f\"", "5"]),
];

/// Moments that do not exist or are written otherwise, comma between them.
const TIMES: &str = "2025-02-29 12:00:00,2025-13-01 12:00:00,2025-00-10 12:00:00,2025-04-31 12:00:00,\
                     2025-03-10 24:00:00,2025-03-10 12:60:00,2025-03-10 23:59:60,2025-03-10,\
                     2025-03-10T12:00:00,2025-03-10 12:00:00Z,0000-00-00 00:00:00,2025-3-1 1:00:00,";

/// Ids that are none.
const IDS: &str = r#""" null 7 "\u0020a" "a\u0020" "\u3000a" "a\u0000b" "a\nb" "a\u0085" "\ud800" {}"#;

/// The list of the fault matrix, row 18, and its neighbours.
fn poison() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = WHOLE.lines().map(|text| text.as_bytes().to_vec()).collect();
    all.extend(["", " ", "\0", "\u{feff}{}"].map(|text| text.as_bytes().to_vec()));
    for (field, raws) in WRONG {
        all.extend(raws.iter().map(|raw| with(field, raw)));
    }
    for field in ["product_id", "warehouse_id", "company_id", "bill_id"] {
        all.extend(IDS.split(' ').map(|raw| with(field, raw)));
        all.push(with(field, &format!("\"{}\"", "长".repeat(256))));
    }
    all.push(with("warehouse_id", "\"W:1\""));
    all.extend(TIMES.split(',').map(|time| with("create_time", &format!("\"{time}\""))));
    all.push(with("description", &format!("\"{}\"", "字".repeat(513))));
    let twice = String::from_utf8(with("drcr", "1")).unwrap().replace("\"drcr\":1", "\"drcr\":1,\"drcr\":1");
    all.push(twice.into_bytes());
    let mut broken = with("bill_id", "\"%\"");
    let at = broken.iter().position(|byte| *byte == b'%').unwrap();
    broken[at] = 0xff;
    all.extend([broken, vec![0xc3, 0x28, 0x00, 0xff]]);
    all
}

/// Oddities that are right and must be counted.
fn odd_but_right() -> Vec<Vec<u8>> {
    let spaced = format!(" \n{}\r\n\t", good(2).json());
    vec![
        spaced.into_bytes(),
        with("unknown_field", "{\"deep\":[[[1.5e300]]],\"NaN\":null}"),
        with("description", "null"),
        with("description", "\"tab\\tand\\nline\""),
        with("quantity", "2147483647"),
        with("create_time", "\"2024-02-29 23:59:59\""),
        with("product_id", &format!("\"{}\"", "長".repeat(255))),
        with("product_id", "\"a:b\""),
        with("entry_id", "null"),
        with("entry_id", "\"0189ABCD-0000-7000-8000-0000000000AA\""),
        String::from_utf8(with("bill_id", "\"B\""))
            .unwrap()
            .replace("\"bill_id\"", "\"bill\\u005fid\"")
            .into_bytes(),
    ]
}

/// Poison between good ones; ends with good ones, so that a blocked partition would show.
fn mixture() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (number, bad) in poison().into_iter().enumerate() {
        assert!(spec::read(&bad).is_err(), "not poison: {}", String::from_utf8_lossy(&bad));
        all.push(bad);
        if number % 5 == 0 {
            all.push(good(100 + number).json().into_bytes());
        }
    }
    for right in odd_but_right() {
        assert!(spec::read(&right).is_ok(), "not right: {}", String::from_utf8_lossy(&right));
        all.push(right);
    }
    all.push(good(99).json().into_bytes());
    all
}

fn kept_with_reasons(site: &Site, more: usize) {
    let snapshot = site.snapshot();
    let invalid = poison().len() + more;
    assert_eq!(snapshot.rejected.iter().filter(|one| one.kind == "invalid").count(), invalid);
    for one in &snapshot.rejected {
        assert!(one.reason.len() > 8 && one.reason.len() <= 1024, "{}: {}", one.kind, one.reason);
        assert!(one.field.is_empty() || one.reason.contains(&one.field), "{}: {}", one.field, one.reason);
    }
    let status = site.daemon.call(&["status", "--json"], "").json();
    assert_eq!(status["rejected"], serde_json::json!(snapshot.rejected.len()));
}

#[test]
fn row_18_poison_in_kafka_is_kept_and_blocks_nothing() {
    let site = Site::cluster("poison");
    site.servers().topic.create(1);
    site.init();
    site.put_raw(&mixture());
    let huge = format!("\"{}\"", "x".repeat(10_000_000));
    let unknown = with("unknown_field", &huge);
    site.put_raw(&[
        with("description", &huge),
        huge.clone().into_bytes(),
        unknown,
        good(98).json().into_bytes(),
    ]);
    site.count_all();
    kept_with_reasons(&site, 2);
}

#[test]
fn row_18_poison_in_the_outbox_is_kept_and_blocks_nothing() {
    let site = Site::standalone();
    site.init();
    site.send(&(good(97).json() + "\n"), 0);
    site.put_raw(&mixture());
    let huge = format!("\"{}\"", "x".repeat(10_000_000));
    site.put_raw(&[with("description", &huge), good(98).json().into_bytes()]);
    site.count_all();
    kept_with_reasons(&site, 1);
}

#[test]
fn row_18_poison_by_send_is_refused_line_by_line() {
    let site = Site::standalone();
    site.init();
    let (mut input, mut wrong, mut right) = (Vec::new(), Vec::new(), 0);
    for (at, line) in mixture().into_iter().filter(|line| !line.contains(&b'\n')).enumerate() {
        match spec::read(&line) {
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) => wrong.push(at + 1),
            Ok(_) => right += 1,
        }
        input.extend(line);
        input.push(b'\n');
    }
    let file = site.daemon.dir.join("mixture.jsonl");
    std::fs::write(&file, &input).unwrap();
    let said = site.daemon.call(&["send", &file.display().to_string()], "").expect(1);
    let named: Vec<usize> = said
        .stderr
        .lines()
        .filter_map(|line| {
            line.strip_prefix("line ")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
        .collect();
    assert_eq!(named, wrong, "{}", said.stderr);
    site.must_be_right();
    assert_eq!(site.snapshot().rows.len(), right);
}

#[test]
fn row_27_a_day_outside_the_window_is_kept_as_such() {
    let mut site = Site::standalone();
    site.set("entries", "oldest_days", 36_500);
    site.init();
    let at = |time: &str| Entry { time: time.into(), entry_id: None, ..good(1) }.json() + "\n";
    site.send(&(at("1950-01-01 00:00:00") + &at("1900-01-01 00:00:00") + &at("2999-01-01 00:00:00")), 0);
    let rules = tests::oracle::Rules { oldest: 36_500, ..tests::oracle::Rules::drained() };
    assert_eq!(site.faults(rules), vec![]);
    let snapshot = site.snapshot();
    assert!(snapshot.rejected.iter().all(|one| one.kind == "window" && one.field == "create_time"));
    assert_eq!((snapshot.rejected.len(), snapshot.rows.len()), (2, 1));
}
