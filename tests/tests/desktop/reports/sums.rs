//! What the figures of a report must be: sums over the rows of the day tables, by SQL; and numbers as the screen writes
//! them.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use tests::site::Site;

/// Opening, in, out, closing, entries.
pub type Figures = [i64; 5];
/// Figures by product and warehouse.
pub type Rows = BTreeMap<(String, String), Figures>;

/// The day on the desktop's calendar.
pub fn today() -> NaiveDate {
    chrono::Local::now().date_naive()
}

/// So many days before it.
pub fn ago(days: u64) -> String {
    (today() - Days::new(days)).to_string()
}

/// The rows of the day tables themselves, summed up by SQL: nothing of ours but the tables' columns.
pub fn summed(site: &Site, first: &str, last: &str) -> Rows {
    let db = site.ledger();
    let mut rows = Rows::new();
    for table in db.tables().into_iter().filter(|name| name.starts_with("t_")) {
        let [opening, inward, outward, count] = [
            format!("CASE WHEN create_time < '{first} 00:00:00' THEN quantity * drcr ELSE 0 END"),
            format!("CASE WHEN create_time >= '{first} 00:00:00' AND drcr = 1 THEN quantity ELSE 0 END"),
            format!("CASE WHEN create_time >= '{first} 00:00:00' AND drcr = -1 THEN quantity ELSE 0 END"),
            format!("CASE WHEN create_time >= '{first} 00:00:00' THEN 1 ELSE 0 END"),
        ]
        .map(|sum| db.text(&format!("SUM({sum})")));
        let sql = format!(
            "SELECT {}, {}, {opening}, {inward}, {outward}, {count} FROM {table} \
             WHERE create_time <= '{last} 23:59:59' GROUP BY product_id, warehouse_id",
            db.text("product_id"),
            db.text("warehouse_id")
        );
        for line in db.rows(&sql) {
            let text = |at: usize| line[at].clone().unwrap();
            let number = |at: usize| text(at).parse::<i64>().unwrap();
            let row = rows.entry((text(0), text(1))).or_default();
            for (at, part) in [number(2), number(3), number(4), 0, number(5)].into_iter().enumerate() {
                row[at] += part;
            }
            row[3] = row[0] + row[1] - row[2];
        }
    }
    db.close();
    rows.retain(|_, figures| figures[0] != 0 || figures[4] != 0);
    rows
}

/// All of them together.
pub fn whole(rows: &Rows) -> Figures {
    rows.values().fold([0; 5], |sum, row| std::array::from_fn(|at| sum[at] + row[at]))
}

/// A number as the screen shows it: separators and the sign of its column off, a real minus of a balance kept.
pub fn number(text: &str, is_balance: bool) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number: i64 = digits.parse().unwrap_or_else(|_| panic!("{text:?} is no number"));
    if is_balance && text.contains('−') { -number } else { number }
}

/// Five cells as numbers.
pub fn figures(cells: &[String]) -> Figures {
    std::array::from_fn(|at| number(&cells[at], at == 0 || at == 3))
}

/// As it is printed: 1,234 and a real minus.
pub fn separated(number: i64) -> String {
    let digits = number.abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("−{text}") } else { text }
}
