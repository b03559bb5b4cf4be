//! The audit's log as CSV, workbook and printed paper: each opened again, with the very lines that the ledger keeps, chosen
//! by who and when, in both languages.

use calamine::{Data, Reader, Xlsx, open_workbook};
use tests::feed::{self, Shape};
use tests::site::Site;

/// Two audits of which the second finds less: one balance that somebody changed by hand, then another.
fn audited(site: &Site) {
    site.init();
    site.send(&feed::lines(&feed::entries(11, 300, &Shape::default())), 0);
    if site.is_cluster() {
        site.count_all();
    }
    let names = site.daemon.dir.join("names.csv");
    std::fs::write(&names, "product_id,name\nP1,不锈钢螺栓\nP2,苹果\n").unwrap();
    site.daemon.call(&["catalog", "import", &names.display().to_string()], "").expect(0);
    for (product, by) in [("P1", 5), ("P2", 7)] {
        let db = site.ledger();
        let changed = db.run(&format!(
            "UPDATE balances SET quantity = quantity + {by} WHERE product_id = '{product}' AND warehouse_id = 'W1'"
        ));
        assert!(changed > 0);
        db.close();
        site.daemon.call(&["audit"], "").expect(1);
    }
}

struct Files<'s>(&'s Site);

impl Files<'_> {
    fn path(&self, name: &str) -> String {
        self.0.daemon.dir.join(name).display().to_string()
    }

    fn write(&self, name: &str, more: &[&str]) -> String {
        let path = self.path(name);
        let said = self.0.daemon.call(&[&["audit", "--log", &path], more].concat(), "").expect(0);
        assert!(said.stderr.contains(&format!("{path} is written")), "{}", said.stderr);
        path
    }

    fn csv(&self, name: &str, more: &[&str]) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.write(name, more)).unwrap();
        let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
        let split = |line: &str| line.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect();
        text.lines().map(split).collect()
    }
}

fn the_log_is_written(site: &Site) {
    audited(site);
    let files = Files(site);
    let lines = files.csv("log.csv", &[]);
    let kept: usize = {
        let db = site.ledger();
        let count = db.rows("SELECT COUNT(*) FROM audit_log").remove(0).remove(0).unwrap().parse().unwrap();
        db.close();
        count
    };
    assert!(kept >= 3 && lines.len() == kept + 1, "{kept} kept, {lines:#?}");
    assert_eq!(lines[0][..5], ["audit_id", "time", "kind", "trigger", "who"]);
    assert!(lines[1..].iter().all(|line| line[2] == "quick" && line[3] == "command"));
    assert!(lines.iter().any(|line| line[5] == "W1:P1" && line[9] == "不锈钢螺栓"), "{lines:#?}");
    a_workbook_has_the_same(&files, &lines);
    paper_has_the_same(&files, &lines);
    let who = lines[1][4].clone();
    assert_eq!(files.csv("who.csv", &["--who", &who[..4]]).len(), kept + 1);
    assert_eq!(files.csv("nobody.csv", &["--who", "nobody at all"]).len(), 1);
    let today = &lines[1][1][..10];
    assert_eq!(files.csv("today.csv", &["--from", today]).len(), kept + 1);
    assert_eq!(files.csv("later.csv", &["--from", "2199-01-01"]).len(), 1);
    assert_eq!(files.csv("earlier.csv", &["--to", "2001-01-01"]).len(), 1);
    let one = files.csv("one.csv", &["--subject", "W1:P2"]);
    assert!(one.len() > 1 && one[1..].iter().all(|line| line[5].contains("W1:P2")), "{one:#?}");
    let empty = pdf_extract::extract_text(files.write("none.pdf", &["--who", "nobody"])).unwrap();
    assert!(empty.contains("Nothing to show") && empty.contains("nobody"), "{empty}");
    for wrong in [&["--log", "log.txt"][..], &["--log", "log.csv", "--full"], &["--who", "me"]] {
        site.daemon.call(&[&["audit"], wrong].concat(), "").expect(2);
    }
}

fn a_workbook_has_the_same(files: &Files<'_>, lines: &[Vec<String>]) {
    let mut book: Xlsx<_> = open_workbook(files.write("log.xlsx", &["--language", "zh"])).unwrap();
    let sheet = book.worksheet_range("审计日志").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().collect();
    assert_eq!(rows.len(), lines.len());
    assert_eq!(rows[0][4].to_string(), "执行人");
    for (row, line) in rows.iter().zip(lines).skip(1) {
        for (at, cell) in line[..17].iter().enumerate().filter(|(at, _)| ![2, 3].contains(at)) {
            assert_eq!(row[at].to_string(), *cell, "column {at}");
        }
        for at in [0, 14, 15, 16] {
            assert!(matches!(row[at], Data::Float(_)), "{:?} is no number", row[at]);
        }
        assert_eq!([row[2].to_string(), row[3].to_string()], ["快速审计", "命令行"]);
        assert_ne!(row[17].to_string(), line[17], "a cause in words");
    }
}

fn paper_has_the_same(files: &Files<'_>, lines: &[Vec<String>]) {
    let pages = pdf_extract::extract_text_by_pages(files.write("log.pdf", &["--language", "zh"])).unwrap();
    let pages: Vec<String> = pages.iter().map(|page| page.split_whitespace().collect()).collect();
    assert!(pages[0].contains("审计日志") && pages[0].contains("全部日志"), "{}", pages[0]);
    assert!(pages[0].contains(&format!("第1页，共{}页", pages.len())));
    let all = pages.concat();
    let mut rest = all.as_str();
    for line in &lines[1..] {
        let time: String = line[1].split_whitespace().collect();
        let found = rest.find(&time).unwrap_or_else(|| panic!("{time} is missing in {rest}"));
        rest = &rest[found + time.len()..];
        for at in [5, 11] {
            let words: String = line[at].split_whitespace().collect();
            assert!(rest.contains(&words), "{words} is missing in {rest}");
        }
        let numbers: String = [14, 15, 16].map(|at| grouped(&line[at])).concat();
        assert!(rest.contains(&numbers), "{numbers} is missing in {rest}");
    }
}

fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let parts = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap());
    format!("{sign}{}", parts.collect::<Vec<_>>().join(","))
}

#[test]
fn the_log_is_written_standalone() {
    the_log_is_written(&Site::standalone());
}

#[test]
fn the_log_is_written_in_a_cluster() {
    the_log_is_written(&Site::cluster("logfiles"));
}
