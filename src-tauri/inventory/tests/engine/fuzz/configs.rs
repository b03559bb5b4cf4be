//! config.ini: valid files broken line by line, against a second reading of the README's rules; a value that
//! Settings writes is read back, and no other value changes by it.

use std::collections::BTreeMap;

use inventory::config::{Config, Mode, Secret, ini};

use super::dice::Dice;

/// Section, key, and what it accepts.
const KEYS: [(&str, &str, Kind); 17] = [
    ("app", "mode", Kind::Word(&["standalone", "cluster"])),
    ("app", "data_dir", Kind::Filled),
    ("app", "writer", Kind::Word(&["yes", "true", "on", "1", "no", "false", "off", "0"])),
    ("kafka", "bootstrap_servers", Kind::Filled),
    ("kafka", "topic", Kind::Filled),
    ("kafka", "group_id", Kind::Filled),
    ("kafka", "partitions", Kind::Number(1, 10_000)),
    ("kafka", "replication_factor", Kind::Number(1, 100)),
    ("mysql", "url", Kind::Filled),
    ("mysql", "password", Kind::Secret),
    ("redis", "url", Kind::Filled),
    ("redis", "password", Kind::Secret),
    ("audit", "expiration", Kind::Number(1, 4_294_967_295)),
    ("audit", "storm_percent", Kind::Number(0, 100)),
    ("ledger", "day_tables", Kind::Number(0, 1_000_000)),
    ("entries", "oldest_days", Kind::Number(0, 3_000_000)),
    ("entries", "newest_days", Kind::Number(0, 3_000_000)),
];

#[derive(Clone, Copy)]
enum Kind {
    Word(&'static [&'static str]),
    Filled,
    Number(i64, i64),
    Secret,
}

impl Kind {
    fn accepts(self, value: &str) -> bool {
        match self {
            Kind::Word(words) => words.contains(&value),
            Kind::Filled => !value.is_empty(),
            Kind::Number(least, most) => value.parse::<i64>().is_ok_and(|n| n >= least && n <= most),
            Kind::Secret => {
                value.is_empty() || value == "keychain" || (value.starts_with("env:") && value.len() > 4)
            }
        }
    }
}

type Read = BTreeMap<(String, String), String>;

