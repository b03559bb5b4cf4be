//! Printed tables, opened again by a reader of PDFs: every word and figure in the order of the rows, titles on each
//! page, fonts that are subsets, pictures that are drawn; what has no font is said, and nothing half done is left.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDateTime;
use inventory::domain::error::{Code, Result};
use inventory::report::chart::{self, Look, Theme};
use inventory::report::fonts::Fonts;
use inventory::report::print::{Heading, Paper, PdfTable};
use inventory::report::{Cell, Figures, Row, Table};
use pdf_extract::content::Content;
use pdf_extract::{Document, Object};

fn made() -> NaiveDateTime {
    "2026-11-25T08:30:05".parse().unwrap()
}

fn fonts() -> Fonts {
    Fonts::of_this_machine().expect("the machine that tests has fonts")
}

/// Pages without blanks.
fn read(path: &Path) -> Vec<String> {
    let pages = pdf_extract::extract_text_by_pages(path).unwrap();
    pages.iter().map(|page| page.split_whitespace().collect()).collect()
}

fn table(path: &Path, landscape: bool, language: &str, fonts: &Fonts) -> PdfTable {
    let facts = vec![("仓库".to_owned(), "全部".to_owned())];
    let heading = Heading::new("库存清单", facts, language, made());
    PdfTable::create(path, Paper { landscape }, heading, fonts).unwrap()
}

const NAMES: [&str; 5] = ["不锈钢六角螺栓", "苹果", "Hex bolt", "防水胶带《大》", "LED 灯泡"];

fn fill(table: &mut PdfTable, rows: i64) -> Result<()> {
    table.header(&["编号", "名称", "数量"].map(str::to_owned))?;
    for at in 0..rows {
        let name = NAMES[usize::try_from(at % 5).unwrap()];
        table.row(&[Cell::Text(&format!("P{at:06}")), Cell::Text(name), Cell::Number(at * 1001 - 5_000)])?;
    }
    table.totals(&[Cell::Text("合计"), Cell::Text(""), Cell::Number(i64::MIN)])
}

