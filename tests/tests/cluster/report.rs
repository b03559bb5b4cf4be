//! The report on the command line: the figures of what was sent, summed up here from the very lines; the same figures in
//! JSON, CSV and workbook; the table's promises about fields, names of weeks and exit codes.

use std::collections::BTreeMap;

use calamine::{Data, Reader, Xlsx, open_workbook};
use serde_json::Value;
use tests::feed::{self, Shape};
use tests::site::Site;
use tests::spec::{Entry, day_number, day_text};

type Rows = BTreeMap<Vec<String>, [i64; 4]>;

/// What the lines say: opening, in, out and closing by the ids that `group` names.
fn right(entries: &[Entry], from: &str, to: &str, group: impl Fn(&Entry) -> Vec<String>) -> Rows {
    let mut rows = Rows::new();
    for entry in entries.iter().filter(|entry| entry.day() <= to) {
        let row = rows.entry(group(entry)).or_default();
        let inward = if entry.drcr == 1 { entry.quantity } else { 0 };
        match entry.day() < from {
            true => row[0] += entry.signed(),
            false => (row[1], row[2]) = (row[1] + inward, row[2] + inward - entry.signed()),
        }
        row[3] += entry.signed();
    }
    rows.retain(|_, row| row[..3] != [0, 0, 0]);
    rows
}

fn rows(shown: &Value, fields: &[&str]) -> Rows {
    let one = |row: &Value| {
        let ids = fields.iter().map(|field| row[field].as_str().unwrap().to_owned()).collect();
        let figures = ["opening", "in", "out", "closing"].map(|field| row[field].as_i64().unwrap());
        assert_eq!(row.as_object().unwrap().len(), fields.len() + 4, "{row}");
        (ids, figures)
    };
    let list = shown.as_array().unwrap();
    let rows: Rows = list.iter().map(one).collect();
    assert_eq!(rows.len(), list.len(), "a group is shown twice");
    rows
}

fn report(site: &Site, args: &[&str]) -> Value {
    site.daemon.call(&[&["report", "--json"], args].concat(), "").expect(0).json()
}

fn fed(site: &Site) -> Vec<Entry> {
    let shape = Shape { days: 45, first_day: "2024-02-10", ..Shape::default() };
    let entries = feed::entries(7, 1_500, &shape);
    site.init();
    site.send(&feed::lines(&entries), 0);
    if site.is_cluster() {
        site.count_all();
    }
    entries
}

fn figures_are_those_of_the_lines(site: &Site) {
    let entries = fed(site);
    let (from, to) = ("2024-02-29", "2024-03-14");
    let period = ["--from", from, "--to", to];
    let keys = right(&entries, from, to, |e| vec![e.product.clone(), e.warehouse.clone()]);
    assert!(keys.len() > 30);
    assert_eq!(rows(&report(site, &period), &["product_id", "warehouse_id"]), keys);
    let by = |groups: &'static str| [&period[..], &["--by", groups]].concat();
    let companies = right(&entries, from, to, |e| vec![e.company.clone()]);
    assert_eq!(rows(&report(site, &by("company")), &["company_id"]), companies);
    let both = right(&entries, from, to, |e| vec![e.company.clone(), e.product.clone()]);
    assert_eq!(rows(&report(site, &by("company,product")), &["company_id", "product_id"]), both);
    let one = [&by("product")[..], &["--warehouse", "W1", "--product", "P3", "--product", "P4"]].concat();
    let some: Vec<Entry> = entries
        .iter()
        .filter(|e| e.warehouse == "W1" && ["P3", "P4"].contains(&e.product.as_str()))
        .cloned()
        .collect();
    assert_eq!(
        rows(&report(site, &one), &["product_id"]),
        right(&some, from, to, |e| vec![e.product.clone()])
    );
    // Time groups: each with its own opening and closing.
    let shown = rows(&report(site, &by("day")), &["day"]);
    let mut days = Rows::new();
    for day in day_number(from)..=day_number(to) {
        let day = day_text(day);
        days.extend(right(&entries, &day, &day, |_| vec![day.clone()]));
    }
    assert_eq!(shown, days);
    let weeks =
        rows(&report(site, &["--from", "2024-02-26", "--to", "2024-03-10", "--by", "week"]), &["week"]);
    let mut right_weeks = right(&entries, "2024-02-26", "2024-03-03", |_| vec!["2024-W09".to_owned()]);
    right_weeks.extend(right(&entries, "2024-03-04", "2024-03-10", |_| vec!["2024-W10".to_owned()]));
    assert_eq!(weeks, right_weeks);
    let months = rows(&report(site, &by("warehouse,month")), &["warehouse_id", "month"]);
    let name = |month: &'static str| move |e: &Entry| vec![e.warehouse.clone(), month.to_owned()];
    let mut right_months = right(&entries, from, "2024-02-29", name("2024-02"));
    right_months.extend(right(&entries, "2024-03-01", to, name("2024-03")));
    assert_eq!(months, right_months);
    // A late entry for a day that was reported already.
    let late = Entry {
        time: "2024-02-11 09:30:00".into(),
        quantity: 1_000,
        drcr: 1,
        entry_id: None,
        ..entries[0].clone()
    };
    site.send(&feed::lines(std::slice::from_ref(&late)), 0);
    if site.is_cluster() {
        site.count_all();
    }
    let more = [entries, vec![late]].concat();
    let keys = right(&more, from, to, |e| vec![e.product.clone(), e.warehouse.clone()]);
    assert_eq!(rows(&report(site, &period), &["product_id", "warehouse_id"]), keys);
    files_hold_the_same(site, &period, &keys);
    the_chart_is_drawn(site, &period);
    the_paper_holds_the_same(site, &period, &keys);
}

