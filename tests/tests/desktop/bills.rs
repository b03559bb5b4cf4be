//! Bills in the real window, by keyboard: what is refused is shown whole and lost nowhere, a posted bill is
//! reversed, copied and found again.

use serde_json::{Value, json};
use tests::clerk::{self, draft};
use tests::window::Window;

/// The words beside a header field.
async fn said_of(window: &Window, field: &str) -> String {
    let script = "return document.querySelector(`[data-head=\"${arguments[0]}\"] p`)?.innerText ?? ''";
    window.run(script, vec![json!(field)]).await.as_str().unwrap().to_owned()
}

async fn at(window: &Window, cell: &str) {
    let script = format!(
        "const a = document.activeElement; return (a.dataset.cell ?? a.id).endsWith({})",
        json!(cell)
    );
    window.until(&format!("the cursor in {cell}"), &script).await;
}

/// Several mistakes at once, in the header and in two lines: all are shown by field and rule, nothing typed is
/// lost, the keyboard leads from one to the next, and what is mended is posted.
#[tokio::test]
async fn what_is_refused_is_shown_whole_kept_and_posted_when_mended() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&home.path().join("data"), &[]).await;
    clerk::small_catalogue(&window).await;
    clerk::post(&window, draft("IN-1", "in", &[("P1", "5")])).await;
    window.focus("#head-bill_id").await;
    window.keys("IN-1{Enter}").await;
    window.focus("#head-create_time").await;
    window.keys("yesterday{Enter}").await;
    at(&window, ".product").await;
    window.keys("nosuch{Tab}1.5{Enter}first{Enter}").await;
    window.keys("apple{Enter}0{Enter}second{Enter}").await;
    window.keys("pear{Enter}9{Enter}third{Enter}{Ctrl+Enter}").await;
    window.reads("Problems: 7").await;
    let page = window.text().await;
    for words in [
        "This number is already used.",
        "Type a time like 2026-03-10 09:05:00.",
        "Product: No product has this code. Alt+C creates it. Quantity: Type a whole number.",
        "Quantity: From 1 to 2,147,483,647.",
    ] {
        assert!(page.contains(words), "{words:?} is not on the page:\n{page}");
    }
    assert!(said_of(&window, "bill_id").await.contains("already used"));
    assert!(said_of(&window, "company_id").await.contains("Must not be empty"));
    assert!(said_of(&window, "warehouse_id").await.contains("Must not be empty"));
    assert!(said_of(&window, "create_time").await.contains("Type a time"));
    let kept = clerk::form(&window).await;
    for typed in ["IN-1|", "yesterday", "nosuch|1.5|first", "P1|0|second", "P2|9|third"] {
        assert!(kept.contains(typed), "{typed:?} is lost: {kept}");
    }
    window.pictures("refused").await;
    assert_eq!(window.ask("bill_search", every_bill()).await["bills"].as_array().unwrap().len(), 1);

    at(&window, "head-bill_id").await;
    window.keys("IN-2{F8}").await;
    at(&window, "head-company_id").await;
    window.keys("huadong{F8}").await;
    at(&window, "head-warehouse_id").await;
    window.keys("W1{F8}").await;
    at(&window, "head-create_time").await;
    window.keys("2026-03-10 09:05{F8}").await;
    at(&window, ".product").await;
    window.keys("pgc{Enter}").await;
    at(&window, ".quantity").await;
    window.keys("1,500{F8}").await;
    window.until("the cursor in the second line", "return document.activeElement.value === '0'").await;
    window.keys("2{Ctrl+Enter}").await;
    let bill = clerk::in_stock(&window, "IN-2").await;
    let lines: Vec<_> = bill["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["product_id"], &line["quantity"]))
        .collect();
    assert_eq!(lines, [(&json!("P3"), &json!(1500)), (&json!("P1"), &json!(2)), (&json!("P2"), &json!(9))]);
    assert_eq!(bill["summary"]["create_time"], "2026-03-10 09:05:00");
    assert_eq!(clerk::quantity(&window, "P3").await, 1500);
    window.close().await;
}

fn every_bill() -> Value {
    searched("", "", "")
}

fn searched(text: &str, from: &str, to: &str) -> Value {
    json!({ "query": { "text": text, "kind": null, "company_id": "", "warehouse_id": "", "product_id": "",
        "from": from, "to": to, "before": null, "limit": 50 } })
}

/// Opens the first bill that a search finds, by keyboard: Ctrl+F, the words, down, Enter.
async fn open_by_search(window: &Window, words: &str, bill: &str) {
    window.keys("{Ctrl+f}").await;
    window.until("the cursor in the search", "return document.activeElement.type === 'search'").await;
    window.keys(words).await;
    only(window, &[bill]).await;
    window.keys("{Down}{Enter}").await;
    let heading = format!("return document.querySelector('h1')?.innerText === {}", json!(bill));
    window.until(&format!("{bill} is open"), &heading).await;
}

/// Waits until the list shows these bills and no other, in this order.
async fn only(window: &Window, bills: &[&str]) {
    let script = format!(
        "return JSON.stringify([...document.querySelectorAll('[data-row] .no')] \
         .map((no) => no.lastChild.textContent.trim())) === {}",
        json!(json!(bills).to_string())
    );
    window.until(&format!("the list shows {bills:?}"), &script).await;
}

