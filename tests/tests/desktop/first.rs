//! The real window, by WebDriver: first start, a bill by keyboard alone, live stock, a crash with a draft open,
//! both languages. Pictures of every screen go to target/screenshots; somebody must look at them.

use serde_json::{Value, json};
use tests::window::Window;

fn draft(bill_id: &str, quantity: &str) -> Value {
    json!({ "draft": {
        "draft_id": format!("test-{bill_id}"), "kind": "in", "bill_id": bill_id, "company_id": "C1",
        "warehouse_id": "W1", "create_time": "", "copied_from": null,
        "lines": [{ "line_id": 1, "product_id": "P1", "product_text": "", "quantity": quantity, "description": "" }],
    }})
}

/// Creates a row of the catalogue through the form that Alt+C opens: code, name, and Ctrl+Enter.
async fn create(window: &Window, code: &str, name: &str) {
    window.keys("{Alt+c}").await;
    window.see("dialog[open] input").await;
    window.keys(&format!("{code}{{Enter}}{name}{{Ctrl+Enter}}")).await;
    window.until("the form is closed", "return !document.querySelector('dialog[open]')").await;
}

#[tokio::test]
async fn first_start_then_a_three_line_bill_by_keyboard_alone() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&home.path().join("data"), &[]).await;
    window.see("[aria-label='Company']").await;
    window.until("the cursor stands in the form", "return document.activeElement !== document.body").await;
    window.pictures("first-start").await;

    window.run("document.querySelector('#head-company_id').focus()", vec![]).await;
    create(&window, "C1", "Huadong Foods").await;
    window.run("document.querySelector('#head-warehouse_id').focus()", vec![]).await;
    create(&window, "W1", "Beijing 1").await;
    window.run("document.querySelector('[data-cell=\"1.product\"]').focus()", vec![]).await;
    for (code, name, quantity) in [("P1", "Apple", "12"), ("P2", "Pear", "3"), ("P3", "Rice", "40")] {
        create(&window, code, name).await;
        window
            .until(
                "the cursor is in the quantity",
                "return document.activeElement.dataset.cell?.endsWith('.quantity')",
            )
            .await;
        window.keys(&format!("{quantity}{{Enter}}{{Enter}}")).await;
    }
    window.picture("bill-typed").await;
    window.keys("{Ctrl+Enter}").await;
    window.reads("In stock").await;
    window
        .until(
            "a blank line is ready",
            "return document.querySelector('[data-cell=\"1.product\"]')?.value === ''",
        )
        .await;
    window.pictures("bill-posted").await;

    let keys = json!({ "keys": [{ "warehouse_id": "W1", "product_id": "P1" }, { "warehouse_id": "W1", "product_id": "P3" }] });
    let stock = window.ask("stock_of", keys).await;
    assert_eq!((stock[0]["quantity"].as_i64(), stock[1]["quantity"].as_i64()), (Some(12), Some(40)));
    live_stock(&window).await;
    window.close().await;
}

/// The Stock screen follows what is posted while somebody looks at it.
async fn live_stock(window: &Window) {
    window.keys("{Ctrl+2}").await;
    window.see("[role=grid] [role=row][aria-rowindex='2']").await;
    window.reads("Apple").await;
    let posted = window.ask("bill_post", draft("LIVE-1", "1,030")).await;
    assert_eq!(posted["outcome"], "posted", "{posted}");
    window.reads("1,042").await;
    window.pictures("stock-small").await;
    let refused = window.ask("bill_post", draft("LIVE-1", "1.5")).await;
    let rules: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().filter_map(|error| error["rule"].as_str()).collect();
    assert_eq!(rules, ["bill_exists", "not_integer"], "{refused}");
}

