//! The path of a bill from the command line to both stores, as scripts see it: one body for both back ends, and
//! the command table's promises about exit codes, words and JSON fields.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tests::feed::{self, Seeded, Shape};
use tests::processes::wait_for;
use tests::site::Site;
use tests::spec::Entry;

/// What the stores say, apart from offsets and the ids that `send` gives.
struct Logical {
    rows: Vec<Entry>,
    rejected: Vec<(String, Vec<u8>)>,
    totals: BTreeMap<(String, String, String), [i64; 3]>,
    balances: BTreeMap<(String, String), [i64; 2]>,
    stock: BTreeMap<String, i64>,
    /// Which of two alike gets the plain name depends on who comes first, and partitions have no order.
    slugs: BTreeSet<String>,
}

fn logical(site: &Site) -> Logical {
    let snapshot = site.snapshot();
    let mut rows: Vec<Entry> =
        snapshot.rows.into_iter().map(|row| Entry { entry_id: None, ..row.entry }).collect();
    rows.sort();
    let mut rejected: Vec<_> = snapshot.rejected.into_iter().map(|one| (one.kind, one.payload)).collect();
    rejected.sort();
    let mut balances: BTreeMap<(String, String), [i64; 2]> = BTreeMap::new();
    for ((_, warehouse, product), [_, quantity, entries]) in snapshot.balances {
        let sum = balances.entry((warehouse, product)).or_default();
        *sum = [sum[0] + quantity, sum[1] + entries];
    }
    let printed = site.daemon.call(&["stock", "--json"], "").expect(0).json();
    let stock = printed.as_array().unwrap().iter().map(|row| {
        let key =
            format!("{}:{}", row["warehouse_id"].as_str().unwrap(), row["product_id"].as_str().unwrap());
        let [base, change, quantity] = ["base", "change", "quantity"].map(|name| row[name].as_i64().unwrap());
        assert_eq!(base + change, quantity, "{row}");
        (key, quantity)
    });
    let stock = stock.collect();
    Logical {
        rows,
        rejected,
        totals: snapshot.totals.into_iter().collect(),
        balances,
        stock,
        slugs: snapshot.slugs.into_values().collect(),
    }
}

/// Ids that a careless store would mix up, and days long ago.
fn odd_entries() -> Vec<Entry> {
    let plain = feed::entries(1, 1, &Shape::default()).remove(0);
    let odd = |product: &str, warehouse: &str, time: &str| Entry {
        product: product.into(),
        warehouse: warehouse.into(),
        time: time.into(),
        quantity: 7,
        drcr: 1,
        entry_id: None,
        ..plain.clone()
    };
    vec![
        odd("a", "W1", "2025-03-10 00:00:00"),
        odd("A", "W1", "2025-03-10 00:00:00"),
        odd("á", "W1", "2025-03-10 23:59:59"),
        odd("ａ", "w1", "2025-03-10 12:00:00"),
        odd("A-1", "Ｗ1", "2025-03-10 12:00:00"),
        odd("A_1", "W1", "2025-03-10 12:00:00"),
        odd("苹果", "上海", "2024-02-29 12:00:00"),
        odd("平果", "上海", "2024-02-29 12:00:00"),
        odd("a:b", "W1", "2019-12-31 12:00:00"),
        odd(&"长".repeat(255), "W1", "2025-03-10 12:00:00"),
        odd("'; DROP TABLE products; --", "\\", "2025-03-10 12:00:00"),
        odd("🍎", "W1", "2025-03-10 12:00:00"),
    ]
}

/// What only a foreign producer sends: repeats, poison, days outside the window, no `entry_id`.
fn raw_messages() -> Vec<Vec<u8>> {
    let shape = Shape { with_id: 10, ..Shape::default() };
    let mut entries = feed::entries(2, 30, &shape);
    entries.extend(entries.clone().into_iter().take(9));
    let twin = Entry { product: "P-other".into(), ..entries[0].clone() };
    entries.push(twin);
    entries.extend(feed::entries(3, 30, &Shape { with_id: 0, ..Shape::default() }));
    for time in ["2001-01-01 00:00:00", "2999-12-31 00:00:00"] {
        entries.push(Entry { time: time.into(), entry_id: None, ..entries[0].clone() });
    }
    let mut messages: Vec<Vec<u8>> = entries.iter().map(|entry| entry.json().into_bytes()).collect();
    messages.extend(["", "{}", "[]", "{\"quantity\":1.0}"].map(|text| text.as_bytes().to_vec()));
    messages
}