/// The last value of each key; `Err`: the lines (from 1) that are wrong.
fn judge(text: &str) -> Result<Read, Vec<usize>> {
    let mut read = Read::new();
    let mut wrong = Vec::new();
    let mut section = String::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in text.split('\n').enumerate() {
        let mut said = String::new();
        for c in line.chars() {
            if (c == '#' || c == ';') && said.chars().last().is_none_or(char::is_whitespace) {
                break;
            }
            said.push(c);
        }
        let said = said.trim();
        if said.is_empty() {
            continue;
        }
        if let Some(rest) = said.strip_prefix('[') {
            match rest.strip_suffix(']') {
                Some(name) => section = name.trim().to_owned(),
                None => wrong.push(number + 1),
            }
            continue;
        }
        let Some(at) = said.find('=') else {
            wrong.push(number + 1);
            continue;
        };
        let (key, value) = (said[..at].trim(), said[at + 1..].trim());
        let known = KEYS.iter().find(|(of, name, _)| *of == section && *name == key);
        let accepted = match known {
            Some((_, _, kind)) => kind.accepts(value),
            None => section == "kafka" && key.contains('.'),
        };
        if !accepted {
            wrong.push(number + 1);
        }
        read.insert((section.clone(), key.to_owned()), value.to_owned());
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

fn value(dice: &mut Dice, kind: Kind) -> String {
    if dice.once_in(8) {
        return match dice.roll(3) {
            0 => dice.number(),
            1 => dice.pick(&["env:", "env:X", "keychain", "hunter2", "yes", "cluster", "Yes", ""]).into(),
            _ => dice.text(),
        };
    }
    match kind {
        Kind::Word(words) => dice.pick(words).into(),
        Kind::Filled => {
            dice.pick(&["a", "redis://x/0#y", "mysql://a:b@h/d", "C:\\data", "名", "a=b", "a#b;c"]).into()
        }
        Kind::Number(least, most) => (least + dice.roll((most - least + 1) as usize) as i64).to_string(),
        Kind::Secret => dice.pick(&["env:PASSWORD", "keychain", ""]).into(),
    }
}

fn input(dice: &mut Dice) -> String {
    let mut lines = Vec::new();
    for _ in 0..dice.roll(8) {
        let (section, key, kind) = KEYS[dice.roll(KEYS.len())];
        if !dice.once_in(20) {
            lines.push(format!("{}[{section}]{}", dice.pick(&["", " "]), dice.pick(&["", "  ; x", " # y"])));
        }
        let key = match dice.roll(25) {
            0 => "security.protocol",
            1 => "experation",
            _ => key,
        };
        let comment = dice.pick(&["", "", "  # 单位：秒", " ; x", "#y", "\t;"]);
        let blank = dice.pick(&["", " ", "\t"]);
        lines.push(format!("{key}{blank}={blank}{}{comment}", value(dice, kind)));
        if dice.once_in(6) {
            lines.push(dice.pick(&["", "# x", ";", "  "]).into());
        }
    }
    let mut text = lines.join(dice.pick(&["\n", "\n", "\r\n"]));
    if dice.once_in(3) {
        let mut bytes = text.into_bytes();
        dice.mutate(
            &mut bytes,
            &["[", "]", "=", "#", ";", " #", "\n", "\r", "\u{feff}", "\0", ".", "é", "[app]\n"],
        );
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    text
}

/// What the configuration says of a key, as it would be written.
fn said(config: &Config, section: &str, key: &str) -> String {
    let secret = |secret: &Secret| match secret {
        Secret::None => String::new(),
        Secret::Env(name) => format!("env:{name}"),
        Secret::Keychain(account) => {
            assert_eq!(*account, section);
            "keychain".into()
        }
    };
    match (section, key) {
        ("app", "mode") => if config.mode == Mode::Cluster { "cluster" } else { "standalone" }.into(),
        ("app", "data_dir") => config.data_dir.to_string_lossy().into_owned(),
        ("app", "writer") => config.writer.to_string(),
        ("kafka", "bootstrap_servers") => config.bootstrap_servers.clone(),
        ("kafka", "topic") => config.topic.clone(),
        ("kafka", "group_id") => config.group_id.clone(),
        ("kafka", "partitions") => config.partitions.to_string(),
        ("kafka", "replication_factor") => config.replication_factor.to_string(),
        ("mysql", "url") => config.mysql_url.clone(),
        ("mysql", "password") => secret(&config.mysql_password),
        ("redis", "url") => config.redis_url.clone(),
        ("redis", "password") => secret(&config.redis_password),
        ("audit", "expiration") => config.audit_expiration.to_string(),
        ("audit", "storm_percent") => config.storm_percent.to_string(),
        ("ledger", "day_tables") => config.day_tables.map(|n| n.to_string()).unwrap_or_default(),
        ("entries", "oldest_days") => config.oldest_days.to_string(),
        ("entries", "newest_days") => config.newest_days.to_string(),
        (_, key) => {
            let found = config.kafka_properties.iter().rev().find(|(name, _)| name == key);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
    }
}

/// Numbers and yes/no by what they mean, everything else by its letters.
fn same(section: &str, key: &str, said: &str, written: &str) -> bool {
    let known = KEYS.iter().find(|(of, name, _)| *of == section && *name == key);
    match known {
        Some((_, "writer", _)) => (said == "true") == matches!(written, "yes" | "true" | "on" | "1"),
        Some((_, _, Kind::Number(..))) => said.parse::<i64>().ok() == written.parse::<i64>().ok(),
        _ => said == written,
    }
}

#[test]
fn config_files() {
    super::run("config.ini", 150_000, |dice| {
        let text = input(dice);
        match (Config::parse(&text), judge(&text)) {
            (Ok(config), Ok(read)) => {
                for ((section, key), written) in &read {
                    let said = said(&config, section, key);
                    assert!(same(section, key, &said, written), "[{section}] {key} is {said:?} in {text:?}");
                }
                let (section, key, kind) = KEYS[dice.roll(KEYS.len())];
                let new = value(dice, kind);
                if kind.accepts(&new) && new.trim() == new && !new.contains(['#', ';', '\n', '\r']) {
                    let mut expected = read.clone();
                    expected.insert((section.into(), key.into()), new.clone());
                    let changed = ini::set(&text, section, key, &new);
                    assert_eq!(
                        judge(&changed),
                        Ok(expected),
                        "{text:?}\n[{section}] {key} = {new:?}\n{changed:?}"
                    );
                    assert!(Config::parse(&changed).is_ok(), "{changed:?}");
                }
            }
            (Err(error), Err(wrong)) => {
                let named = wrong.iter().any(|line| error.message.contains(&format!("line {line}:")));
                assert!(named, "{text:?}: wrong are {wrong:?}, but {error}");
            }
            (parsed, judged) => panic!("{text:?}\n{:?}\n{judged:?}", parsed.map_err(|error| error.message)),
        }
    });
}