/// A PDF's pages without blanks, as an extractor of text reads them.
fn read(path: &str) -> Vec<String> {
    let pages = pdf_extract::extract_text_by_pages(path).unwrap();
    pages.iter().map(|page| page.split_whitespace().collect()).collect()
}

fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    format!("{}{}", if number < 0 { "-" } else { "" }, parts.join(","))
}

/// The printed report: its rows with today's names, its totals above and below, its pages, its chart, in both languages.
fn the_paper_holds_the_same(site: &Site, period: &[&str], keys: &Rows) {
    let file = |name: &str| site.daemon.dir.join(name).display().to_string();
    let (named, portrait, landscape, chart) =
        (file("named.csv"), file("hoch.pdf"), file("quer.pdf"), file("days.pdf"));
    std::fs::write(&named, "product_id,name\nP1,不锈钢螺栓 M8\nP2,苹果\n").unwrap();
    site.daemon.call(&["catalog", "import", &named], "").expect(0);
    let print = |path: &str, more: &[&str]| {
        site.daemon.call(&[&["report"], period, &["--pdf", path], more].concat(), "").expect(0);
        read(path)
    };
    let name = |id: &str| match id {
        "P1" => "不锈钢螺栓M8".to_owned(),
        "P2" => "苹果".to_owned(),
        other => other.to_owned(),
    };
    let sums = keys.values().fold([0; 4], |sum, row| [0, 1, 2, 3].map(|at| sum[at] + row[at])).map(grouped);
    let titles = "产品产品名称仓库仓库名称期初入库出库期末";
    let pages = print(&portrait, &["--language", "zh", "--chart", &chart]);
    for (at, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("第{}页，共{}页", at + 1, pages.len())), "{page}");
        assert_eq!(page.matches(titles).count(), 1, "{page}");
    }
    let all = pages.concat();
    for (ids, figures) in keys {
        let row = [&ids[0], &name(&ids[0]), &ids[1], &ids[1], &figures.map(grouped).concat()];
        let row = row.map(String::as_str).concat();
        assert!(all.contains(&row), "{row} is not in {all}");
    }
    assert!(all.contains(&format!("合计{}", sums.concat())), "{all}");
    let above: String = ["期初", "入库", "出库", "期末"]
        .iter()
        .zip(&sums)
        .map(|(word, sum)| format!("{word}{sum}"))
        .collect();
    for word in ["库存时段报表", "2024-02-29至2024-03-14", "每日进出", &above] {
        assert!(pages[0].contains(word), "{word} is not in {}", pages[0]);
    }
    let pages = print(&landscape, &["--landscape", "--warehouse", "W1"]);
    assert!(
        pages[0].contains("InventoryreportTwinstock") && pages[0].contains("WarehousesW1"),
        "{}",
        pages[0]
    );
    assert!(pages[0].contains(&format!("Page1of{}", pages.len())), "{}", pages[0]);
    assert!(!pages.concat().contains("W2"));
    let drawn = read(&chart);
    assert!(
        drawn.len() == 1 && drawn[0].contains("入库出库期末") && drawn[0].contains("2024-02-29"),
        "{drawn:?}"
    );
    let left: Vec<_> =
        std::fs::read_dir(&site.daemon.dir).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
    for path in [portrait, landscape] {
        assert!(std::fs::metadata(&path).unwrap().len() < 150_000, "{path}: a font that is no subset");
    }
}