fn grouped(number: i64) -> String {
    let mut text = String::new();
    for (at, digit) in number.unsigned_abs().to_string().chars().rev().enumerate() {
        if at > 0 && at % 3 == 0 {
            text.insert(0, ',');
        }
        text.insert(0, digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[test]
fn every_row_is_read_again_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let fonts = fonts();
    for (landscape, language, foot) in [(false, "zh", "第1页，共"), (true, "en", "Page1of")] {
        let path = folder.path().join(format!("{language}.pdf"));
        let mut printed = table(&path, landscape, language, &fonts);
        fill(&mut printed, 1_300).unwrap();
        printed.finish().unwrap();
        let pages = read(&path);
        assert!(pages.len() > 20, "{}", pages.len());
        assert!(pages[0].contains(&format!("{foot}{}", pages.len())), "{}", pages[0]);
        assert!(pages.iter().all(|page| page.matches("编号名称数量").count() == 1));
        assert!(pages[0].starts_with("库存清单Twinstock仓库全部"), "{}", pages[0]);
        assert!(pages[0].contains("2026-11-2508:30:05"));
        let all = pages.concat();
        let mut rest = all.as_str();
        for at in 0..1_300 {
            let name = NAMES[usize::try_from(at % 5).unwrap()].replace(' ', "");
            let row = format!("P{at:06}{name}{}", grouped(at * 1001 - 5_000));
            let found = rest.find(&row).unwrap_or_else(|| panic!("{row} is missing in {rest:.300}"));
            rest = &rest[found + row.len()..];
        }
        assert!(rest.contains("合计-9,223,372,036,854,775,808"), "{rest}");
        let document = Document::load(&path).unwrap();
        let (_, page) = document.get_pages().into_iter().next().unwrap();
        let area = document.get_object(page).unwrap().as_dict().unwrap().get(b"MediaBox").unwrap();
        let area: Vec<f32> = area.as_array().unwrap().iter().map(|side| side.as_float().unwrap()).collect();
        assert_eq!(area, if landscape { [0.0, 0.0, 842.0, 595.0] } else { [0.0, 0.0, 595.0, 842.0] });
    }
}

/// Every font is embedded, is a subset by its name, and holds outlines of some kilobytes, not of a whole script.
#[test]
fn fonts_are_subsets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    let mut printed = table(&path, false, "zh", &fonts());
    fill(&mut printed, 40).unwrap();
    printed.finish().unwrap();
    let document = Document::load(&path).unwrap();
    let described: Vec<_> = document
        .objects
        .values()
        .filter_map(|object| object.as_dict().ok())
        .filter(|found| {
            found.get(b"Type").is_ok_and(|kind| *kind == Object::Name(b"FontDescriptor".to_vec()))
        })
        .collect();
    assert!(!described.is_empty());
    for font in described {
        let name = String::from_utf8(font.get(b"FontName").unwrap().as_name().unwrap().to_vec()).unwrap();
        let (tag, rest) = name.split_once('+').expect("the tag of a subset");
        assert!(tag.len() == 6 && tag.bytes().all(|c| c.is_ascii_uppercase()) && !rest.is_empty(), "{name}");
        let outlines = font.get(b"FontFile3").or_else(|_| font.get(b"FontFile2")).unwrap();
        let outlines = document.get_object(outlines.as_reference().unwrap()).unwrap().as_stream().unwrap();
        let bytes = outlines.decompressed_content().unwrap().len();
        assert!((500..60_000).contains(&bytes), "{name}: {bytes} bytes");
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 60_000);
}

/// The file grows row by row; what is kept in memory does not.
#[test]
fn many_rows_take_little_memory() {
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.pdf");
    let mut printed = table(&path, false, "en", &fonts());
    fill(&mut printed, 2_000).unwrap();
    let before = resident();
    for at in 2_000..32_000_i64 {
        let id = format!("P{at:06}");
        printed.row(&[Cell::Text(&id), Cell::Text("不锈钢六角螺栓"), Cell::Number(at)]).unwrap();
    }
    let grown = resident().saturating_sub(before);
    printed.finish().unwrap();
    assert!(grown < 24_000, "{grown} kB for 30,000 rows");
    let document = Document::load(&path).unwrap();
    let pages = document.get_pages();
    assert!(pages.len() > 600, "{}", pages.len());
    let last = u32::try_from(pages.len()).unwrap();
    let text: String = document.extract_text(&[last]).unwrap().split_whitespace().collect();
    assert!(text.contains(&format!("Page{last}of{last}")) && text.contains("P031999"), "{text}");
}

#[test]
fn long_words_and_numbers_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.pdf");
    let mut printed = table(&path, false, "en", &fonts());
    let titles: Vec<String> = (0..14).map(|at| format!("Column {at}")).collect();
    printed.header(&titles).unwrap();
    let name: String = (0..64).map(|at| format!("名{at:03}")).collect();
    let mut cells = vec![Cell::Text(&name); 10];
    cells.extend([Cell::Number(i64::MIN), Cell::Number(i64::MAX), Cell::Number(0), Cell::Number(-1)]);
    printed.row(&cells).unwrap();
    printed.finish().unwrap();
    let all = read(&path).concat();
    assert_eq!(all.matches(&name).count(), 10, "{all}");
    assert!(all.contains("-9,223,372,036,854,775,8089,223,372,036,854,775,8070-1"), "{all}");
}

#[test]
fn a_table_without_rows_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.pdf");
    let mut printed = table(&path, false, "zh", &fonts());
    fill(&mut printed, 0).unwrap();
    printed.finish().unwrap();
    let pages = read(&path);
    assert!(
        pages.len() == 1 && pages[0].contains("没有可显示的数据。") && pages[0].contains("第1页，共1页"),
        "{pages:?}"
    );
}

/// A folder with one font that has Latin letters alone.
fn latin_only(folder: &Path) -> Fonts {
    let mut system = resvg::usvg::fontdb::Database::new();
    system.load_system_fonts();
    let latin = system.faces().find_map(|face| match &face.source {
        resvg::usvg::fontdb::Source::File(path)
            if face.families.iter().any(|(name, _)| name == "DejaVu Sans") =>
        {
            Some(path.clone())
        }
        _ => None,
    });
    let latin = latin.expect("DejaVu Sans is installed (fonts-dejavu-core)");
    std::fs::copy(&latin, folder.join(latin.file_name().unwrap())).unwrap();
    Fonts::of_folder(folder).unwrap()
}

