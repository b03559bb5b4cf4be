//! The Audit screen in the real window, by keyboard, in both languages: deviations planted in stock and ledger are
//! found, named and shown with their bills; the replay is looked at, agreed to, and the next audit is clean.

use std::process::Command;

use serde_json::{Value, json};
use tests::clerk::{self, draft};
use tests::processes::{Guard, wait_for};
use tests::site::Site;
use tests::sql::RUNTIME;
use tests::window::{PATIENCE, Window};

/// What stands in the rows of the list on screen.
async fn rows(window: &Window) -> Vec<String> {
    let script = "return [...document.querySelectorAll('main [role=grid] [role=row][aria-selected]')] \
         .map((row) => [...row.children].map((cell) => cell.innerText.trim()).join(' | '))";
    let Value::Array(rows) = window.run(script, vec![]).await else { panic!("no list") };
    rows.iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}

/// Starts an audit by its key and waits for the sentence that its result leads with.
async fn audited(window: &Window, keys: &str, lead: &str) {
    window.keys("{Ctrl+4}").await;
    window.see(".tabs").await;
    let before = window.run("return document.querySelector('.lead .second')?.innerText", vec![]).await;
    window.keys(keys).await;
    let script = format!(
        "const said = document.querySelector('.lead')?.innerText ?? ''; \
         return said.includes({}) && document.querySelector('.lead .second').innerText !== {} && said",
        json!(lead),
        before
    );
    window.until(lead, &script).await;
}

/// The row under the list's cursor that names this text.
async fn cursor_on(window: &Window, text: &str) {
    window.focus("main [role=grid]").await;
    let script = format!(
        "return document.querySelector('main [role=row][aria-selected=true]')?.innerText.includes({})",
        json!(text)
    );
    for _ in 0..20 {
        if window.run(&script, vec![]).await == json!(true) {
            return;
        }
        window.keys("{Down}").await;
    }
    panic!("no row names {text:?}: {:#?}", rows(window).await);
}

/// Looks at the replay of the row under the cursor, agrees, and waits until it is done. Answers what was found.
async fn replayed(window: &Window, [found, numbers, done]: [&str; 3]) -> Vec<String> {
    window.keys("{Alt+p}").await;
    window.see("main form").await;
    window.keys("{Alt+v}").await;
    window.reads(found).await;
    let findings = rows(window).await;
    window.picture("audit-replay").await;
    window.keys("{Ctrl+Enter}").await;
    window.see("dialog[open]").await;
    window.reads(numbers).await;
    window.picture("audit-agree").await;
    window.keys("{Tab}{Enter}").await;
    window.reads(done).await;
    findings
}

/// Another hand in Redis: adds to `change` and leaves the rest as it was.
fn edit(site: &Site, key: &str, by: i64) {
    let mut redis = site.servers().redis.connect();
    let text: String = redis::cmd("GET").arg(key).query(&mut redis).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["change"] = json!(value["change"].as_i64().unwrap() + by);
    redis::cmd("SET").arg(key).arg(value.to_string()).query::<()>(&mut redis).unwrap();
}

fn quantity(site: &Site, key: &str) -> i64 {
    let value: Value = serde_json::from_str(&site.stock()[key]).unwrap();
    value["base"].as_i64().unwrap() + value["change"].as_i64().unwrap()
}

async fn stocked(window: &Window) {
    clerk::small_catalogue(window).await;
    let bills =
        [("A-1", [("P1", "100")]), ("A-2", [("P1", "20")]), ("A-3", [("P2", "50")]), ("A-4", [("P3", "9")])];
    for (bill, lines) in bills {
        clerk::post(window, draft(bill, "in", &lines)).await;
        clerk::in_stock(window, bill).await;
    }
}

