//! What an audit asks and answers in the real window beside its results: a storm waits for agreement, a run is
//! cancelled while it goes on, and another auditor elsewhere is named. In English and in Chinese.

use std::time::Duration;

use serde_json::{Value, json};
use tests::feed::{self, Shape};
use tests::load::seed;
use tests::planted::{edited, put, quantities};
use tests::processes::wait_for;
use tests::proxy::Proxy;
use tests::servers;
use tests::site::Site;
use tests::sql::RUNTIME;
use tests::window::{PATIENCE, Window};

/// Keys that are edited: more than a hundred, and more than five of a hundred.
const EDITED: usize = 130;
/// The lease under which one auditor works at a time.
const LEASE: &str = "TWINSTOCK_AUDITOR";

/// What the screen says in one language.
struct Words {
    language: &'static str,
    storm: &'static str,
    agree: &'static str,
    corrected: &'static str,
    cancelled: &'static str,
    elsewhere: &'static str,
    cure: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    storm: "130 of 240 balances deviate: nothing was corrected",
    agree: "Correct anyway",
    corrected: "Corrected",
    cancelled: "The audit was cancelled before it finished",
    elsewhere: "Another audit is under way: inv-daemon@cellar",
    cure: "Wait until it ends, or cancel it there.",
};

const CHINESE: Words = Words {
    language: "zh-CN",
    storm: "240 项库存中 130 项有偏差：未做任何校正",
    agree: "仍然校正",
    corrected: "已校正",
    cancelled: "在完成前被取消",
    elsewhere: "另一个审计正在进行：inv-daemon@cellar",
    cure: "请等它结束，或在那里取消。",
};

/// 240 keys in 120 day tables, counted before the window opens.
fn counted(site: &Site) {
    let shape = Shape { products: 60, warehouses: 4, days: 2, ..Shape::default() };
    let mut entries = feed::entries(seed("desktop asks"), 2_000, &shape);
    for (number, entry) in entries.iter_mut().take(240).enumerate() {
        (entry.product, entry.warehouse) = (format!("P{}", number / 4), format!("W{}", number % 4));
    }
    site.put_raw(&entries.iter().map(|entry| entry.json().into_bytes()).collect::<Vec<_>>());
    site.count_all();
}

async fn speaks(window: &Window, words: &Words) {
    let mut wanted = window.ask("settings_get", json!({})).await["preferences"].clone();
    wanted["language"] = json!(words.language);
    window.ask("preferences_set", json!({ "preferences": wanted })).await;
    window.client.refresh().await.unwrap();
    window.ready().await;
    window.keys("{Ctrl+4}").await;
    window.see(".tabs").await;
}

/// Presses the button that is labelled so, wherever it stands within this part of the page.
async fn press(window: &Window, part: &str, label: &str) {
    let script = format!(
        "const button = [...document.querySelectorAll({})].find((b) => b.innerText.includes({})); \
         button?.click(); return button !== undefined",
        json!(format!("{part} button")),
        json!(label)
    );
    window.until(label, &script).await;
}

/// Too much deviates: nothing is touched until a person has read the numbers and agreed.
async fn storm(window: &Window, site: &Site, words: &Words) {
    let right = tokio::task::block_in_place(|| {
        let right = quantities(site);
        for key in right.keys().take(EDITED) {
            put(site, key, Some(&edited(site, key, -3, false)));
        }
        right
    });
    assert_eq!(right.len(), 240);
    window.keys("{F9}").await;
    window.reads(words.storm).await;
    window.pictures(&format!("audit-storm-{}", words.language)).await;
    let now = quantities(site);
    assert_eq!(
        right.iter().filter(|(key, value)| now[*key] != **value).count(),
        EDITED,
        "nothing is touched"
    );
    press(window, ".storm", words.agree).await;
    window.see("dialog[open]").await;
    window.picture(&format!("audit-storm-ask-{}", words.language)).await;
    press(window, "dialog[open]", words.agree).await;
    let done = format!(
        "return document.querySelector('.lead .second b')?.innerText === {} && !document.querySelector('.storm')",
        json!(words.corrected)
    );
    window.until("the storm is corrected", &done).await;
    assert_eq!(quantities(site), right, "and nothing else was");
}

/// A full audit of a ledger that answers slowly: cancelled while it reads, it ends and says so.
async fn cancelled(window: &Window, proxy: &Proxy, words: &Words) {
    let before = window.run("return document.querySelector('.lead .second')?.innerText", vec![]).await;
    proxy.delay(Duration::from_millis(1_500));
    window.keys("{Shift+F9}").await;
    window.see(".progress [role=progressbar]").await;
    window.picture(&format!("audit-running-{}", words.language)).await;
    window.keys("{Esc}").await;
    window.reads(words.cancelled).await;
    proxy.delay(Duration::ZERO);
    let after = window.run("return document.querySelector('.lead .second')?.innerText", vec![]).await;
    assert_ne!(before, after, "another run");
    window.pictures(&format!("audit-cancelled-{}", words.language)).await;
    let last = window.ask("audit_overview", json!({})).await["last"].clone();
    assert_eq!((&last["outcome"], &last["lines"]), (&json!("cancelled"), &json!(0)), "{last}");
}

/// Somebody else audits: the screen says so and names them; when they are done, it works again.
async fn elsewhere(window: &Window, site: &Site, words: &Words) {
    let mut redis = site.servers().redis.connect();
    redis::cmd("SET").arg(LEASE).arg("inv-daemon@cellar 0123456789").exec(&mut redis).unwrap();
    window.keys("{F9}").await;
    window.reads(words.elsewhere).await;
    window.reads(words.cure).await;
    window.pictures(&format!("audit-elsewhere-{}", words.language)).await;
    let page: Value = json!(window.text().await);
    assert!(words.language == "en" || !page.as_str().unwrap().contains("under way"), "{page}");
    redis::cmd("DEL").arg(LEASE).exec(&mut redis).unwrap();
    window.keys("{F9}").await;
    let script = format!("return !document.body.innerText.includes({})", json!(words.elsewhere));
    window.until("the next one runs", &script).await;
    window.until("and ends", "return document.querySelector('.lead .second b')").await;
}

#[test]
fn storms_cancelling_and_another_auditor() {
    let _turn = crate::TURN.blocking_lock();
    let mut site = Site::cluster("asks");
    let port: u16 = servers::mysql().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(port);
    let url = format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), site.servers().database);
    site.set("mysql", "url", url);
    site.init();
    counted(&site);
    let config = site.daemon.config.display().to_string();
    RUNTIME.block_on(async {
        let window = Window::open(&site.data_dir(), &["--config", &config]).await;
        for words in [ENGLISH, CHINESE] {
            speaks(&window, &words).await;
            storm(&window, &site, &words).await;
            cancelled(&window, &proxy, &words).await;
            elsewhere(&window, &site, &words).await;
        }
        window.close_and_wait().await;
    });
    wait_for("both stores are right", PATIENCE, || site.faults(tests::oracle::Rules::drained()).is_empty());
}
