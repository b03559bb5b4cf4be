//! Long histories: the number of day tables stays within its limit, work stays quick, and nothing that is counted
//! depends on where a row lies.

use std::collections::BTreeMap;
use std::time::Instant;

use tests::feed::{self, Shape};
use tests::load::long;
use tests::site::Site;
use tests::spec::{Entry, day_number, day_text};

const FIRST: &str = "2025-03-10";

/// Every product on every day, once.
fn product_days(products: usize, from: usize, days: usize) -> Vec<Entry> {
    let model = feed::entries(1, 1, &Shape::default()).remove(0);
    let one = |day: usize, product: usize| Entry {
        product: format!("P{product:03}"),
        warehouse: format!("W{}", product % 12),
        quantity: 1 + (day * 31 + product) as i64 % 90,
        drcr: if (day + product) % 4 == 3 { -1 } else { 1 },
        bill: format!("B{day}-{}", product / 8),
        time: format!("{} 08:{:02}:00", day_text(day_number(FIRST) + day as i64), product % 60),
        entry_id: None,
        ..model.clone()
    };
    (from..from + days).flat_map(|day| (0..products).map(move |product| one(day, product))).collect()
}

/// What the processor has spent on children that have ended, in hundredths of a second: other than the clock it does not
/// count what the machine does for others meanwhile.
fn spent() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux counts it here");
    let fields = text.rsplit_once(") ").expect("a name in brackets").1;
    let number = |at: usize| fields.split(' ').nth(at).unwrap().parse::<u64>().unwrap();
    number(13) + number(14)
}

/// What start, posting a bill and reading the stock cost, each done some times.
fn costs(site: &Site, day: usize) -> [u64; 3] {
    let cost = |work: &dyn Fn()| {
        let before = spent();
        (0..COMMANDS).for_each(|_| work());
        (spent() - before).max(1)
    };
    let bill = feed::lines(&product_days(8, day, 1));
    [
        cost(&|| drop(site.daemon.call(&["status", "--json"], ""))),
        cost(&|| drop(site.send(&bill, 0))),
        cost(&|| drop(site.daemon.call(&["stock", "--json"], "").expect(0))),
    ]
}

/// The tables of 36,000 product-days may make a command this many times dearer than those of one day. Without the limit
/// of 2,000 tables SQLite alone would make it fifty times (STACK: a schema of 36,000 tables is read in eight seconds).
const DEARER: u64 = 8;
/// How often a command is repeated, so that hundredths of a second can tell.
const COMMANDS: usize = 6;

#[test]
fn row_40_thousands_of_product_days_stay_quick() {
    let (products, days) = if long() { (1_000, 60) } else { (400, 90) };
    let site = Site::standalone();
    site.init();
    site.send(&feed::lines(&product_days(products, 0, 1)), 0);
    let first = costs(&site, 0);
    for day in (1..days).step_by(10) {
        site.send(&feed::lines(&product_days(products, day, 10.min(days - day))), 0);
    }
    let last = costs(&site, days - 1);
    for (name, (first, last)) in ["status", "send", "stock"].into_iter().zip(first.into_iter().zip(last)) {
        eprintln!(
            "{name}: {first} on the first day, {last} after all product-days (1/100 s, {COMMANDS} times)"
        );
        assert!(
            last <= DEARER * first,
            "{name} costs {last} after all product-days, {first} on the first day"
        );
    }
    site.must_be_right();
    let snapshot = site.snapshot();
    let open: Vec<_> = snapshot.tables.iter().filter(|table| table.product.is_some()).collect();
    assert!(open.len() <= 2_000, "{} day tables", open.len());
    assert!(!open.is_empty(), "the newest days have their own tables");
    assert_eq!(snapshot.rows.len(), products * days + 2 * 8 * COMMANDS);
}

/// What may not depend on where rows lie.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    rows: Vec<(Entry, i64)>,
    totals: BTreeMap<(String, String, String), [i64; 3]>,
    balances: BTreeMap<(i64, String, String), [i64; 3]>,
    stock: BTreeMap<String, i64>,
}