/// The chart of a period: every day of it stands in the picture, in the language that was asked for.
fn the_chart_is_drawn(site: &Site, period: &[&str]) {
    let file = |name: &str| site.daemon.dir.join(name).display().to_string();
    let (svg, png) = (file("days.svg"), file("days.png"));
    let draw = |path: &str, more: &[&str]| {
        let args = [&["report"], period, &["--chart", path], more].concat();
        site.daemon.call(&args, "").expect(0);
    };
    draw(&svg, &["--language", "zh"]);
    let picture = std::fs::read_to_string(&svg).unwrap();
    assert!(
        picture.trim_start().starts_with("<svg") && picture.trim_end().ends_with("</svg>"),
        "{picture:.200}"
    );
    for word in ["入库", "出库", "期末"] {
        assert!(picture.contains(word), "{word} is missing");
    }
    draw(&png, &[]);
    let pixels = std::fs::read(&png).unwrap();
    assert_eq!(pixels[..8], *b"\x89PNG\r\n\x1a\n");
    let wide = u32::from_be_bytes(pixels[16..20].try_into().unwrap());
    assert_eq!(wide, 2_400, "twice the picture's width");
    let refused = [&["report"], period, &["--chart", "/no/such/folder/days.svg"]].concat();
    let said = site.daemon.call(&refused, "").expect(2).stderr;
    assert!(said.contains("/no/such/folder/days.svg"), "{said}");
}

fn files_hold_the_same(site: &Site, period: &[&str], keys: &Rows) {
    let file = |name: &str| site.daemon.dir.join(name).display().to_string();
    let (csv, xlsx) = (file("report.csv"), file("report.xlsx"));
    let args = [&["report"], period, &["--csv", &csv, "--xlsx", &xlsx, "--language", "zh"]].concat();
    site.daemon.call(&args, "").expect(0);
    let text = std::fs::read_to_string(&csv).unwrap();
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("product_id,warehouse_id,opening,in,out,closing"));
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let figures: Vec<i64> = cells[2..].iter().map(|cell| cell.parse().unwrap()).collect();
        (vec![cells[0].to_owned(), cells[1].to_owned()], figures.try_into().unwrap())
    };
    assert_eq!(&lines.map(line).collect::<Rows>(), keys);
    let mut book: Xlsx<_> = open_workbook(&xlsx).unwrap();
    let sheet = book.worksheet_range("时段报表").unwrap();
    let mut sheet = sheet.rows();
    let header: Vec<String> = sheet.next().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(header, ["产品", "产品名称", "仓库", "仓库名称", "期初", "入库", "出库", "期末"]);
    let number = |cell: &Data| match cell {
        Data::Float(number) => *number as i64,
        other => panic!("{other:?} is no number"),
    };
    let mut found: Rows = sheet
        .map(|row| {
            let figures = [4, 5, 6, 7].map(|at| number(&row[at]));
            (vec![row[0].to_string(), row[2].to_string()], figures)
        })
        .collect();
    let total = found.remove(&vec!["合计".to_owned(), String::new()]).unwrap();
    let sums = keys.values().fold([0; 4], |sum, row| [0, 1, 2, 3].map(|at| sum[at] + row[at]));
    assert_eq!(total, sums);
    assert_eq!(&found, keys);
}

#[test]
fn figures_are_those_of_the_lines_standalone() {
    figures_are_those_of_the_lines(&Site::standalone());
}

#[test]
fn figures_are_those_of_the_lines_in_a_cluster() {
    figures_are_those_of_the_lines(&Site::cluster("report"));
}

/// Totals and rows that somebody changed, reported, and set right by a replay: the report is right again.
fn a_replay_sets_reports_right(site: &Site) {
    let entries = fed(site);
    let (from, to) = ("2024-02-01", "2024-03-20");
    let figures = |by: &'static str, field: &'static str| {
        rows(&report(site, &["--from", from, "--to", to, "--by", by]), &[field])
    };
    let companies = right(&entries, from, to, |e| vec![e.company.clone()]);
    let products = right(&entries, from, to, |e| vec![e.product.clone()]);
    let db = site.ledger();
    db.run("UPDATE day_totals SET in_quantity = in_quantity + 9 WHERE day = '2024-02-15'");
    let table = db
        .rows("SELECT table_name FROM ledger_tables WHERE first_day = '2024-02-16'")
        .remove(0)
        .remove(0)
        .unwrap();
    db.run(&format!("UPDATE {table} SET company_id = 'nobody'"));
    drop(db);
    assert_ne!(figures("product", "product_id"), products);
    assert_ne!(figures("company", "company_id"), companies);
    site.daemon.call(&["replay", "--apply"], "").expect(0);
    assert_eq!(figures("product", "product_id"), products);
    assert_eq!(figures("company", "company_id"), companies);
}

