//! The Reports screen in the real window, by keyboard, in both languages: a period's figures are those of a sum over
//! the day tables, the chart reads out the same, a figure leads to its bill and back, and the files that are exported
//! say what the screen says.

mod exports;
mod sums;

use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};
use chrono::Datelike;
use fantoccini::Locator;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use resvg::{tiny_skia::Pixmap, usvg};
use serde_json::{Value, json};
use sums::{Figures, Rows, ago, figures, number, separated, summed, today, whole};
use tests::clerk::{self, draft};
use tests::site::Site;
use tests::sql::RUNTIME;
use tests::window::{PATIENCE, Window};

async fn cells(window: &Window, script: &str) -> Vec<Vec<String>> {
    serde_json::from_value(window.run(script, vec![]).await).unwrap()
}

async fn totals(window: &Window) -> Figures {
    let script = "return [[...document.querySelectorAll('dd[data-figure]')].map((d) => d.innerText)]";
    figures(&cells(window, script).await[0])
}

/// What stands in the table: name, code and figures.
async fn table(window: &Window) -> Vec<Vec<String>> {
    let script = "return [...document.querySelectorAll('main [role=grid] [role=row][aria-selected]')] \
         .map((row) => [...row.children].map((cell) => cell.innerText.trim()))";
    cells(window, script).await
}

/// Waits until the totals on screen are those of a sum over the rows; answers with that sum's rows.
async fn shows(window: &Window, site: &Site, first: &str, last: &str) -> Rows {
    let rows = tokio::task::block_in_place(|| summed(site, first, last));
    let right = whole(&rows);
    let period = if first == last { first.to_owned() } else { format!("{first} – {last}") };
    let script =
        format!("return document.querySelector('main h1 + span')?.innerText.startsWith({})", json!(period));
    window.until(&period, &script).await;
    let begun = std::time::Instant::now();
    while totals(window).await != right && begun.elapsed() < PATIENCE {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(totals(window).await, right, "{period}");
    let shown: Rows = table(window)
        .await
        .iter()
        .map(|row| {
            let id = |cell: &str| cell.rsplit_once(' ').unwrap().1.to_owned();
            ((id(&row[0]), id(&row[1])), figures(&row[2..]))
        })
        .collect();
    assert_eq!(shown, rows, "{period}");
    rows
}

/// A bill: so many days ago, its number, in or out, its warehouse, products and pieces.
type Planned<'a> = (u64, String, &'a str, &'a str, Vec<(&'a str, String)>);

/// Goods of five weeks, with Chinese names, in two warehouses; one goes below zero for a day.
async fn stocked(window: &Window) {
    let rows = [
        ("company", "C1", "华东食品"),
        ("warehouse", "W1", "北京一仓"),
        ("warehouse", "W2", "上海仓"),
        ("product", "P1", "红富士苹果"),
        ("product", "P2", "Pear"),
        ("product", "P3", "苹果醋"),
    ];
    clerk::catalogue(window, &rows).await;
    let minimum = json!({ "item": { "kind": "product", "id": "P2", "name": "Pear", "barcode": "", "unit": "kg",
        "category": "水果", "minimum": 500 } });
    window.ask("catalog_save", minimum).await;
    let mut bills: Vec<Planned> = vec![
        (45, "A-01".into(), "in", "W1", vec![("P1", "12000".into()), ("P2", "300".into())]),
        (45, "A-02".into(), "in", "W2", vec![("P3", "80".into())]),
        (3, "A-03".into(), "in", "W1", vec![("P2", "40".into())]),
        (1, "A-04".into(), "out", "W2", vec![("P3", "95".into())]),
        (0, "A-05".into(), "in", "W2", vec![("P3", "60".into())]),
    ];
    for day in 2..12 {
        bills.push((day, format!("B-{day:02}"), "out", "W1", vec![("P1", format!("{}", 10 + day))]));
    }
    bills.push((1, "B-01".into(), "out", "W1", vec![("P1", "900".into())]));
    // Before the period of the report: enough days to know what is usual.
    bills.extend((13..18).map(|day| (day, format!("B-{day}"), "out", "W1", vec![("P1", "20".to_owned())])));
    for (days, bill, kind, warehouse, lines) in &bills {
        let lines: Vec<(&str, &str)> = lines.iter().map(|(id, count)| (*id, count.as_str())).collect();
        let mut wanted = draft(bill, kind, &lines);
        wanted["draft"]["warehouse_id"] = json!(warehouse);
        // The last second of a day belongs to it.
        let time = if bill == "A-03" { "23:59:59" } else { "00:00:00" };
        wanted["draft"]["create_time"] = json!(format!("{} {time}", ago(*days)));
        clerk::post(window, wanted).await;
    }
    for (_, bill, ..) in &bills {
        clerk::in_stock(window, bill).await;
    }
}