/// Somebody edits the stock: too much waits for agreement, too little is corrected at once.
async fn edited_stock_in_english(window: &Window, site: &Site) {
    window.keys("{Ctrl+4}").await;
    window.reads("Not audited yet").await;
    window.pictures("audit-none").await;
    audited(window, "{F9}", "3 of 3 balances agree, at offsets").await;
    window.reads("Nothing deviates").await;
    edit(site, "W1:P1", 7);
    edit(site, "W1:P2", -3);
    audited(window, "{F9}", "1 of 3 balances agree, at offsets").await;
    let mut found = rows(window).await;
    found.sort();
    assert_eq!(
        found,
        [
            "NRS缺失 · NRS missing | Beijing 1 · Pear | 50 | 47 | −3 | The stock was edited by hand | Stock | ✓\nCorrected | ",
            "RRS或NRS重复 · RRS or NRS doubled | Beijing 1 · Apple | 120 | 127 | +7 | The stock was edited by hand | Stock | →\nProposed | ",
        ]
    );
    window.pictures("audit-deviations").await;
    assert_eq!((quantity(site, "W1:P1"), quantity(site, "W1:P2")), (127, 50));
    window.reads("Deviations: 2").await;

    cursor_on(window, "Apple").await;
    window.keys("{Alt+m}").await;
    window.reads("Mark as not reviewed").await;
    window.keys("{Enter}").await;
    window.reads("A-1").await;
    window.reads("A-2").await;
    window.focus("section[aria-label='Stock card'] .link").await;
    window.keys("{Enter}").await;
    window.until("the bill", "return /A-2/.test(document.querySelector('main h1')?.innerText)").await;
    window.keys("{Ctrl+4}").await;
    cursor_on(window, "Apple").await;
    let numbers = "Corrections in the stock: 1, in the ledger: 0; balances concerned: 1.";
    replayed(window, ["Findings: 1, balances concerned: 1", numbers, "Corrected: 1"]).await;
    assert_eq!(quantity(site, "W1:P1"), 120);
    audited(window, "{Alt+1}{F9}", "3 of 3 balances agree, at offsets").await;
    window.reads("Nothing deviates").await;
    window
        .until(
            "the status bar says so",
            "return /Audited \\d/.test(document.querySelector('footer').innerText)",
        )
        .await;
}

/// Somebody deletes a row of the ledger: the replay names its bill and puts it back.
async fn lost_row_in_chinese(window: &Window, site: &Site) {
    let mut wanted = window.ask("settings_get", json!({})).await["preferences"].clone();
    wanted["language"] = json!("zh-CN");
    window.ask("preferences_set", json!({ "preferences": wanted })).await;
    window.client.refresh().await.unwrap();
    window.ready().await;
    tokio::task::block_in_place(|| {
        let db = site.ledger();
        let table = db.tables().into_iter().find(|table| table.starts_with("t_pear_")).unwrap();
        assert_eq!(db.run(&format!("DELETE FROM {table} WHERE bill_id = 'A-3'")), 1);
        db.close();
    });
    audited(window, "{Shift+F9}", "3 项库存中 2 项一致，核对位置").await;
    let found = rows(window).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    for word in ["Beijing 1 · Pear", "账本缺少一行", "账本", "待同意"] {
        assert!(found[0].contains(word), "{word:?} is not in {found:?}");
    }
    window.pictures("audit-deviations-zh").await;
    cursor_on(window, "Pear").await;
    let numbers = "库存 0 处、账本 1 处，涉及 1 项库存。";
    let findings = replayed(window, ["1 项库存中发现 1 处", numbers, "已校正 1 处"]).await;
    assert!(findings[0].starts_with("A-3 | Beijing 1 · Pear | 缺失 | 账本 | "), "{findings:?}");
    audited(window, "{Alt+1}{Shift+F9}", "3 项库存中 3 项一致，核对位置").await;
    window.reads("没有偏差").await;
}