#[test]
fn a_replay_sets_reports_right_standalone() {
    a_replay_sets_reports_right(&Site::standalone());
}

#[test]
fn a_replay_sets_reports_right_in_a_cluster() {
    a_replay_sets_reports_right(&Site::cluster("replayed"));
}

/// Nights on which clocks are put forward or back somewhere: the hour that is skipped there, and the one that comes twice.
#[test]
fn a_day_is_a_day_in_every_zone() {
    let site = Site::standalone();
    site.init();
    let nights = ["2024-03-10 02:30:00", "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-11-03 01:30:00"];
    let model = feed::entries(3, 1, &Shape::default()).remove(0);
    let entries: Vec<Entry> = nights
        .iter()
        .flat_map(|night| {
            let day = &night[..10];
            [format!("{day} 00:00:00"), (*night).to_owned(), format!("{day} 23:59:59")]
        })
        .zip(1..)
        .map(|(time, quantity)| Entry { time, quantity, drcr: 1, entry_id: None, ..model.clone() })
        .collect();
    let zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Pacific/Kiritimati"];
    let in_zone = |zone: &str, args: &[&str], input: &str| {
        let mut command = site.daemon.command(args);
        command.env("TZ", zone);
        tests::daemon::finish(command, input.as_bytes(), std::time::Duration::from_secs(120)).expect(0)
    };
    for (zone, some) in zones.iter().zip(entries.chunks(3)) {
        in_zone(zone, &["send", "-"], &feed::lines(some));
    }
    let mut days = Rows::new();
    for night in nights {
        let day = &night[..10];
        days.extend(
            right(&entries, day, day, |e| vec![e.day().to_owned()])
                .into_iter()
                .filter(|(id, _)| id[0] == day),
        );
    }
    let whole = right(&entries, "2024-03-10", "2024-11-03", |e| vec![e.product.clone()]);
    for zone in zones {
        let told = |by: &str, from: &str, to: &str| {
            in_zone(zone, &["report", "--json", "--from", from, "--to", to, "--by", by], "").json()
        };
        for night in nights {
            let day = &night[..10];
            let shown = rows(&told("day", day, day), &["day"]);
            let moved = days[&vec![day.to_owned()]];
            assert_eq!(shown[&vec![day.to_owned()]][1..3], moved[1..3], "{zone}");
            // The very second, and only it.
            let shown = rows(&told("product", night, night), &["product_id"]);
            let second: i64 = entries.iter().filter(|e| e.time == night).map(|e| e.quantity).sum();
            assert_eq!(shown[&vec![model.product.clone()]][1], second, "{zone} {night}");
        }
        assert_eq!(rows(&told("product", "2024-03-10", "2024-11-03"), &["product_id"]), whole, "{zone}");
    }
}

#[test]
fn what_has_no_meaning_is_refused() {
    let site = Site::standalone();
    site.init();
    for args in [
        &["--from", "2024-03-01"][..],
        &["--from", "2024-03-02", "--to", "2024-03-01"],
        &["--from", "2024-02-30", "--to", "2024-03-01"],
        &["--from", "2024-03-01", "--to", "2024-03-01", "--by", "colour"],
        &["--from", "2024-03-01", "--to", "2024-03-01", "--by", "week,month"],
        &["--from", "2024-03-01", "--to", "2024-03-01", "--csv", "/nowhere/at/all.csv"],
        &["--from", "2024-03-01", "--to", "2024-03-01", "--pdf", "/nowhere/at/all.pdf"],
        &["--from", "2024-03-01", "--to", "2024-03-01", "--landscape"],
    ] {
        let said = site.daemon.call(&[&["report"], args].concat(), "").expect(2);
        assert!(!said.stderr.is_empty(), "{args:?}");
    }
    assert_eq!(report(&site, &["--from", "2024-03-01", "--to", "2024-03-01"]), serde_json::json!([]));
    std::fs::write(site.daemon.dir.join("w.csv"), "warehouse_id,name\nW1,上海\n").unwrap();
    let file = site.daemon.dir.join("w.csv").display().to_string();
    site.daemon.call(&["catalog", "import", &file], "").expect(0);
    let all = report(&site, &["--from", "2024-03-01", "--to", "2024-03-01", "--by", "warehouse", "--all"]);
    assert_eq!(rows(&all, &["warehouse_id"]), Rows::from([(vec!["W1".to_owned()], [0; 4])]));
    let plain =
        site.daemon.call(&["report", "--from", "2024-03-01", "--to", "2024-03-01 12:00:00"], "").expect(0);
    assert!(plain.stdout.contains("opening") && plain.stdout.contains("total"), "{}", plain.stdout);
}