/// A preset from the palette, typed days, and a second of a day, all by keyboard.
async fn periods(window: &Window, site: &Site) {
    // What was posted since the screen was opened comes by itself.
    window.see("main [role=grid]").await;
    let month = today().with_day(1).unwrap().checked_sub_months(chrono::Months::new(1)).unwrap();
    shows(window, site, &month.to_string(), &ago(0)).await;
    window.keys("{Ctrl+k}").await;
    window.see("dialog[open] input").await;
    window.keys("Yesterday{Enter}").await;
    let rows = shows(window, site, &ago(1), &ago(1)).await;
    assert_eq!(rows[&("P3".into(), "W2".into())], [80, 0, 95, -15, 1]);
    let typed = format!("{{Alt+d}}{}{{Tab}}{}{{Enter}}", ago(3).replace('-', "/"), ago(1).replace('-', ""));
    window.keys(&typed).await;
    shows(window, site, &ago(3), &ago(1)).await;
    // The minute of midnight: what went at 00:00:00 is within, what came at 23:59:59 is not.
    window.keys(&format!("{{Alt+d}}{}{{Tab}}{} 0:00{{Enter}}", ago(3), ago(3))).await;
    window.reads(&format!("{0} 00:00:00 – {0} 00:00:59", ago(3))).await;
    assert_eq!(totals(window).await[4], 1);
    window.keys(&format!("{{Alt+d}}{}{{Tab}}31.2.{{Enter}}", ago(12))).await;
    window.reads("The last day is not a date.").await;
    window.keys(&format!("{{Alt+d}}{{Tab}}{}{{Enter}}", ago(0))).await;
    let rows = shows(window, site, &ago(12), &ago(0)).await;
    assert_eq!(rows.len(), 3, "{rows:?}");
}

/// Each day's figures, by arrow keys and under the pointer, are those of the tables.
async fn chart(window: &Window, site: &Site) {
    window.keys("{Alt+2}").await;
    window.see(".chart img").await;
    window.focus(".chart").await;
    let said = "return document.querySelector('.chart [aria-live]').innerText";
    for day in (0..=12).rev() {
        window.keys("{Right}").await;
        let [_, inward, outward, closing, _] =
            whole(&tokio::task::block_in_place(|| summed(site, &ago(day), &ago(day))));
        let heard = window.until("a read-out", said).await.as_str().unwrap().to_owned();
        let (label, values) = heard.split_once(": ").unwrap();
        assert_eq!(label, ago(day));
        let values: Vec<&str> = values.split(", ").collect();
        let right = [("In", inward), ("Out", outward), ("Closing", closing)];
        for (value, (name, right)) in values.iter().zip(right) {
            let (word, count) = value.rsplit_once(' ').unwrap();
            assert_eq!((word, number(count, true)), (name, right), "{heard}");
        }
    }
    window.picture("report-chart-read").await;
    window.keys("{Esc}").await;
    let place = window.client.find(Locator::Css(".chart")).await.unwrap();
    let to = PointerAction::MoveToElement { element: place, duration: None, x: 0.0, y: 0.0 };
    window.client.perform_actions(MouseActions::new("mouse".into()).then(to)).await.unwrap();
    let label = "return document.querySelector('.legend .label').innerText";
    let under = window.until("the day under the pointer", label).await;
    assert!((4..=8).any(|day| json!(ago(day)) == under), "{under}");
    window.see(".chart .hair").await;
    window.keys("{Alt+t}").await;
    let rows = {
        window.see(".charts [role=grid] [role=row][aria-selected]").await;
        table(window).await
    };
    assert_eq!(rows.len(), 13);
    assert_eq!(rows[11][..3], [ago(1), "0".into(), "995".into()]);
    window.keys("{Alt+t}{Alt+1}").await;
}

/// From a figure to its movements, to the card, to the bill, and all the way back.
async fn behind(window: &Window) {
    window.see("main [role=grid] [role=row][aria-selected]").await;
    window.focus("main [role=grid]").await;
    window.keys("{Down}{Up}{Enter}").await;
    window.see(".behind [role=grid] [role=row][aria-selected]").await;
    let script = "return [...document.querySelectorAll('.behind .place:not([hidden]) [role=row][aria-selected]')] \
         .map((row) => [...row.children].map((cell) => cell.innerText.trim()))";
    let entries = cells(window, script).await;
    assert_eq!(entries.len(), 11);
    assert_eq!(entries[0][1..], ["B-01", "华东食品", "", "", "−900"].map(String::from));
    window.keys("{Alt+k}").await;
    window.see("#card-back").await;
    window
        .until(
            "the card",
            "return document.querySelector('.place:not([hidden]) .balance')?.innerText.includes('10,')",
        )
        .await;
    window.keys("{Esc}{Down}{Enter}").await;
    window
        .until("the bill", "return document.querySelector('.place:not([hidden]) h1')?.innerText === 'B-02'")
        .await;
    window.keys("{Esc}{Esc}").await;
    let back = "return document.activeElement.closest('.behind') === null && \
         document.activeElement.getAttribute('role') === 'grid'";
    window.until("back in the table", back).await;
}