#[tokio::test]
async fn a_draft_survives_a_kill_and_a_change_of_language() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("data");
    let window = Window::open(&dir, &[]).await;
    window.see("[data-cell='1.product']").await;
    window.run("document.querySelector('[data-cell=\"1.product\"]').focus()", vec![]).await;
    create(&window, "P1", "Apple").await;
    window.keys("77{Enter}fragile").await;
    window.keys("{Ctrl+k}").await;
    window.see("dialog[open]").await;
    window.keys("Switch language{Enter}").await;
    window.reads("单据").await;
    let kept = "return [...document.querySelectorAll('[data-cell]')].map((cell) => cell.value).join('|')";
    let said = window.run(kept, vec![]).await;
    assert!(said.as_str().unwrap().contains("77|fragile"), "{said}");
    window.pictures("draft-zh").await;
    let begun = std::time::Instant::now();
    while !window.ask("draft_list", json!({})).await.to_string().contains("fragile") {
        assert!(begun.elapsed() < tests::window::PATIENCE, "the draft is not saved");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    window.kill().await;

    let window = Window::open(&dir, &[]).await;
    window.reads("单据").await;
    window.until("the draft is back", &format!("{kept}.includes('77|fragile')")).await;
    let drafts = window.ask("draft_list", json!({})).await;
    assert_eq!(drafts.as_array().unwrap().len(), 1, "{drafts}");
    window.close().await;
}

#[tokio::test]
async fn sample_data_is_counted_and_shown() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&home.path().join("data"), &["--demo"]).await;
    window.reads("Lag 0").await;
    let begun = std::time::Instant::now();
    loop {
        let status = window.ask("status", json!({})).await;
        if status["demo_running"] == false && status["empty"] == false {
            assert_eq!((&status["rejected"], &status["lag"]), (&json!(0), &json!(0)), "{status}");
            break;
        }
        assert!(begun.elapsed().as_secs() < 300, "sample data takes too long: {status}");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    window.keys("{Ctrl+2}").await;
    window.see("[role=grid] [role=row][aria-rowindex='12']").await;
    window.pictures("stock").await;
    window.run("document.querySelector('[role=grid]').focus()", vec![]).await;
    window.keys("{Down}{Down}{Enter}").await;
    window.reads("IN-").await;
    window.pictures("stock-card").await;
    for (keys, name) in [("{Ctrl+1}", "bills"), ("{Ctrl+6}", "catalog"), ("{Ctrl+7}", "settings")] {
        window.keys(keys).await;
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        window.pictures(name).await;
    }
    window.close().await;
}

/// Settings > Test walks every connection on its own: names, ports and what lies behind them, in both languages.
#[tokio::test]
async fn a_test_of_connections_says_where_each_stops() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.ini");
    let text = "[app]\nmode = cluster\n[kafka]\nbootstrap_servers = 127.0.0.1:1\n[mysql]\n\
                url = mysql://root@no-such-host.invalid:3306/inventory\n[redis]\nurl = redis://127.0.0.1:1/0\n";
    std::fs::write(&file, text).unwrap();
    let window = Window::open(&home.path().join("data"), &["--config", &file.display().to_string()]).await;
    window.keys("{Ctrl+7}").await;
    window.reads("Kafka servers").await;
    let press = "[...document.querySelectorAll('button')].find((b) => b.innerText.trim() === 'Test').click()";
    window.run(press, vec![]).await;
    let steps = "const rows = [...document.querySelectorAll('details li')]; return rows.length === 0 ? null : \
                 rows.map((row) => `${row.closest('details').querySelector('strong').innerText} \
                 ${row.querySelector('.step').innerText}: ${row.className}`).join('\\n')";
    let said = window.until("the steps are shown", steps).await;
    let said = said.as_str().unwrap();
    for (part, step, state) in [
        ("Queue", "Data folder", "ok"),
        ("Queue", "Host name", "ok"),
        ("Queue", "Connection", "failed"),
        ("Queue", "Login", "not_reached"),
        ("Ledger", "Host name", "failed"),
        ("Ledger", "Connection", "not_reached"),
        ("Stock store", "Connection", "failed"),
        ("Stock store", "Rights", "not_reached"),
    ] {
        let row = said.lines().find(|line| line.starts_with(&format!("{part} ")) && line.contains(step));
        let row = row.unwrap_or_else(|| panic!("{part} {step} is missing in\n{said}"));
        assert!(row.split_whitespace().any(|word| word == state), "{row}");
    }
    window.reads("no-such-host.invalid leads nowhere").await;
    window.run("document.querySelector('details').scrollIntoView()", vec![]).await;
    window.pictures("settings-test").await;
    window.close().await;
}