/// Every run stands in the history, with its lines; the log is searched and exported.
async fn remembered(window: &Window, site: &Site) {
    window.keys("{Alt+3}").await;
    window
        .until("all runs", "return document.querySelectorAll('main [role=row][aria-selected]').length >= 7")
        .await;
    let runs = rows(window).await;
    for word in ["快速审计", "全面审计", "回放"] {
        assert!(runs.iter().any(|run| run.contains(word)), "no {word}: {runs:#?}");
    }
    window.pictures("audit-history").await;
    window.focus("main input[type=search]").await;
    window.keys("W1:P1").await;
    window
        .until(
            "lines of the log",
            "return document.querySelector('main [role=grid][aria-label=偏差] [aria-selected]')",
        )
        .await;
    let lines = rows(window).await;
    assert!(lines.iter().all(|line| line.contains("Apple")) && !lines.is_empty(), "{lines:#?}");
    // By who and when, too.
    let all_runs = "return document.querySelectorAll('main [role=row][aria-selected]').length >= 7";
    window.keys("{Esc}").await;
    window.focus("main input[aria-label='执行人']").await;
    window.keys("nobody").await;
    window.reads("没有符合的审计").await;
    window.keys("{Esc}").await;
    window.until("all runs again", all_runs).await;
    window.focus("main input[aria-label='自']").await;
    window.keys("2199-01-01").await;
    window.reads("没有符合的审计").await;
    window.keys("{Esc}").await;
    window.until("all runs again", all_runs).await;
    let file = site.data_dir().join("log.csv");
    let search = json!({
        "audit_id": null, "subject": "", "cause": "stock_edited", "who": "", "days": null, "before": null
    });
    let write = |form: &'static str, path: std::path::PathBuf| {
        let args = json!({ "search": search, "form": form, "language": "zh-CN", "path": path });
        window.ask("audit_export", args)
    };
    let done = write("csv", file.clone()).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(json!(lines.len() - 1), done["rows"], "{text}");
    let apple = lines.iter().find(|line| line.contains(",W1:P1,") && line.contains("quick,click")).unwrap();
    for form in ["xlsx", "pdf"] {
        let file = site.data_dir().join(format!("log.{form}"));
        assert_eq!(write(form, file.clone()).await["rows"], done["rows"]);
        let bytes = std::fs::read(&file).unwrap();
        assert!(bytes.starts_with(if form == "pdf" { b"%PDF-" } else { b"PK\x03\x04" }), "{form}");
    }
    assert!(apple.contains("RRS或NRS重复,T,") && apple.contains(",120,127,7,stock_edited,stock,"), "{apple}");
}

/// A deviation that nobody looks at is told by the desktop itself.
async fn told_by_the_desktop(window: &Window, site: &Site) {
    let log = site.data_dir().join("notifications");
    let mut monitor = Command::new("dbus-monitor");
    monitor.args(["--session", "interface='org.freedesktop.Notifications',member='Notify'"]);
    let _monitor = Guard::start(&mut monitor, &log);
    let heard = |words: &str| std::fs::read_to_string(&log).unwrap_or_default().contains(words);
    wait_for("dbus-monitor listens", PATIENCE, || heard("NameAcquired"));
    edit(site, "W1:P3", 2);
    window.keys("{Alt+1}{F9}{Ctrl+1}").await;
    wait_for("a notification", PATIENCE, || heard("Twinstock：发现偏差"));
    window.reads("偏差 1").await;
    window.focus("footer button.down").await;
    window.keys("{Enter}").await;
    window.reads("苹果醋").await;
}

#[test]
fn planted_deviations_are_found_replayed_and_gone() {
    let _turn = crate::TURN.blocking_lock();
    let site = Site::cluster("audit");
    site.init();
    let config = site.daemon.config.display().to_string();
    RUNTIME.block_on(async {
        let window = Window::open(&site.data_dir(), &["--config", &config]).await;
        stocked(&window).await;
        edited_stock_in_english(&window, &site).await;
        lost_row_in_chinese(&window, &site).await;
        remembered(&window, &site).await;
        tokio::task::block_in_place(|| site.must_be_right());
        told_by_the_desktop(&window, &site).await;
        window.close_and_wait().await;
    });
}