/// Asks with a feed that nobody reads.
async fn ask_fed(window: &Window, command: &str, args: Value) -> Value {
    let script = "const [command, args, done] = arguments; const tauri = window.__TAURI_INTERNALS__; \
         const feed = `__CHANNEL__:${tauri.transformCallback(() => undefined)}`; \
         tauri.invoke(command, { ...args, feed }).then((a) => done({ok: a}), (e) => done({err: e}))";
    let said = window.client.execute_async(script, vec![json!(command), args]).await.unwrap();
    assert!(said.get("err").is_none(), "{command}: {said}");
    said["ok"].clone()
}

fn query() -> Value {
    json!({ "from": ago(12), "to": ago(0), "by": ["product", "warehouse"], "products": [], "warehouses": [],
        "companies": [], "categories": [], "all": false, "sort": "groups", "descending": false })
}

/// Code, name, code, name and four figures, as they stand in a file and on the screen.
fn on_screen(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let both = |cell: &String| {
        cell.rsplit_once(' ').map(|(name, id)| [id.to_owned(), name.trim().to_owned()]).unwrap()
    };
    let line = |row: &Vec<String>| {
        let names = row[..2].iter().flat_map(both);
        names.chain(figures(&row[2..])[..4].iter().map(ToString::to_string)).collect()
    };
    rows.iter().map(line).collect()
}

async fn files(window: &Window, folder: &Path, language: &str, titles: [&str; 2]) {
    let shown = on_screen(&table(window).await);
    assert_eq!(shown.len(), 3);
    let ask = |format: &str, file: &Path| json!({ "query": query(), "format": format, "language": language, "path": file });
    let file = folder.join("report.csv");
    let done = ask_fed(window, "report_export", ask("csv", &file)).await;
    assert_eq!(done["rows"], 3);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines = text.strip_prefix('\u{feff}').unwrap().lines();
    assert!(lines.next().unwrap().starts_with(titles[1]), "{text}");
    let csv: Vec<Vec<String>> =
        lines.map(|line| line.split(',').map(ToString::to_string).collect()).collect();
    assert_eq!(csv, shown);
    let file = folder.join("report.xlsx");
    ask_fed(window, "report_export", ask("xlsx", &file)).await;
    let mut book: Xlsx<_> = open_workbook(&file).unwrap();
    assert_eq!(book.sheet_names(), [titles[0]]);
    let sheet = book.worksheet_range(titles[0]).unwrap();
    let text = |cell: &Data| match cell {
        Data::Float(number) => format!("{number:.0}"),
        other => other.to_string(),
    };
    let all: Vec<Vec<String>> = sheet.rows().map(|row| row.iter().map(text).collect()).collect();
    assert_eq!(all[1..=3], shown);
    let sums = totals(window).await;
    let file = folder.join("report.pdf");
    ask_fed(window, "report_export", ask("pdf", &file)).await;
    let printed = pdf_extract::extract_text(&file).unwrap().replace(char::is_whitespace, "");
    for row in &shown {
        let words = [&row[1], &row[3]].into_iter().map(|name| name.replace(' ', ""));
        let numbers = row[4..].iter().map(|number| separated(number.parse().unwrap()));
        for word in words.chain(numbers) {
            assert!(printed.contains(&word), "{word:?} is not printed: {printed}");
        }
    }
    assert!(printed.contains(&separated(sums[3])), "{printed}");
    assert_eq!(all[4][4..], sums[..4].iter().map(ToString::to_string).collect::<Vec<_>>());
}