fn contents(site: &Site) -> Contents {
    let snapshot = site.snapshot();
    let mut rows: Vec<(Entry, i64)> =
        snapshot.rows.into_iter().map(|row| (Entry { entry_id: None, ..row.entry }, row.offset)).collect();
    rows.sort();
    let stock = snapshot.stock.iter().filter(|(key, _)| key.contains(':')).map(|(key, value)| {
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        (key.clone(), value["base"].as_i64().unwrap() + value["change"].as_i64().unwrap())
    });
    let stock = stock.collect();
    let (totals, balances) = (snapshot.totals.into_iter().collect(), snapshot.balances.into_iter().collect());
    Contents { rows, totals, balances, stock }
}

/// Feeds the same history in the same pieces and tells what came out, and how many day tables there are.
fn with_limit(site: &mut Site, limit: usize, products: usize, days: usize) -> (Contents, usize) {
    let started = Instant::now();
    site.set("ledger", "day_tables", limit);
    site.set("kafka", "partitions", 1);
    site.init();
    let feed_and_count = |entries: &[Entry]| {
        site.send(&feed::lines(entries), 0);
        if site.is_cluster() {
            site.count_all();
        }
    };
    feed_and_count(&product_days(products, 0, days / 2));
    feed_and_count(&product_days(products, days / 2, days - days / 2));
    // Late entries, into days long compacted.
    feed_and_count(&product_days(products, 0, 2));
    site.must_be_right();
    let tables = site.snapshot().tables.iter().filter(|table| table.product.is_some()).count();
    eprintln!("limit {limit}: {:.1?}", started.elapsed());
    (contents(site), tables)
}

fn limits_change_nothing(site: &dyn Fn() -> Site, products: usize, days: usize) {
    let (none, no_tables) = with_limit(&mut site(), 0, products, days);
    let (few, few_tables) = with_limit(&mut site(), 50, products, days);
    let (many, many_tables) = with_limit(&mut site(), 20_000, products, days);
    assert_eq!(no_tables, 0);
    assert!(few_tables <= 50 && few_tables > 0, "{few_tables}");
    assert_eq!(many_tables, products * days);
    assert!(none == few, "0 and 50 day tables differ");
    assert!(few == many, "50 and 20,000 day tables differ");
}

#[test]
fn row_40_day_tables_0_50_20000_give_the_same_standalone() {
    limits_change_nothing(&Site::standalone, 20, 40);
}

#[test]
fn row_40_day_tables_0_50_20000_give_the_same_in_mariadb() {
    limits_change_nothing(&|| Site::cluster("tables"), 10, 16);
}

#[test]
fn row_49_compaction_by_hand_changes_nothing() {
    let site = Site::standalone();
    site.init();
    site.send(&feed::lines(&product_days(10, 0, 20)), 0);
    let before = contents(&site);
    site.daemon.call(&["compact", "--before", "2025-03-20"], "").expect(0);
    site.must_be_right();
    assert!(before == contents(&site), "compacting changed what is counted");
    let compacted = site.snapshot().days.values().filter(|state| *state == "compacted").count();
    assert_eq!(compacted, 10);
    site.daemon.call(&["compact", "--before", "2025-03-12"], "").expect(0);
    site.must_be_right();
    assert_eq!(site.snapshot().days.values().filter(|state| *state == "compacted").count(), 10);
}

#[test]
fn history_imported_behind_a_boundary_makes_no_day_tables() {
    let site = Site::standalone();
    site.init();
    site.daemon.call(&["compact", "--before", "2025-04-01"], "").expect(0);
    site.send(&feed::lines(&product_days(50, 0, 30)), 0);
    site.must_be_right();
    let tables = site.snapshot().tables;
    let days = tables.iter().filter(|table| table.product.is_some()).count();
    // 10 March and 30 days: only the last 8 are not before the boundary.
    assert_eq!(days, 50 * 8, "{tables:?}");
}
