//! What a clerk does in the window, in a few words: fills the catalogue, writes a bill, waits for it. Uses keys and
//! the page's own door only; knows no file and no store.

use serde_json::{Value, json};

use crate::window::Window;

/// A draft of the form's shape: (product, quantity) by line, company C1, warehouse W1.
pub fn draft(bill_id: &str, kind: &str, lines: &[(&str, &str)]) -> Value {
    let lines: Vec<Value> = (1..)
        .zip(lines)
        .map(|(line_id, (product, quantity))| {
            json!({ "line_id": line_id, "product_id": product, "product_text": product,
                "quantity": quantity, "description": "" })
        })
        .collect();
    json!({ "draft": {
        "draft_id": format!("test-{bill_id}"), "kind": kind, "bill_id": bill_id, "company_id": "C1",
        "warehouse_id": "W1", "create_time": "", "copied_from": null, "lines": lines,
    }})
}

/// Saves rows of the catalogue: (kind, code, name).
pub async fn catalogue(window: &Window, rows: &[(&str, &str, &str)]) {
    for (kind, id, name) in rows {
        let item = json!({ "item": { "kind": kind, "id": id, "name": name, "barcode": "", "unit": "kg",
            "category": "", "minimum": 0 } });
        window.ask("catalog_save", item).await;
    }
}

/// One company, one warehouse, three products.
pub async fn small_catalogue(window: &Window) {
    let rows = [
        ("company", "C1", "Huadong Foods"),
        ("company", "C2", "Jinjiang Hotel"),
        ("warehouse", "W1", "Beijing 1"),
        ("product", "P1", "Apple"),
        ("product", "P2", "Pear"),
        ("product", "P3", "苹果醋"),
    ];
    catalogue(window, &rows).await;
}

/// Posts a draft through the page's door; the draft is taken.
pub async fn post(window: &Window, draft: Value) {
    let posted = window.ask("bill_post", draft).await;
    assert_eq!(posted["outcome"], "posted", "{posted}");
}

/// Waits until a posted bill is counted in both stores.
pub async fn in_stock(window: &Window, bill_id: &str) -> Value {
    let begun = std::time::Instant::now();
    loop {
        // A bill posted by keyboard a moment ago may not be there yet.
        let bill = window.try_ask("bill_get", json!({ "bill_id": bill_id })).await;
        match &bill {
            Ok(bill) if bill["summary"]["state"] == "in_stock" => return bill.clone(),
            Err(failure) if failure["code"] != "not_found" => panic!("{bill_id}: {failure}"),
            _ => {}
        }
        assert!(begun.elapsed() < crate::window::PATIENCE, "{bill_id} does not arrive: {bill:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Live quantity of a product in W1.
pub async fn quantity(window: &Window, product: &str) -> i64 {
    let keys = json!({ "keys": [{ "warehouse_id": "W1", "product_id": product }] });
    window.ask("stock_of", keys).await[0]["quantity"].as_i64().unwrap()
}

/// What stands in the form: every cell, by line, and the header.
pub async fn form(window: &Window) -> String {
    let script = "return [...document.querySelectorAll('[data-head] input, [data-cell]')] \
         .map((cell) => cell.value).join('|')";
    window.run(script, vec![]).await.as_str().unwrap_or_default().to_owned()
}

/// Leaves the drafts where they are and waits until the form's last change is durable.
pub async fn saved(window: &Window, text: &str) {
    let begun = std::time::Instant::now();
    loop {
        let drafts = window.ask("draft_list", json!({})).await;
        if drafts.to_string().contains(text) {
            return;
        }
        assert!(begun.elapsed() < crate::window::PATIENCE, "{text:?} is in no draft: {drafts}");
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
}
