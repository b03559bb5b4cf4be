//! Where a day's rows go: which day tables exist, which days are compacted, and making what is missing ahead of
//! a transaction. What is remembered here is only a hint: the row in `ledger_days`, read inside the
//! transaction under a shared lock, is the truth.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use hashbrown::{HashMap, HashSet};

use super::Ledger;
use super::dialect::{day_table_name, month_table_name};
use super::sql::{Session, Sql};
use domain::entry::{CompanyId, Entry, ProductId, WarehouseId};
use domain::error::{Code, Error, Result};
use domain::words;

/// From so many tables on it is asked which of them stand: MariaDB lists its whole folder for an answer.
const WORTH_ASKING: usize = 16;

/// In which tier a day lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Day tables.
    Open,
    /// Month table (compacted or archived).
    Month,
}

impl Tier {
    pub(crate) fn of(state: &str) -> Self {
        if state == "open" { Tier::Open } else { Tier::Month }
    }
}

/// What this process has seen in the ledger; forgotten when something does not fit.
#[derive(Default)]
pub(crate) struct Known {
    /// Slugs never change, but a ledger restored from a backup has not heard of the newest.
    pub products: HashMap<ProductId, String>,
    pub warehouses: HashSet<WarehouseId>,
    pub companies: HashSet<CompanyId>,
    /// Hints.
    pub days: HashMap<NaiveDate, Tier>,
    /// Day tables that exist.
    pub tables: HashSet<(NaiveDate, ProductId)>,
    /// First days of the months whose tables exist.
    pub months: HashSet<NaiveDate>,
}

impl Known {
    /// Nothing is sure any more.
    pub fn forget(&mut self) {
        self.forget_ids();
        self.days.clear();
        self.tables.clear();
        self.months.clear();
    }

    /// Ids are looked up again. What is remembered of tables shows by itself when it is wrong.
    pub fn forget_ids(&mut self) {
        self.products.clear();
        self.warehouses.clear();
        self.companies.clear();
    }

    /// The day left its tables.
    pub fn compacted(&mut self, day: NaiveDate) {
        self.days.insert(day, Tier::Month);
        self.tables.retain(|(table_day, _)| *table_day != day);
    }

    /// The table for this product's rows of this day.
    pub fn table(&self, tier: Tier, day: NaiveDate, product: &ProductId) -> Result<String> {
        match tier {
            Tier::Month => Ok(month_table_name(day)),
            Tier::Open => {
                let slug = self.products.get(product).ok_or_else(|| {
                    Error::new(
                        Code::Retry,
                        words!(
                            "product_not_in_catalogue",
                            "Product {product} is not in the catalogue yet.",
                            product
                        ),
                    )
                })?;
                Ok(day_table_name(slug, day))
            }
        }
    }
}

/// What a batch needs to stand before its transaction begins.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub products: BTreeSet<ProductId>,
    pub warehouses: BTreeSet<WarehouseId>,
    pub companies: BTreeSet<CompanyId>,
    pub tables: BTreeSet<(NaiveDate, ProductId)>,
}

impl Needs {
    /// Everything stands.
    pub fn nothing(&self) -> bool {
        self.products.is_empty()
            && self.warehouses.is_empty()
            && self.companies.is_empty()
            && self.tables.is_empty()
    }

    /// Adds one entry's.
    pub fn add(&mut self, entry: &Entry, known: &Known) {
        if !known.products.contains_key(&entry.product_id) {
            self.products.insert(entry.product_id.clone());
        }
        if !known.warehouses.contains(&entry.warehouse_id) {
            self.warehouses.insert(entry.warehouse_id.clone());
        }
        if !known.companies.contains(&entry.company_id) {
            self.companies.insert(entry.company_id.clone());
        }
        let day = entry.day();
        let stands = match known.days.get(&day) {
            Some(Tier::Open) => known.tables.contains(&(day, entry.product_id.clone())),
            Some(Tier::Month) => known.months.contains(&month_of(day)),
            None => false,
        };
        if !stands {
            self.tables.insert((day, entry.product_id.clone()));
        }
    }
}

/// The first day of its month.
pub(crate) fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

pub(crate) fn month_bounds(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = month_of(day);
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    (first, next.checked_sub_days(Days::new(1)).unwrap_or(first))
}

