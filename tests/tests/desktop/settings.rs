//! Settings in the real window: Test says what is wrong with which connection, Save and Restart do what they say,
//! language and look stay; and a data folder that somebody else holds is named with its holder.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tests::clerk::{self, draft};
use tests::processes::{Guard, free_port, wait_for};
use tests::servers;
use tests::window::{PATIENCE, Window};

const CONFIG: &str = "# of the house\n[app]\nmode = standalone   # for now\n";

/// Puts the cursor on the chosen one of a group of choices.
async fn choice(window: &Window, group: &str) {
    window.focus(&format!("[role=radiogroup][aria-label='{group}'] [aria-checked=true]")).await;
}

/// Types into the next field, in place of what stands there.
async fn next_field(window: &Window, text: &str) {
    window.keys(&format!("{{Tab}}{{Ctrl+a}}{text}")).await;
}

/// Presses Test and waits for what it found: by part, the step that failed and its words, or "works".
async fn tested(window: &Window) -> String {
    window.focus("[aria-labelledby='s-connections'] .actions button").await;
    window.keys("{Enter}").await;
    let script = "const parts = [...document.querySelectorAll('[aria-label=\"Results of the test\"] details')]; \
         const failed = (part) => [...part.querySelectorAll('li.failed')].map((li) => \
             li.querySelector('.step').innerText + ': ' + li.querySelector('.told').innerText).join(' '); \
         return parts.length === 3 && parts.map((part) => \
             part.querySelector('strong').innerText + ' | ' + (failed(part) || 'works')).join('\\n')";
    window.until("the findings", script).await.as_str().unwrap().to_owned()
}

/// Opens Settings and chooses the cluster, by keyboard.
async fn cluster_form(window: &Window) {
    window.keys("{Ctrl+7}").await;
    choice(window, "Mode").await;
    window.keys("{Right}").await;
    window.reads("Kafka servers").await;
}

#[tokio::test]
async fn test_says_what_failed_and_save_and_restart_do_what_they_say() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.ini");
    std::fs::write(&config, CONFIG).unwrap();
    let window = Window::open(&home.path().join("data"), &["--config", config.to_str().unwrap()]).await;
    clerk::small_catalogue(&window).await;
    clerk::post(&window, draft("IN-1", "in", &[("P1", "5")])).await;
    cluster_form(&window).await;
    window.pictures("settings-cluster").await;
    choice(&window, "Mode").await;
    let closed = free_port();
    next_field(&window, &format!("127.0.0.1:{closed}")).await;
    next_field(&window, "ENTRIES").await;
    next_field(&window, "desk").await;
    window.keys("{Tab}").await;
    next_field(&window, "mysql://root@nosuch.invalid:3306/inventory").await;
    window.keys("{Tab}").await;
    next_field(&window, &format!("redis://127.0.0.1:{closed}/0")).await;
    let words = tested(&window).await;
    let lines: Vec<&str> = words.lines().filter(|line| line.contains(" | ")).collect();
    assert_eq!(lines.len(), 3, "{words}");
    for (part, step, place) in [
        ("Queue", "Connection", &format!("127.0.0.1:{closed}")),
        ("Ledger", "Host name", &"nosuch.invalid".to_owned()),
        ("Stock store", "Connection", &format!("127.0.0.1:{closed}")),
    ] {
        let said = lines.iter().find(|line| line.starts_with(&format!("{part} | {step}: ")));
        assert!(said.is_some() && words.contains(place), "{part} does not fail at {step}:\n{words}");
    }
    window.pictures("settings-test").await;
    assert_eq!(std::fs::read_to_string(&config).unwrap(), CONFIG, "Test writes nothing");

    window.focus("[aria-labelledby='s-connections'] .actions button").await;
    window.keys("{Tab}{Enter}").await;
    window.reads("Takes effect after a restart of the engine.").await;
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("# of the house\n[app]\nmode = cluster  # for now\n"), "{text}");
    for line in [
        &format!("bootstrap_servers = 127.0.0.1:{closed}"),
        "topic = ENTRIES",
        "group_id = desk",
        "url = mysql://root@nosuch.invalid:3306/inventory",
        &format!("url = redis://127.0.0.1:{closed}/0"),
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert_eq!(window.ask("status", json!({})).await["mode"], "standalone", "not before a restart");
    window.keys("{Tab}{Enter}").await;
    window.until("the mode", "return document.querySelector('footer .mode').innerText === 'Cluster'").await;
    window
        .until("no server answers", "return document.querySelectorAll('footer .part.down').length === 3")
        .await;
    window.picture("cluster-away").await;

    choice(&window, "Mode").await;
    window.keys("{Right}").await;
    window.focus("[aria-labelledby='s-connections'] .actions button").await;
    window.keys("{Tab}{Enter}").await;
    window.reads("Takes effect after a restart of the engine.").await;
    window.keys("{Tab}{Enter}").await;
    window
        .until("the mode", "return document.querySelector('footer .mode').innerText === 'Standalone'")
        .await;
    clerk::in_stock(&window, "IN-1").await;
    assert_eq!(clerk::quantity(&window, "P1").await, 5);
    window.close().await;
}

