//! A day table that is dropped under a writer that goes on filling it. The writer makes it anew at once, so an audit
//! finds the table gone or, once it stands again, what is missing of every key in it: both are true.

use std::collections::BTreeSet;

use crate::plants::Expected;
use crate::sql::Db;

/// One finding of an audit: subject, cause, store, action.
type Line = (String, String, String, String);

/// What stood in such a table at the last moment.
#[derive(Debug, Clone)]
pub struct Dropped {
    table: String,
    keys: BTreeSet<String>,
    places: BTreeSet<(i64, i64)>,
}

impl Dropped {
    /// Reads what stands in it and drops it, by a statement that is repeated where the writer is in its way.
    pub fn drop(db: &Db, table: &str, persist: impl Fn(&Db, &str)) -> Dropped {
        let places = places(db, table);
        let [warehouse, product] = ["warehouse_id", "product_id"].map(|name| db.text(name));
        let keys = db.rows(&format!("SELECT DISTINCT {warehouse}, {product} FROM {table}"));
        let text = |column: &Option<String>| column.clone().expect("a name");
        let keys = keys.iter().map(|line| format!("{}:{}", text(&line[0]), text(&line[1]))).collect();
        persist(db, &format!("DROP TABLE {table}"));
        Dropped { table: table.to_owned(), keys, places }
    }

    /// Demands that an audit named it in one of the two ways, held it against the ledger, and did nothing at once.
    pub fn must_be_told(&self, planted: &Expected, lines: &[Line]) {
        let about: Vec<&Line> = lines
            .iter()
            .filter(|(subject, ..)| planted.subjects.contains(subject) || planted.also.contains(subject))
            .collect();
        for line @ (subject, cause, store, action) in &about {
            let wanted = if *subject == self.table { "table_missing" } else { "row_missing" };
            assert_eq!(
                (&**cause, &**store, &**action),
                (wanted, "ledger", "proposed"),
                "{line:?} in {about:#?}"
            );
        }
        let named = |subject: &String| about.iter().any(|(told, ..)| told == subject);
        assert!(
            named(&self.table) || self.keys.iter().all(named),
            "neither the table nor every key of it is named: {self:?} in {about:#?}"
        );
    }

    /// Demands that every row stands again where it stood.
    pub fn must_be_back(&self, db: &Db) {
        let now = places(db, &self.table);
        let lost: Vec<_> = self.places.difference(&now).collect();
        assert!(lost.is_empty(), "{} of {} rows did not come back: {lost:?}", lost.len(), self.places.len());
        assert!(!self.places.is_empty(), "nothing stood in {}", self.table);
    }
}

/// Source and offset of every row.
fn places(db: &Db, table: &str) -> BTreeSet<(i64, i64)> {
    let [source, offset] = ["source_id", "source_offset"].map(|name| db.text(name));
    let number = |column: &Option<String>| column.as_deref().expect("a number").parse().expect("a number");
    let lines = db.rows(&format!("SELECT {source}, {offset} FROM {table}"));
    lines.iter().map(|line| (number(&line[0]), number(&line[1]))).collect()
}