/// The boundary: days before it are compacted. `None` when nothing was ever compacted.
pub(crate) async fn boundary(session: &mut dyn Session) -> Sql<Option<NaiveDate>> {
    let rows = session.query("SELECT MAX(day) FROM ledger_days WHERE state <> 'open'").await?;
    let latest = rows.first().map(|row| row.opt_day(0)).transpose()?.flatten();
    Ok(latest.and_then(|day| day.checked_add_days(Days::new(1))))
}

fn day_list(days: &BTreeSet<NaiveDate>) -> String {
    days.iter().map(|day| format!("'{day}'")).collect::<Vec<_>>().join(",")
}

/// The states of these days, as they stand in this session; `lock` is the dialect's share or exclusive lock.
pub(crate) async fn day_states(
    session: &mut dyn Session,
    days: &BTreeSet<NaiveDate>,
    lock: &str,
) -> Sql<BTreeMap<NaiveDate, Tier>> {
    if days.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql =
        format!("SELECT day, state FROM ledger_days WHERE day IN ({}) ORDER BY day{lock}", day_list(days));
    let mut states = BTreeMap::new();
    for row in session.query(&sql).await? {
        states.insert(row.day(0)?, Tier::of(row.text(1)?));
    }
    Ok(states)
}

impl Ledger {
    /// To be called when a source is taken anew: the ledger may have been restored, and ids that were registered
    /// after its backup would never be registered again.
    pub fn forget_ids(&self) {
        self.inner.learn().forget_ids();
    }