/// Against real servers: what works is said to work, and what is wrong beyond the network has words of its own.
#[tokio::test]
async fn test_tells_a_missing_topic_and_a_refused_user_from_what_works() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.ini");
    std::fs::write(&config, CONFIG).unwrap();
    let window = Window::open(&home.path().join("data"), &["--config", config.to_str().unwrap()]).await;
    let mysql = servers::mysql().replace("root@", "nobody-like-this@");
    let mut wanted = window.ask("settings_get", json!({})).await["connections"].clone();
    wanted["mode"] = json!("cluster");
    wanted["kafka_bootstrap_servers"] = json!(servers::kafka());
    wanted["kafka_topic"] = json!(servers::unique("no_topic"));
    wanted["mysql_url"] = json!(format!("{mysql}/inventory"));
    wanted["redis_url"] = json!(servers::redis());
    window.ask("connections_set", json!({ "connections": wanted })).await;
    window.keys("{Ctrl+7}").await;
    let words = tested(&window).await;
    for part in ["Queue | Topic: ", "Ledger | Login: ", "nobody-like-this", "Stock store | works"] {
        assert!(words.contains(part), "{part:?} is not said:\n{words}");
    }
    window.pictures("settings-test-servers").await;
    window.close().await;
}

#[tokio::test]
async fn language_and_look_change_at_once_and_stay() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let window = Window::open(&dir, &[]).await;
    window.keys("{Ctrl+7}").await;
    choice(&window, "Language").await;
    window.keys("{Right}").await;
    window.reads("语言与外观").await;
    assert_eq!(window.run("return document.documentElement.lang", vec![]).await, "zh-CN");
    choice(&window, "主题").await;
    window.keys("{Right}{Right}").await;
    window.until("dark", "return document.documentElement.dataset.theme === 'dark'").await;
    window.picture("settings-zh-dark").await;
    let kept = || std::fs::read_to_string(dir.join("desktop.json")).unwrap_or_default();
    wait_for("the choice is kept", PATIENCE, || kept().contains("zh-CN") && kept().contains("dark"));
    window.close_and_wait().await;
    let window = Window::open(&dir, &[]).await;
    window.reads("单据").await;
    window.until("dark", "return document.documentElement.dataset.theme === 'dark'").await;
    window.close().await;
}

fn daemon_in(dir: &Path, config: &Path) -> Guard {
    std::fs::write(config, format!("[app]\ndata_dir = {}\n", dir.display())).unwrap();
    let mut command = Command::new(servers::daemon());
    command.arg("--config").arg(config).arg("run");
    let guard = Guard::start(&mut command, &config.with_extension("log"));
    wait_for("the folder is taken", PATIENCE, || dir.join("lock.owner").exists());
    guard
}

/// The folder belongs to another program: the window opens all the same, says who holds it and what to do, in both
/// languages, and goes on by Enter once the folder is free.
#[tokio::test]
async fn a_folder_in_use_is_named_with_its_holder_and_opened_when_it_is_free() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let mut holder = daemon_in(&dir, &home.path().join("config.ini"));
    let window = Window::open(&dir, &[]).await;
    window.reads("Another program is using this data.").await;
    let page = window.text().await;
    for words in [
        "Close it and try again",
        &format!("{} is in use by inv-daemon", dir.display()),
        &format!("process {}", holder.0.id()),
    ] {
        assert!(page.contains(words), "{words:?} is not said:\n{page}");
    }
    window.pictures("folder-in-use").await;
    // Still held: another try says so again.
    window.until("a way on", "return document.activeElement?.innerText === 'Try again'").await;
    window.keys("{Enter}").await;
    window
        .until(
            "tried",
            "return document.activeElement?.innerText === 'Try again' && !document.activeElement.disabled",
        )
        .await;
    window.reads("Another program is using this data.").await;
    window.keys("{Ctrl+k}Switch language{Enter}").await;
    window.reads("数据正被另一个程序使用。").await;
    window.reads(&format!("（进程 {}）使用。请关闭该程序", holder.0.id())).await;
    window.pictures("folder-in-use-zh").await;
    holder.kill();
    window.focus("main .primary").await;
    window.keys("{Enter}").await;
    window.see("[data-cell='1.product']").await;
    window.close().await;
}
