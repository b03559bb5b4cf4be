//! Every screen of the real window over sample data, in both languages, both lights and both sizes: pictures for
//! eyes in target/screenshots, and what needs no eyes: at the smallest size no word is cut off and nothing scrolls
//! sideways.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::window::{PATIENCE, Window};

/// Texts that reach beyond a box that cuts them off, or beyond the window. What ends in an ellipsis on purpose
/// (`clip`) has its full text elsewhere.
const CUT: &str = "const found = []; \
     const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); \
     while (walk.nextNode()) { const node = walk.currentNode; const parent = node.parentElement; \
         if (!node.data.trim() || !parent.checkVisibility() || parent.closest('.clip, .only-spoken, script, option')) continue; \
         const range = document.createRange(); range.selectNodeContents(node); \
         const r = range.getBoundingClientRect(); if (!r.width) continue; \
         let cut = r.right > innerWidth + 1 || r.left < -1; \
         for (let box = parent; box && !cut; box = box.parentElement) { \
             if (getComputedStyle(box).overflowX === 'visible') continue; \
             const b = box.getBoundingClientRect(); cut = r.right > b.right + 1 || r.left < b.left - 1; } \
         if (cut) found.push(node.data.trim()); } \
     if (document.scrollingElement.scrollWidth > innerWidth) found.push('the page scrolls sideways'); \
     return found";

/// Pictures of what is on screen, after nothing of it was found cut off.
async fn look(window: &Window, name: &str) {
    window.size(1024, 700).await.unwrap();
    let cut = window.run(CUT, vec![]).await;
    assert_eq!(cut, json!([]), "{name}: cut off at 1024x700");
    window.pictures(name).await;
}