    /// Makes everything these entries need. Cheap when it stands already.
    pub(crate) async fn prepare<'a>(&self, entries: impl Iterator<Item = &'a Entry> + Clone) -> Result<()> {
        if self.needs(entries.clone()).nothing() {
            return Ok(());
        }
        let _making = self.inner.making.lock().await;
        // Looked at again: the source that had the lock before may have made the same.
        let needs = self.needs(entries);
        self.register_unseen(&needs).await?;
        self.make_tables(needs.tables).await
    }

    fn needs<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Needs {
        let known = self.inner.known();
        entries.fold(Needs::default(), |mut needs, entry| {
            needs.add(entry, &known);
            needs
        })
    }

    /// Makes the day tables of `products` for `day` ahead of its first entry, as far as the limit allows
    /// without compacting anything.
    pub async fn prepare_day(&self, day: NaiveDate, products: &[ProductId]) -> Result<()> {
        // A source that is taken meanwhile lets the ledger forget which products it knows.
        self.again(|| self.prepare_now(day, products)).await
    }

    async fn prepare_now(&self, day: NaiveDate, products: &[ProductId]) -> Result<()> {
        let _making = self.inner.making.lock().await;
        let needs = Needs { products: products.iter().cloned().collect(), ..Needs::default() };
        self.register_unseen(&needs).await?;
        let mut session = self.inner.db.writer().await?;
        let open = self.open_tables(&mut *session).await?;
        drop(session);
        if open + products.len() > self.inner.limits.day_tables {
            return Ok(());
        }
        let tables = products.iter().map(|product| (day, product.clone())).collect();
        self.make_tables(tables).await
    }

    async fn make_tables(&self, wanted: BTreeSet<(NaiveDate, ProductId)>) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let days: BTreeSet<NaiveDate> = wanted.iter().map(|(day, _)| *day).collect();
        self.settle_days(&days).await?;
        self.make_room(&wanted).await?;
        let mut day_tables = Vec::new();
        let mut months = BTreeSet::new();
        for (day, product) in wanted {
            let tier = self.inner.known().days.get(&day).copied();
            match tier {
                Some(Tier::Open) => day_tables.push((day, product)),
                _ => drop(months.insert(month_of(day))),
            }
        }
        self.make_months(months).await?;
        self.make_day_tables(day_tables).await
    }

    /// Gives every day its row in `ledger_days`; days before the boundary begin as compacted.
    async fn settle_days(&self, days: &BTreeSet<NaiveDate>) -> Result<()> {
        let unknown: BTreeSet<NaiveDate> = {
            let known = self.inner.known();
            days.iter().filter(|day| !known.days.contains_key(*day)).copied().collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        let mut session = self.inner.db.writer().await?;
        let mut states = day_states(&mut *session, &unknown, "").await?;
        let missing: Vec<NaiveDate> =
            unknown.iter().filter(|day| !states.contains_key(*day)).copied().collect();
        if !missing.is_empty() {
            let boundary = boundary(&mut *session).await?;
            let all_months = self.inner.limits.day_tables == 0;
            let values: Vec<String> = missing
                .iter()
                .map(|day| {
                    let compacted = all_months || boundary.is_some_and(|boundary| *day < boundary);
                    format!("('{day}', '{}')", if compacted { "compacted" } else { "open" })
                })
                .collect();
            let keep = self.inner.db.dialect().keep("day");
            let sql = format!("INSERT INTO ledger_days (day, state) VALUES {}{keep}", values.join(","));
            session.exec(&sql).await?;
            crash_points::pass("days.settled");
            states = day_states(&mut *session, &unknown, "").await?;
        }
        self.inner.learn().days.extend(states);
        Ok(())
    }

    async fn make_months(&self, months: BTreeSet<NaiveDate>) -> Result<()> {
        for first in months {
            if self.inner.known().months.contains(&first) {
                continue;
            }
            self.make_month(&month_table_name(first), first).await?;
            self.inner.learn().months.insert(first);
        }
        Ok(())
    }

    /// Catalogue first, table second: there is never a table that the catalogue does not know.
    pub(crate) async fn make_month(&self, name: &str, day: NaiveDate) -> Result<()> {
        let (first, last) = month_bounds(day);
        let dialect = self.inner.db.dialect();
        let sql = format!(
            "INSERT INTO ledger_tables (table_name, product_id, first_day, last_day) \
             VALUES ('{name}', NULL, '{first}', '{last}'){}",
            dialect.keep("table_name")
        );
        self.inner.db.writer().await?.exec(&sql).await?;
        crash_points::pass("months.catalogued");
        let mut script = String::new();
        dialect.month_table(&mut script, name);
        self.inner.db.ddl(&script).await?;
        crash_points::pass("months.made");
        Ok(())
    }

    async fn make_day_tables(&self, tables: Vec<(NaiveDate, ProductId)>) -> Result<()> {
        let dialect = self.inner.db.dialect();
        for chunk in tables.chunks(500) {
            let standing = self.standing(chunk).await?;
            let mut rows = Vec::with_capacity(chunk.len());
            let mut script = String::new();
            for (day, product) in chunk {
                let name = self.inner.known().table(Tier::Open, *day, product)?;
                if standing.contains(&name) {
                    continue;
                }
                rows.push(format!("('{name}', {}, '{day}', '{day}')", dialect.id_of(product.as_str())));
                dialect.day_table(&mut script, &name);
            }
            if !rows.is_empty() {
                let sql = format!(
                    "INSERT INTO ledger_tables (table_name, product_id, first_day, last_day) VALUES {}{}",
                    rows.join(","),
                    dialect.keep("table_name")
                );
                self.inner.db.writer().await?.exec(&sql).await?;
                crash_points::pass("tables.catalogued");
                self.inner.db.ddl(&script).await?;
                crash_points::pass("tables.made");
            }
            self.inner.learn().tables.extend(chunk.iter().cloned());
        }
        Ok(())
    }

    /// Those of these day tables that stand already and are in the catalogue: a daemon that starts finds all of its
    /// tables made, and two questions cost less than making each once more. For a few it is not worth asking.
    async fn standing(&self, tables: &[(NaiveDate, ProductId)]) -> Result<HashSet<String>> {
        if tables.len() < WORTH_ASKING {
            return Ok(HashSet::new());
        }
        let mut names = Vec::with_capacity(tables.len());
        for (day, product) in tables {
            names.push(format!("'{}'", self.inner.known().table(Tier::Open, *day, product)?));
        }
        let list = names.join(",");
        let mut session = self.inner.db.writer().await?;
        let mut found = HashSet::new();
        for row in session.query(&self.inner.db.dialect().standing_tables(&list)).await? {
            found.insert(row.text(0)?.to_owned());
        }
        let catalogued = format!("SELECT table_name FROM ledger_tables WHERE table_name IN ({list})");
        let mut both = HashSet::new();
        for row in session.query(&catalogued).await? {
            both.extend(found.take(row.text(0)?));
        }
        Ok(both)
    }
}