/// The chart's files: the same picture as lines and as pixels.
async fn pictures(window: &Window, folder: &Path) {
    let colours = json!({ "background": "#ffffff", "text": "#202020", "muted": "#606060", "grid": "#e0e0e0",
        "inward": "#0f8a7e", "outward": "#c25a1f", "closing": "#2f5bd7", "shares": ["#2f5bd7", "#0f8a7e"] });
    let words = json!({ "language": "zh-CN", "title": "出库排行", "inward": "In", "outward": "Out", "closing": "Closing",
        "others": "Others", "nothing": "", "empty": "" });
    let look = json!({ "width": 800, "height": 400, "colours": colours, "words": words, "legend": true });
    let ask = |format: &str, file: &Path| json!({ "query": query(), "group": [], "chart": "movers", "look": look, "format": format, "path": file });
    let file = folder.join("chart.svg");
    window.ask("report_chart_export", ask("svg", &file)).await;
    let svg = std::fs::read_to_string(&file).unwrap();
    for word in ["红富士苹果", "苹果醋", "1,065", "95", "出库排行"] {
        assert!(svg.contains(word), "{word:?} is not in {svg}");
    }
    let tree = usvg::Tree::from_str(&svg, &usvg::Options::default()).unwrap();
    let size = (tree.size().width() as u32, tree.size().height() as u32);
    let file = folder.join("chart.png");
    window.ask("report_chart_export", ask("png", &file)).await;
    let pixels = Pixmap::decode_png(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((pixels.width(), pixels.height()), (size.0 * 2, size.1 * 2));
    let bars =
        pixels.pixels().iter().filter(|p| (p.red(), p.green(), p.blue()) == (0xc2, 0x5a, 0x1f)).count();
    assert!(bars > 5_000, "{bars} pixels of bars");
    let file = folder.join("chart.pdf");
    window.ask("report_chart_export", ask("pdf", &file)).await;
    let drawn = pdf_extract::extract_text(&file).unwrap();
    for word in ["红富士苹果", "1,065"] {
        assert!(drawn.contains(word), "{word:?} is not in {drawn}");
    }
}

/// Kept under a name, changed, and opened again by keyboard; the columns are remembered too.
async fn saved(window: &Window, site: &Site) {
    window.keys("{Ctrl+s}").await;
    window.see("dialog[open] input").await;
    window.keys("Weekly{Enter}").await;
    window.reads("Report Weekly saved").await;
    window.keys("{Ctrl+k}").await;
    window.see("dialog[open] input").await;
    window.keys("Today{Enter}").await;
    shows(window, site, &ago(0), &ago(0)).await;
    window.keys("{Ctrl+s}").await;
    window.see("dialog[open] .load").await;
    window.keys("{Down}{Enter}").await;
    shows(window, site, &ago(12), &ago(0)).await;
}

/// Goods below their minimum, and the day on which far more went out; both lead to the card.
async fn alerts(window: &Window) {
    window.keys("{Alt+4}").await;
    window.reads("Below minimum 1").await;
    let rows = table(window).await;
    assert_eq!(rows[0][0], "Pear P2");
    assert_eq!(rows[0][4], "160");
    window.focus("main [role=radio][aria-checked=true]").await;
    window.run("[...document.querySelectorAll('main .tools [role=radio]')].at(-1).click()", vec![]).await;
    window.reads("Usual").await;
    let rows = table(window).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0][..2], [ago(1), "红富士苹果 P1".into()]);
    // Of its weekday 900, 18 and 20: 20 is usual, three times that is ordinary.
    assert_eq!(rows[0][3..], ["−900", "−20", "−60", "× 15.00"].map(String::from));
    window.focus("main [role=grid]").await;
    window.keys("{Enter}").await;
    window.see("#card-back").await;
    window.keys("{Esc}{Alt+1}").await;
}

#[test]
fn a_period_is_read_drilled_and_exported() {
    let _turn = crate::TURN.blocking_lock();
    let site = Site::standalone();
    RUNTIME.block_on(async {
        let window = Window::open(&site.data_dir(), &[]).await;
        window.keys("{Ctrl+3}").await;
        window.reads("Nothing to report yet").await;
        window.pictures("report-none").await;
        stocked(&window).await;
        periods(&window, &site).await;
        chart(&window, &site).await;
        behind(&window).await;
        files(&window, site.data_dir().parent().unwrap(), "en", ["Report", "Product,Product name"]).await;
        pictures(&window, site.data_dir().parent().unwrap()).await;
        saved(&window, &site).await;
        alerts(&window).await;
        let mut wanted = window.ask("settings_get", json!({})).await["preferences"].clone();
        wanted["language"] = json!("zh-CN");
        window.ask("preferences_set", json!({ "preferences": wanted })).await;
        window.client.refresh().await.unwrap();
        window.ready().await;
        window.keys("{Ctrl+3}").await;
        window.reads("期初").await;
        window.keys("{Ctrl+s}").await;
        window.see("dialog[open] .load").await;
        window.keys("{Down}{Enter}").await;
        shows(&window, &site, &ago(12), &ago(0)).await;
        files(&window, site.data_dir().parent().unwrap(), "zh-CN", ["时段报表", "产品,产品名称"]).await;
        window.close().await;
    });
}