/// Reverse: an opposite bill, linked both ways, the stock back where it was; a second time is not offered. Copy: a
/// new draft with the same lines and a number of its own.
#[tokio::test]
async fn a_posted_bill_is_reversed_and_copied_by_keyboard() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&home.path().join("data"), &[]).await;
    clerk::small_catalogue(&window).await;
    clerk::post(&window, draft("IN-BASE", "in", &[("P1", "100"), ("P2", "40")])).await;
    clerk::post(&window, draft("OUT-7", "out", &[("P1", "30"), ("P2", "15")])).await;
    clerk::in_stock(&window, "OUT-7").await;
    assert_eq!((clerk::quantity(&window, "P1").await, clerk::quantity(&window, "P2").await), (70, 25));

    open_by_search(&window, "OUT-7", "OUT-7").await;
    window.reads("In stock").await;
    window.keys("{Alt+r}").await;
    window.see("dialog[open]").await;
    window.reads("Reverse OUT-7?").await;
    window.picture("reverse").await;
    window.keys("{Enter}").await;
    window
        .until("the reversal is open", "return document.querySelector('h1')?.innerText.startsWith('IN-')")
        .await;
    let back = window.run("return document.querySelector('h1').innerText", vec![]).await;
    let back = back.as_str().unwrap();
    let reversal = clerk::in_stock(&window, back).await;
    assert_eq!(
        (&reversal["summary"]["reverses"], &reversal["summary"]["kind"]),
        (&json!("OUT-7"), &json!("in"))
    );
    let directions: Vec<_> = reversal["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (&l["product_id"], &l["quantity"], &l["drcr"]))
        .collect();
    assert_eq!(directions, [(&json!("P1"), &json!(30), &json!(1)), (&json!("P2"), &json!(15), &json!(1))]);
    assert_eq!((clerk::quantity(&window, "P1").await, clerk::quantity(&window, "P2").await), (100, 40));

    // Linked both ways, on screen: from the reversal to the bill and back again.
    window.reads("Reverses\nOUT-7").await;
    window.focus(".link").await;
    window.keys("{Enter}").await;
    window.reads(&format!("Reversed by\n{back}")).await;
    window.pictures("bill-reversed").await;
    let again = window.try_ask("bill_reverse", json!({ "bill_id": "OUT-7" })).await.unwrap_err();
    assert_eq!(again["code"], "invalid", "{again}");
    let off = "return [...document.querySelectorAll('header button')].find((b) => b.innerText.includes('Reverse')).disabled";
    assert_eq!(window.run(off, vec![]).await, true);

    window.keys("{Alt+d}").await;
    window
        .until(
            "the copy is in the form",
            "return document.querySelector('[data-cell$=\".quantity\"]')?.value === '30'",
        )
        .await;
    let form = clerk::form(&window).await;
    assert!(form.contains("P1|30||P2|15||"), "{form}");
    assert!(form.starts_with("OUT-") && !form.starts_with("OUT-7|"), "{form}");
    window.reads("Copied from OUT-7").await;
    window.keys("{Ctrl+Enter}").await;
    window.until("posted", "return document.querySelector('[data-cell$=\".product\"]')?.value === ''").await;
    let newest = window.ask("bill_search", every_bill()).await["bills"][0]["bill_id"].clone();
    clerk::in_stock(&window, newest.as_str().unwrap()).await;
    assert_eq!((clerk::quantity(&window, "P1").await, clerk::quantity(&window, "P2").await), (70, 25));
    window.close().await;
}

/// One search box: part of a number, a company by name, a product by name or pinyin, a month, a day, and both.
#[tokio::test]
async fn bills_are_found_by_number_company_product_and_date() {
    let _turn = crate::TURN.lock().await;
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&home.path().join("data"), &[]).await;
    clerk::small_catalogue(&window).await;
    for (bill, company, product, time) in [
        ("PO-100", "C1", "P1", "2026-03-10 09:00:00"),
        ("PO-101", "C2", "P2", "2026-03-11 09:00:00"),
        ("SO-200", "C2", "P3", "2026-04-01 09:00:00"),
        ("SO-2%0", "C1", "P2", "2026-04-02 09:00:00"),
    ] {
        let mut draft = draft(bill, "in", &[(product, "3")]);
        draft["draft"]["company_id"] = json!(company);
        draft["draft"]["create_time"] = json!(time);
        clerk::post(&window, draft).await;
    }
    window.keys("{Ctrl+f}").await;
    window.until("the cursor in the search", "return document.activeElement.type === 'search'").await;
    for (words, bills) in [
        ("po-1", &["PO-101", "PO-100"][..]),
        ("2%0", &["SO-2%0"][..]),
        ("huadong", &["SO-2%0", "PO-100"][..]),
        ("pear", &["SO-2%0", "PO-101"][..]),
        ("pgc", &["SO-200"][..]),
        ("2026-03", &["PO-101", "PO-100"][..]),
        ("2026-04-02", &["SO-2%0"][..]),
        ("jinjiang 2026-04", &["SO-200"][..]),
        ("2026-03-11 2026-04-01", &["SO-200", "PO-101"][..]),
    ] {
        window.keys(words).await;
        only(&window, bills).await;
        window.keys("{Esc}").await;
        only(&window, &["SO-2%0", "SO-200", "PO-101", "PO-100"]).await;
    }
    window.keys("nothing-like-it").await;
    window.reads("No bill matches.").await;
    window.picture("search-nothing").await;
    window.keys("{Esc}").await;
    // Through the list by arrows, and back from a bill by Esc.
    window.keys("{Down}{Down}{Enter}").await;
    window
        .until("the second bill is open", "return document.querySelector('h1')?.innerText === 'SO-200'")
        .await;
    window.keys("{Esc}").await;
    window.see("[data-cell='1.product']").await;
    window.close().await;
}
