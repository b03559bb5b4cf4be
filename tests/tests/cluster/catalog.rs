//! The catalogue by CSV: told by its header, all errors at once and nothing imported then, and back out again.
//! Slugs are unique, of plain letters, and never move.

use tests::daemon::Output;
use tests::feed::{self, Shape};
use tests::site::Site;
use tests::spec::Entry;

fn import(site: &Site, text: &str) -> Output {
    let file = site.daemon.dir.join("catalog.csv");
    std::fs::write(&file, text).unwrap();
    site.daemon.call(&["catalog", "import", &file.display().to_string()], "")
}

fn export(site: &Site, kind: &str) -> String {
    site.daemon.call(&["catalog", "export", "-", "--kind", kind], "").expect(0).stdout
}

#[test]
fn what_is_imported_can_be_exported() {
    let site = Site::standalone();
    site.init();
    import(&site, "product_id,name,barcode,unit,category,minimum\nP1,\"苹果, 红\",690,箱,水果,5\nP2,\"A \"\"q\"\"\",,,,\n").expect(0);
    import(&site, "\u{feff}warehouse_id,name\r\nW1,上海\r\nW2,Berlin\r\n").expect(0);
    import(&site, "company_id,name\nC1,Müller & Söhne\n").expect(0);
    for (kind, words) in [
        ("products", vec!["P1,\"苹果, 红\",690,箱,水果,5", "P2,\"A \"\"q\"\"\""]),
        ("warehouses", vec!["W1,上海", "W2,Berlin"]),
        ("companies", vec!["C1,Müller & Söhne"]),
    ] {
        let text = export(&site, kind);
        assert!(words.iter().all(|word| text.contains(word)), "{kind}: {text}");
        import(&site, &text).expect(0);
        assert_eq!(export(&site, kind), text, "importing what was exported changes nothing");
    }
}

#[test]
fn all_errors_are_told_at_once_and_nothing_is_imported() {
    let site = Site::standalone();
    site.init();
    let said =
        import(&site, "product_id,name,minimum\nP1,one,1\n,two,2\nP3,three,x\nP\u{7}4,four,4\nP1,five,5\n");
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    let words = said.stdout + &said.stderr;
    for line in ["3", "4", "5", "6"] {
        assert!(words.contains(&format!("line {line}")), "line {line} is not named: {words}");
    }
    assert!(!export(&site, "products").contains("one"));
    assert_eq!(import(&site, "nonsense,header\n1,2\n").code, Some(2));
}

#[test]
fn row_30_slugs_are_plain_unique_and_stay() {
    let site = Site::standalone();
    site.init();
    import(
        &site,
        "product_id,name\n1,A-1\n2,A_1\n3,苹果\n4,平果\n5,\n6,'; DROP TABLE x; --\n7,APPLE\n8,apple\n",
    )
    .code
    .unwrap();
    let long = "长".repeat(200);
    import(&site, &format!("product_id,name\n1,A-1\n2,A_1\n3,苹果\n4,平果\n6,'; DROP TABLE x; --\n7,APPLE\n8,apple\n9,{long}\n10,{long}\n"))
        .expect(0);
    let model = feed::entries(1, 1, &Shape::default()).remove(0);
    let entries: Vec<Entry> =
        (1..=11).map(|id| Entry { product: id.to_string(), entry_id: None, ..model.clone() }).collect();
    site.send(&feed::lines(&entries), 0);
    site.must_be_right();
    let before = site.snapshot().slugs;
    let mut slugs: Vec<&String> = before.values().collect();
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), before.len(), "{before:?}");
    for slug in &slugs {
        let plain = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(plain && (1..=50).contains(&slug.len()), "{slug}");
    }
    assert_eq!((before["3"].as_str(), before["4"].as_str()), ("pingguo", "pingguo_2"));
    import(&site, "product_id,name\n3,梨\n4,苹果\n").expect(0);
    site.send(&feed::lines(&entries), 0);
    site.must_be_right();
    assert_eq!(before, site.snapshot().slugs);
}