fn whole_path(site: &Site) -> Logical {
    site.init();
    site.init();
    let mut entries = feed::entries(5, 1_500, &Shape::default());
    entries.extend(odd_entries());
    site.send(&feed::lines(&entries), 0);
    site.put_raw(&raw_messages());
    site.count_all();
    let again = feed::entries(6, 200, &Shape { first_day: "2023-06-30", ..Shape::default() });
    site.send(&feed::lines(&again), 0);
    site.count_all();
    logical(site)
}

#[test]
fn same_input_gives_the_same_stores_in_both_modes() {
    let embedded = whole_path(&Site::standalone());
    let cluster = whole_path(&Site::cluster("path"));
    assert_eq!(embedded.rejected.iter().filter(|(kind, _)| kind == "duplicate").count(), 9);
    assert_eq!(embedded.rejected.iter().filter(|(kind, _)| kind == "window").count(), 2);
    assert_eq!(embedded.rejected.iter().filter(|(kind, _)| kind == "invalid").count(), 4);
    assert_eq!(embedded.rows.len(), 1_500 + 12 + 61 + 200);
    assert!(embedded.rows == cluster.rows, "the rows differ");
    assert_eq!(embedded.rejected, cluster.rejected);
    assert_eq!(embedded.totals, cluster.totals);
    assert_eq!(embedded.balances, cluster.balances);
    assert_eq!(embedded.stock, cluster.stock);
    assert_eq!(embedded.slugs, cluster.slugs);
}

#[test]
fn send_tells_lines_skips_repeats_and_goes_on_standalone() {
    send_tells_lines_skips_repeats_and_goes_on(&Site::standalone());
}

#[test]
fn send_tells_lines_skips_repeats_and_goes_on_cluster() {
    send_tells_lines_skips_repeats_and_goes_on(&Site::cluster("send"));
}

fn send_tells_lines_skips_repeats_and_goes_on(site: &Site) {
    site.init();
    let mut dice = Seeded::new(9);
    let mut entries = feed::entries(4, 6, &Shape { with_id: 0, ..Shape::default() });
    entries[0].entry_id = Some(feed::uuid(&mut dice));
    let good = |at: usize| entries[at].json();
    let wrong =
        [good(0), good(1).replace("\"quantity\":", "\"quantity\":-"), good(2), "nonsense".into(), good(3)];
    let input = wrong.join("\n");
    let said = site.send(&input, 1);
    let named = |number: &str, word: &str| {
        said.stderr
            .lines()
            .any(|line| line.split(|c: char| !c.is_ascii_digit()).any(|n| n == number) && line.contains(word))
    };
    assert!(named("2", "quantity") && named("4", ""), "{}", said.stderr);
    assert_eq!(site.queue().len(), 3, "the rest is sent");
    let again = site.send(&(good(0) + "\n"), 0);
    assert_eq!(site.queue().len(), 3, "an entry_id that was sent before is skipped");
    assert!((again.stdout + &again.stderr).contains('1'), "and counted");
    // An empty line between the lines is no entry; a file instead of standard input.
    let file = site.daemon.dir.join("lines.jsonl");
    std::fs::write(&file, format!("{}\n{}\n", good(4), good(5))).unwrap();
    let name = file.display().to_string();
    for _ in 0..3 {
        site.daemon.call(&["send", &name, "--batch", "march"], "").expect(0);
    }
    assert_eq!(site.queue().len(), 5, "--batch makes a repeated send harmless");
    site.daemon.call(&["send", &name, "--batch", "april"], "").expect(0);
    assert_eq!(site.queue().len(), 7, "another batch is other goods");
    site.daemon.call(&["send", "no-such-file.jsonl"], "").expect(2);
    site.send("", 0);
    site.count_all();
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().cloned().collect()
}

