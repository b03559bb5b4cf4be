//! Files and paper through the system's own dialogs, by keyboard, in both languages: a long export is cancelled and
//! leaves nothing, the next one is whole; the report as a PDF, and as the system prints it, says what a sum over the
//! day tables says.

use std::path::Path;

use serde_json::json;
use tests::clerk::{self, draft};
use tests::dialog;
use tests::site::Site;
use tests::sql::RUNTIME;
use tests::window::{self, Window};

use super::sums::{Rows, ago, separated, summed, whole};
use super::totals;

const PRODUCTS: i64 = 24;
const WAREHOUSES: i64 = 10;
/// Days of the long report: each of its keys has a row on each of them.
const DAYS: u64 = 3_600;

/// What the screen says in one language.
struct Said {
    language: &'static str,
    writing: &'static str,
    cancelled: &'static str,
    columns: &'static str,
    page: fn(usize, usize) -> String,
}

const ENGLISH: Said = Said {
    language: "en",
    writing: "Writing, rows: ",
    cancelled: "The export was cancelled; no file was written.",
    columns: "Product,Product name,Warehouse,Warehouse name,Opening,In,Out,Closing",
    page: |number, of| format!("Page{number}of{of}"),
};

const CHINESE: Said = Said {
    language: "zh-CN",
    writing: "已写入 ",
    cancelled: "导出已取消；没有写入文件。",
    columns: "产品,产品名称,仓库,仓库名称,期初,入库,出库,期末",
    page: |number, of| format!("第{number}页，共{of}页"),
};

fn product(id: &str) -> String {
    format!("红富士苹果{id}号")
}

fn warehouse(id: &str) -> String {
    format!("Warehouse {id}")
}

/// Goods of ten years in every warehouse, and some of them out today.
async fn stocked(window: &Window) {
    clerk::catalogue(window, &[("company", "C1", "华东食品")]).await;
    for number in 1..=PRODUCTS {
        let id = format!("P{number:02}");
        clerk::catalogue(window, &[("product", &id, &product(&id))]).await;
    }
    for number in 1..=WAREHOUSES {
        let id = format!("W{number:02}");
        clerk::catalogue(window, &[("warehouse", &id, &warehouse(&id))]).await;
        for (kind, days, times) in [("in", DAYS, 1_000), ("out", 0, 7)] {
            let quantities = (1..=PRODUCTS).map(|product| (number + product) * times);
            let lines: Vec<(String, String)> = (1..)
                .zip(quantities)
                .map(|(product, count): (i64, i64)| (format!("P{product:02}"), count.to_string()))
                .collect();
            let lines: Vec<(&str, &str)> =
                lines.iter().map(|(id, count)| (id.as_str(), count.as_str())).collect();
            let mut wanted = draft(&format!("{kind}-{number}"), kind, &lines);
            wanted["draft"]["warehouse_id"] = json!(id);
            wanted["draft"]["create_time"] = json!(format!("{} 00:00:00", ago(days)));
            clerk::post(window, wanted).await;
        }
    }
    clerk::in_stock(window, &format!("out-{WAREHOUSES}")).await;
    clerk::in_stock(window, &format!("in-{WAREHOUSES}")).await;
}

/// Two days, and ten years of every day, each under a name.
async fn defined(window: &Window) {
    // Keys of a driver are faster than the screen that they are for.
    window.keys("{Ctrl+3}").await;
    window.see("main [role=grid]").await;
    window.keys(&format!("{{Alt+d}}{}{{Tab}}{}{{Enter}}", ago(1), ago(0))).await;
    window.reads(&format!("{} – {}, 240", ago(1), ago(0))).await;
    saved(window, "A short one").await;
    let groups = "[...document.querySelectorAll('main button')].find((b) => b.innerText.startsWith('By '))";
    window.run(&format!("{groups}.click()"), vec![]).await;
    window.see("main [role=group] input[type=checkbox]").await;
    window
        .run("[...document.querySelectorAll('main [role=group] label')].find((l) => l.innerText.trim() === 'Day').click()", vec![])
        .await;
    window.reads("By Product › Warehouse › Day").await;
    window.keys(&format!("{{Esc}}{{Alt+d}}{}{{Tab}}{}{{Enter}}", ago(DAYS), ago(0))).await;
    window.reads(&format!("{} – {}, 864,240", ago(DAYS), ago(0))).await;
    saved(window, "Ten years").await;
}