#[test]
fn a_machine_without_chinese_says_what_to_install() {
    let (kept, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let fonts = latin_only(kept.path());
    let heading = Heading::new("List", Vec::new(), "en", made());
    let path = folder.path().join("a.pdf");
    let begin = || PdfTable::create(&path, Paper::default(), heading.clone(), &fonts).unwrap();
    let mut printed = begin();
    printed.header(&["Name".to_owned()]).unwrap();
    printed.row(&[Cell::Text("苹果")]).unwrap();
    let refused = printed.finish().unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    assert!(
        refused.to_string().contains('苹') && refused.to_string().contains("fonts-noto-cjk"),
        "{refused}"
    );
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "half a file is left");
    // Latin alone is printed; a sign that no font draws is named, not boxed.
    let mut printed = begin();
    printed.header(&["Name".to_owned()]).unwrap();
    printed.row(&[Cell::Text("Bolt \u{1f9f2}\u{fe0f} M8")]).unwrap();
    printed.finish().unwrap();
    assert!(read(&path).concat().contains("Bolt[U+1F9F2]M8"));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Fonts::of_folder(empty.path()).err().unwrap().code, Code::NotFound);
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    let mut printed = table(&path, false, "zh", &fonts());
    fill(&mut printed, 900).unwrap();
    drop(printed);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

fn days() -> Vec<Row> {
    let row = |day: i64| Row {
        group: vec![format!("2026-11-{day:02}").into()],
        figures: Figures { opening: 100, inward: day * 10, outward: day * 3, entries: 2 },
    };
    (1..=30).map(row).collect()
}

/// The colours that a page is filled and lined with.
fn colours(document: &Document) -> BTreeSet<[u8; 3]> {
    let (_, page) = document.get_pages().into_iter().next().unwrap();
    let content = Content::decode(&document.get_page_content(page).unwrap()).unwrap();
    let part = |side: &Object| (side.as_float().unwrap() * 255.0).round() as u8;
    let filled = content.operations.iter().filter(|step| ["rg", "RG"].contains(&step.operator.as_str()));
    filled.map(|step| [0, 1, 2].map(|at| part(&step.operands[at]))).collect()
}

#[test]
fn a_chart_is_drawn_alone_and_in_a_report() {
    let theme = Theme::paper();
    let wanted = [theme.inward, theme.outward, theme.closing].map(|colour| [colour.0, colour.1, colour.2]);
    let look = Look { width: 900, height: 420, theme, words: chart::Words::of("zh") };
    let drawn = chart::days(&days().iter().map(chart::Day::of).collect::<Vec<_>>(), &look).unwrap();
    let bytes = chart::pdf(&drawn.svg, "每日进出", "zh-CN", made(), &fonts()).unwrap();
    let document = Document::load_mem(&bytes).unwrap();
    assert_eq!(document.get_pages().len(), 1);
    assert!(wanted.iter().all(|colour| colours(&document).contains(colour)));
    let text: String = pdf_extract::extract_text_from_mem(&bytes).unwrap().split_whitespace().collect();
    for word in ["入库", "出库", "期末", "2026-11-01", "300"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(bytes.len() < 60_000, "{}", bytes.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    let mut printed = table(&path, false, "zh", &fonts()).with_chart();
    assert!(printed.wants_days());
    printed.days(&days()).unwrap();
    fill(&mut printed, 3).unwrap();
    printed.finish().unwrap();
    let inside = colours(&Document::load(&path).unwrap());
    assert!(wanted.iter().all(|colour| inside.contains(colour)), "{inside:?}");
    assert!(read(&path)[0].contains("2026-11-01"));
    // What a page cannot show is refused, not left out.
    for strange in [
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5" fill="#00f" opacity="0.5"/></svg>"##,
        "<svg",
    ] {
        assert_eq!(chart::pdf(strange, "", "en", made(), &fonts()).unwrap_err().code, Code::Invalid);
    }
}