fn names(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn json_fields_standalone() {
    json_fields(&Site::standalone(), "standalone");
}

#[test]
fn json_fields_cluster() {
    json_fields(&Site::cluster("fields"), "cluster");
}

fn json_fields(site: &Site, mode: &str) {
    site.init();
    let entries = feed::entries(8, 100, &Shape::default());
    site.send(&feed::lines(&entries), 0);
    site.put_raw(&[b"poison".to_vec()]);
    site.count_all();
    let status = site.daemon.call(&["status", "--json"], "").json();
    assert_eq!(keys(&status), names("mode sources outbox rejected last_audit"));
    assert_eq!((&status["mode"], &status["rejected"]), (&json!(mode), &json!(1)));
    assert_eq!((&status["outbox"], &status["last_audit"]), (&json!(0), &Value::Null), "{status}");
    let (mut lag, mut taken) = (0, 0);
    for source in status["sources"].as_array().unwrap() {
        assert_eq!(keys(source), names("source topic partition next_offset end_offset lag state reason"));
        let number = |name: &str| source[name].as_i64().unwrap_or_else(|| panic!("{name} in {source}"));
        assert_eq!(number("end_offset") - number("next_offset"), number("lag"));
        assert!(["running", "paused", "stopped"].contains(&source["state"].as_str().unwrap()), "{source}");
        assert!(source["source"].as_str().unwrap().ends_with(&format!(".{}", number("partition"))));
        lag += number("lag");
        taken += number("next_offset");
    }
    assert_eq!((lag, taken), (0, 101), "{status}");
    let stock = site.daemon.call(&["stock", "--json"], "").expect(0).json();
    let rows = stock.as_array().unwrap();
    assert!(rows.iter().all(|row| keys(row) == names("warehouse_id product_id base change quantity")));
    let sum: i64 = rows.iter().map(|row| row["quantity"].as_i64().unwrap()).sum();
    assert_eq!(sum, entries.iter().map(Entry::signed).sum::<i64>());
    let of = |args: &[&str]| {
        let all = [&["stock", "--json"], args].concat();
        site.daemon.call(&all, "").expect(0).json().as_array().unwrap().clone()
    };
    assert!(of(&["--warehouse", "W1"]).iter().all(|row| row["warehouse_id"] == "W1"));
    assert_eq!(of(&["--warehouse", "W1", "--product", "P3"]).len(), 1);
    assert_eq!(of(&["--product", "P3"]).len(), rows.iter().filter(|row| row["product_id"] == "P3").count());
    assert!(of(&["--warehouse", "nowhere"]).is_empty());
    let plain = site.daemon.call(&["stock", "--warehouse", "W1", "--product", "P3"], "").expect(0).stdout;
    assert!(plain.contains("W1") && plain.contains("P3"), "{plain}");
    site.daemon.call(&["status"], "");
    site.daemon.call(&["check"], "").expect(0);
}

#[test]
fn wrong_configuration_is_named_with_its_line() {
    let site = Site::standalone();
    let text = std::fs::read_to_string(&site.daemon.config).unwrap();
    let wrong = format!("{text}[kafka]\nbootstrap_server = x\n");
    let line = wrong.lines().count().to_string();
    std::fs::write(&site.daemon.config, &wrong).unwrap();
    let said = site.daemon.call(&["status"], "").expect(2).stderr;
    assert!(said.contains("bootstrap_server") && said.contains("bootstrap_servers"), "{said}");
    assert!(said.contains(&line), "line {line}: {said}");
    let of_the_specification = format!("expiration = {}", u32::MAX);
    let text = text.replace(&of_the_specification, "expiration = 3600  # 单位：秒");
    assert!(text.contains("单位"), "{text}");
    std::fs::write(&site.daemon.config, text).unwrap();
    site.daemon.call(&["init"], "").expect(0);
    site.daemon.call(&["no-such-command"], "").expect(2);
    site.daemon.call(&["stock", "--no-such-flag"], "").expect(2);
    let help = site.daemon.call(&["--help"], "").expect(0).stdout;
    for command in ["init", "check", "run", "send", "catalog", "status", "stock", "audit", "compact"] {
        assert!(help.contains(command), "{command} is missing in {help}");
    }
}

#[test]
fn a_server_out_of_reach_is_exit_3() {
    let mut site = Site::cluster("reach");
    site.init();
    for (section, key, value) in [
        ("redis", "url", "redis://127.0.0.1:1/0"),
        ("mysql", "url", "mysql://root@127.0.0.1:1/x"),
        ("kafka", "bootstrap_servers", "127.0.0.1:1"),
    ] {
        site.set(section, key, value);
        let said = site.daemon.call(&["check"], "").expect(3);
        assert!((said.stdout + &said.stderr).contains("127.0.0.1:1"), "{section}");
        let command = if section == "redis" { "stock" } else { "init" };
        site.daemon.call(&[command], "").expect(3);
    }
}

#[test]
fn the_data_directory_has_one_owner() {
    let site = Site::standalone();
    site.init();
    let running = site.daemon.start();
    let owner = site.data_dir().join("lock.owner");
    let holds =
        || std::fs::read_to_string(&owner).is_ok_and(|words| words.contains(&running.pid().to_string()));
    wait_for("it holds the folder", Duration::from_secs(60), holds);
    let said =
        site.daemon.call(&["send", "-"], &feed::lines(&feed::entries(1, 3, &Shape::default()))).expect(2);
    assert!(said.stderr.contains(&running.pid().to_string()), "{}", said.stderr);
    assert!(said.stderr.contains("inv-daemon"), "{}", said.stderr);
    let took = running.stop(Duration::from_secs(5));
    eprintln!("an idle daemon ends {took:?} after SIGTERM");
    site.send("", 0);
}