async fn saved(window: &Window, name: &str) {
    window.keys("{Ctrl+s}").await;
    window.see("dialog[open] input").await;
    window.keys(&format!("{name}{{Enter}}")).await;
    window.until("saved", "return document.querySelector('dialog[open]') === null").await;
}

/// Opens the report of a name, by its place in the list, and waits for its rows.
async fn opened(window: &Window, place: usize, rows: &str) {
    window.keys("{Ctrl+s}").await;
    window.see("dialog[open] .load").await;
    window.keys(&format!("{}{{Enter}}", "{Down}".repeat(place))).await;
    let script = format!(
        "return /(^|[^0-9,]){rows}([^0-9,]|$)/.test(document.querySelector('main h1 + span')?.innerText ?? '')"
    );
    window.until(rows, &script).await;
    window.until("the table", "return document.activeElement.getAttribute('role') === 'grid'").await;
}

/// Keeps every toast: one is gone again before a busy machine looks.
async fn listened(window: &Window) {
    let script = "window.heard = []; new MutationObserver((changes) => { for (const change of changes) \
         for (const node of change.addedNodes) if (node.classList?.contains('toast')) heard.push(node.innerText); \
         }).observe(document.body, { childList: true, subtree: true })";
    window.run(script, vec![]).await;
}

/// Waits until a toast said it, and forgets what was said.
async fn heard(window: &Window, text: &str) {
    let script = format!("return window.heard.some((one) => one.includes({}))", json!(text));
    window.until(text, &script).await;
    window.run("window.heard = []", vec![]).await;
}

fn listed(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

async fn named(window: &Window, path: &Path) {
    tokio::task::block_in_place(|| dialog::save_as(window.pid(), path));
}

/// Begins an export of ten years, sees it under way, ends it by `keys`: nothing is left, and the table has the keyboard.
async fn cancelled(window: &Window, folder: &Path, said: &Said, asked: &str, keys: &str, picture: bool) {
    window.keys(asked).await;
    named(window, &folder.join("ten years")).await;
    window.see("main .export [role=progressbar]").await;
    let script = "return document.querySelector('.export strong').innerText.startsWith(arguments[0]) && \
         Number(document.querySelector('.export [role=progressbar]').ariaValueNow) < 100";
    let script = script.replace("arguments[0]", &json!(said.writing).to_string());
    window.until(said.writing, &script).await;
    if picture {
        window.pictures(&format!("report-export-{}", said.language)).await;
    }
    let parts = listed(folder);
    assert!(
        parts.len() == 1 && parts[0].ends_with(".part"),
        "it is to be under way when it is cancelled: {parts:?}"
    );
    if keys == "{Enter}" {
        window.focus(".export button").await;
    }
    window.keys(keys).await;
    heard(window, said.cancelled).await;
    if picture {
        window.picture(&format!("report-export-cancelled-{}", said.language)).await;
    }
    assert_eq!(listed(folder), [""; 0], "nothing is left");
    window.until("no progress", "return document.querySelector('.export') === null").await;
    window.until("the table", "return document.activeElement.getAttribute('role') === 'grid'").await;
}

/// Every page without its blanks.
fn pages(path: &Path) -> Vec<String> {
    let pages = pdf_extract::extract_text_by_pages(path).unwrap();
    pages.iter().map(|page| page.split_whitespace().collect()).collect()
}

/// Demands all rows in their order, each as `row` writes it.
fn holds(text: &str, rows: &Rows, row: impl Fn(&str, &str, [String; 5]) -> String) {
    let mut rest = text;
    for ((product, warehouse), figures) in rows {
        let wanted: String = row(product, warehouse, figures.map(separated)).split_whitespace().collect();
        let at = rest.find(&wanted).unwrap_or_else(|| panic!("{wanted} is missing in {rest:.600}"));
        rest = &rest[at + wanted.len()..];
    }
}

/// A file by the dialog: all rows, and nothing but them.
async fn written(window: &Window, folder: &Path, said: &Said, rows: &Rows) {
    let path = folder.join("two days.csv");
    window.keys("{Ctrl+e}").await;
    tokio::task::block_in_place(|| dialog::save_nothing(window.pid()));
    window.keys("{Ctrl+e}").await;
    named(window, &path).await;
    heard(window, &path.display().to_string()).await;
    assert_eq!(listed(folder), ["two days.csv"]);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.strip_prefix('\u{feff}').unwrap().lines();
    assert_eq!(lines.next(), Some(said.columns));
    let wanted: Vec<String> = rows
        .iter()
        .map(|((product_id, warehouse_id), [opening, inward, outward, closing, _])| {
            let (product, warehouse) = (product(product_id), warehouse(warehouse_id));
            format!(
                "{product_id},{product},{warehouse_id},{warehouse},{opening},{inward},{outward},{closing}"
            )
        })
        .collect();
    assert_eq!(lines.collect::<Vec<_>>(), wanted);
    std::fs::remove_file(path).unwrap();
}

/// The app's own PDF, and what the system prints.
async fn printed(window: &Window, folder: &Path, said: &Said, rows: &Rows) {
    let path = folder.join("two days.pdf");
    window.keys("{Alt+p}").await;
    named(window, &path).await;
    heard(window, &path.display().to_string()).await;
    let found = pages(&path);
    assert!(found.len() > 4, "{} rows on {} pages", rows.len(), found.len());
    for (number, page) in (1..).zip(&found) {
        let foot = (said.page)(number, found.len());
        assert!(page.contains(&foot), "{foot} is not on page {number}: {page}");
    }
    holds(&found.concat(), rows, |id, of, [opening, inward, outward, closing, _]| {
        format!("{id}{}{of}{}{opening}{inward}{outward}{closing}", product(id), warehouse(of))
    });
    let sums = whole(rows);
    let last = found.last().unwrap();
    assert!(sums[..4].iter().all(|sum| last.contains(&separated(*sum))), "{sums:?}: {last}");
    window.keys("{Ctrl+p}").await;
    tokio::task::block_in_place(|| dialog::print(window.pid()));
    let path = folder.join("output.pdf");
    tests::processes::wait_for("the printed file", window::PATIENCE, || {
        std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) && pdf_extract::extract_text(&path).is_ok()
    });
    let found = pages(&path);
    assert!(found.len() > 2, "{} pages", found.len());
    let text = found.concat();
    // The reader of PDFs loses the digits of some fonts' words, but none of the figures.
    holds(&text, rows, |_, _, [opening, inward, outward, closing, entries]| {
        format!("){opening}{inward}{outward}{closing}{entries}")
    });
    assert!(text.matches("Warehouse").count() >= rows.len(), "{text:.600}");
}