async fn filled(window: &Window) {
    let begun = Instant::now();
    loop {
        let status = window.ask("status", json!({})).await;
        if status["demo_running"] == false && status["empty"] == false && status["lag"] == 0 {
            return;
        }
        assert!(begun.elapsed() < 5 * PATIENCE, "sample data takes too long: {status}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// An entry that the ledger refuses: its time is long past.
async fn refused_entry(window: &Window) {
    let line = json!({ "line_id": 1, "product_id": "1001", "product_text": "1001", "quantity": "5", "description": "" });
    let draft = json!({ "draft": { "draft_id": "old", "kind": "in", "bill_id": "IN-OLD-0001", "company_id": "S001",
        "warehouse_id": "BJ01", "create_time": "2009-01-01 00:00:00", "copied_from": null, "lines": [line] } });
    let posted = window.ask("bill_post", draft).await;
    assert_eq!(posted["outcome"], "posted", "{posted}");
    window
        .until(
            "it is refused",
            "return /1 rejected|已拒绝 1/.test(document.querySelector('nav ~ footer').innerText)",
        )
        .await;
}

/// A bill half written, with a list open under it.
async fn half_a_bill(window: &Window, name: &str) {
    window.keys("{Ctrl+1}{Alt+n}{F6}").await;
    window.focus("#head-company_id").await;
    window.keys("C001{Enter}BJ01{Enter}{Enter}").await;
    window.keys("10003{Enter}12{Enter}pallet 7{Enter}10001{Enter}99,999{Enter}{Enter}").await;
    look(window, &format!("{name}-draft")).await;
    window.keys("carton").await;
    window.see("[role=listbox] [role=option]").await;
    window.pictures(&format!("{name}-picker")).await;
    window.keys("{Alt+c}").await;
    window.see("dialog[open]").await;
    look(window, &format!("{name}-create")).await;
    window.keys("{Esc}").await;
    window.until("the form is closed", "return !document.querySelector('dialog[open]')").await;
    window.keys("{Ctrl+k}").await;
    window.see("dialog[open]").await;
    look(window, &format!("{name}-palette")).await;
    window.keys("{Esc}").await;
}

async fn posted_bills(window: &Window, name: &str) {
    window.keys("{Ctrl+f}").await;
    window.keys("{Down}{Down}{Enter}").await;
    window.see("h1").await;
    look(window, &format!("{name}-bill")).await;
    // The status bar leads to what was refused.
    window.focus("footer button.down").await;
    window.keys("{Enter}").await;
    window.focus("aside .entry").await;
    window.keys("{Enter}").await;
    window.until("the entry is open", "return document.querySelector('main section .fields')").await;
    look(window, &format!("{name}-rejected")).await;
    window.keys("{Esc}{Ctrl+f}").await;
    window.until("the bills again", "return document.activeElement.type === 'search'").await;
}

/// A full audit of the sample data, its history, and the replay before it is asked anything.
async fn audit(window: &Window, name: &str) {
    window.keys("{Ctrl+4}").await;
    window.see(".tabs").await;
    window.keys("{Shift+F9}").await;
    window
        .until(
            "the result",
            "return /\\d,\\d\\d\\d (of|项库存中)/.test(document.querySelector('.lead')?.innerText)",
        )
        .await;
    look(window, &format!("{name}-audit")).await;
    window.keys("{Alt+2}").await;
    window.see("main form").await;
    look(window, &format!("{name}-replay")).await;
    window.keys("{Alt+3}").await;
    window.see("[role=grid] [role=row][aria-rowindex='2']").await;
    look(window, &format!("{name}-audits")).await;
    window.keys("{Alt+1}").await;
}

/// A month of the sample data: rows, pictures, movers, alerts, what stands behind a row, and what is saved.
async fn reports(window: &Window, name: &str) {
    window.keys("{Ctrl+3}").await;
    window.see("main [role=grid] [role=row][aria-rowindex='12']").await;
    look(window, &format!("{name}-report")).await;
    window.focus("main [role=grid]").await;
    window.keys("{Down}{Enter}").await;
    window.see(".behind [role=grid] [role=row][aria-rowindex='2']").await;
    look(window, &format!("{name}-report-behind")).await;
    window.keys("{Alt+k}").await;
    window.see("#card-back").await;
    window.keys("{Esc}{Esc}{Alt+2}").await;
    for (chart, keys) in [("days", ""), ("movers", "{Right}"), ("shares", "{Right}"), ("history", "{Right}")]
    {
        if !keys.is_empty() {
            window.focus(".charts [role=radio][aria-checked=true]").await;
            window.keys(keys).await;
        }
        window.see(".chart img").await;
        tokio::time::sleep(Duration::from_millis(800)).await;
        window.focus(".chart").await;
        window.keys("{Right}{Right}").await;
        look(window, &format!("{name}-chart-{chart}")).await;
    }
    window.keys("{Alt+t}").await;
    window.see(".charts [role=grid] [role=row]").await;
    look(window, &format!("{name}-chart-table")).await;
    window.keys("{Alt+t}{Alt+3}").await;
    window.see("main [role=grid] [role=row][aria-rowindex='2']").await;
    look(window, &format!("{name}-turnover")).await;
    window.keys("{Alt+4}").await;
    window.see("main .rule").await;
    look(window, &format!("{name}-alerts")).await;
    window.run("[...document.querySelectorAll('main [role=radio]')].at(-1).click()", vec![]).await;
    look(window, &format!("{name}-alerts-unusual")).await;
    window.keys("{Alt+1}{Ctrl+s}").await;
    window.see("dialog[open]").await;
    look(window, &format!("{name}-report-saved")).await;
    window.keys("{Esc}").await;
    window.until("the dialog is closed", "return !document.querySelector('dialog[open]')").await;
}

async fn other_screens(window: &Window, name: &str) {
    window.keys("{Ctrl+2}").await;
    window.see("[role=grid] [role=row][aria-rowindex='12']").await;
    look(window, &format!("{name}-stock")).await;
    window.focus("[role=grid]").await;
    window.keys("{Down}{Down}{Enter}").await;
    window.reads("OUT-").await;
    look(window, &format!("{name}-card")).await;
    window.keys("{Esc}").await;
    reports(window, name).await;
    audit(window, name).await;
    window.keys("{Ctrl+6}").await;
    window.reads("10001").await;
    look(window, &format!("{name}-catalog")).await;
    window.keys("{Ctrl+7}").await;
    window.see(".page").await;
    look(window, &format!("{name}-settings")).await;
    window.run("[...document.querySelectorAll('[role=radio]')].at(-1).click()", vec![]).await;
    window.run("document.querySelector('.page').scrollTop = 9999", vec![]).await;
    look(window, &format!("{name}-cluster")).await;
}

#[tokio::test]
async fn every_screen_fits_in_both_languages() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&home.path().join("data"), &["--demo"]).await;
    filled(&window).await;
    refused_entry(&window).await;
    for (language, name) in [("en", "en"), ("zh-CN", "zh")] {
        let mut wanted: Value = window.ask("settings_get", json!({})).await["preferences"].clone();
        wanted["language"] = json!(language);
        window.ask("preferences_set", json!({ "preferences": wanted })).await;
        window.client.refresh().await.unwrap();
        window.ready().await;
        window.until("the language", &format!("return document.documentElement.lang === '{language}'")).await;
        window.see("[data-row]").await;
        half_a_bill(&window, name).await;
        posted_bills(&window, name).await;
        other_screens(&window, name).await;
    }
    window.close().await;
}