#[test]
fn a_long_export_is_cancelled_and_a_report_is_printed() {
    let _turn = crate::TURN.blocking_lock();
    let site = Site::standalone();
    let folder = site.data_dir().with_extension("files");
    std::fs::create_dir_all(&folder).unwrap();
    // Where the system prints to when it prints into a file.
    let settings = window::settings(&site.data_dir());
    std::fs::create_dir_all(&settings).unwrap();
    let documents = format!("XDG_DOCUMENTS_DIR=\"{}\"\n", folder.display());
    std::fs::write(settings.join("user-dirs.dirs"), documents).unwrap();
    RUNTIME.block_on(async {
        let window = Window::open(&site.data_dir(), &[]).await;
        stocked(&window).await;
        defined(&window).await;
        for said in [ENGLISH, CHINESE] {
            let mut wanted = window.ask("settings_get", json!({})).await["preferences"].clone();
            wanted["language"] = json!(said.language);
            window.ask("preferences_set", json!({ "preferences": wanted })).await;
            window.client.refresh().await.unwrap();
            window.ready().await;
            listened(&window).await;
            window.keys("{Ctrl+3}").await;
            window.see("main [role=grid]").await;
            opened(&window, 2, "864,240").await;
            cancelled(&window, &folder, &said, "{Alt+x}", "{Esc}", true).await;
            cancelled(&window, &folder, &said, "{Ctrl+e}", "{Enter}", false).await;
            opened(&window, 1, "240").await;
            let rows = tokio::task::block_in_place(|| summed(&site, &ago(1), &ago(0)));
            assert_eq!((rows.len(), totals(&window).await), (240, whole(&rows)));
            written(&window, &folder, &said, &rows).await;
            printed(&window, &folder, &said, &rows).await;
            for name in listed(&folder) {
                std::fs::remove_file(folder.join(name)).unwrap();
            }
        }
        window.close().await;
    });
}
