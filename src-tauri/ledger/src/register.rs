//! First sight of a product, a warehouse or a company: registered under its id, shown as "unregistered".
//! Real goods moved, so no entry is ever refused for an unknown id. Concurrent daemons both go on.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Ledger;
use super::dialect::Dialect;
use super::sql::{Kind, Session, Sql};
use super::tables::Needs;
use domain::catalogue::slug;
use domain::entry::ProductId;
use domain::error::{Code, Error, Result};
use domain::words;

/// Longest slug with its suffix.
const LONGEST_SLUG: usize = 50;
/// Tries before a product's slug is given up; every try sees what others took meanwhile.
const TRIES: usize = 20;

/// A product to be made known, by its name.
pub(crate) struct NewProduct {
    pub id: ProductId,
    pub name: String,
}

/// `base`, or `base_2`, `base_3`, …: the n-th candidate.
fn candidate(base: &str, number: usize) -> String {
    if number < 2 {
        return base.to_owned();
    }
    let suffix = format!("_{number}");
    let room = LONGEST_SLUG - suffix.len();
    let end = base.char_indices().nth(room).map_or(base.len(), |(at, _)| at);
    format!("{}{suffix}", &base[..end])
}

/// The slugs among these that are taken.
async fn taken(session: &mut dyn Session, slugs: &[String]) -> Sql<HashSet<String>> {
    let mut found = HashSet::new();
    for chunk in slugs.chunks(1000) {
        let list: Vec<String> = chunk.iter().map(|slug| format!("'{slug}'")).collect();
        let sql = format!("SELECT slug FROM products WHERE slug IN ({})", list.join(","));
        for row in session.query(&sql).await? {
            found.insert(row.text(0)?.to_owned());
        }
    }
    Ok(found)
}

/// A free slug for each product; in one batch none twice.
async fn assign(session: &mut dyn Session, products: &[&NewProduct]) -> Sql<Vec<String>> {
    let bases: Vec<String> = products.iter().map(|product| slug(&product.name)).collect();
    let mut given: Vec<Option<String>> = vec![None; products.len()];
    let mut used: HashSet<String> = HashSet::new();
    let mut numbers = vec![1; products.len()];
    while given.iter().any(Option::is_none) {
        let open: Vec<usize> = (0..products.len()).filter(|at| given[*at].is_none()).collect();
        let asked: Vec<String> = open.iter().map(|at| candidate(&bases[*at], numbers[*at])).collect();
        let busy = taken(session, &asked).await?;
        for (at, slug) in open.into_iter().zip(asked) {
            if busy.contains(&slug) || !used.insert(slug.clone()) {
                numbers[at] += 1;
            } else {
                given[at] = Some(slug);
            }
        }
    }
    Ok(given.into_iter().flatten().collect())
}

/// Slugs of those products that the catalogue has.
pub(crate) async fn known_slugs(
    session: &mut dyn Session,
    dialect: Dialect,
    ids: &[&ProductId],
) -> Sql<HashMap<ProductId, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let list: Vec<String> = chunk.iter().map(|id| dialect.id_of(id.as_str())).collect();
        let sql = format!("SELECT id, slug FROM products WHERE id IN ({})", list.join(","));
        for row in session.query(&sql).await? {
            found.insert(ProductId::stored(row.text(0)?), row.text(1)?.to_owned());
        }
    }
    Ok(found)
}

impl Ledger {
    /// Makes sure that every one of these products has a row and a slug; answers all their slugs.
    pub(crate) async fn ensure_products(
        &self,
        products: &[NewProduct],
        registered: bool,
    ) -> Result<HashMap<ProductId, String>> {
        for _ in 0..TRIES {
            match self.try_products(products, registered).await {
                Ok(slugs) => return Ok(slugs),
                Err(failed) if failed.kind == Kind::Duplicate || failed.error.code == Code::Retry => {}
                Err(failed) => return Err(failed.error),
            }
        }
        Err(Error::new(
            Code::Retry,
            words!(
                "products_not_registered",
                "New products could not be registered: others keep taking their slugs."
            ),
        ))
    }

    async fn try_products(
        &self,
        products: &[NewProduct],
        registered: bool,
    ) -> Sql<HashMap<ProductId, String>> {
        let dialect = self.inner.db.dialect();
        let ids: Vec<&ProductId> = products.iter().map(|product| &product.id).collect();
        let mut session = self.inner.db.writer().await?;
        let mut slugs = known_slugs(&mut *session, dialect, &ids).await?;
        let new: Vec<&NewProduct> =
            products.iter().filter(|product| !slugs.contains_key(&product.id)).collect();
        for chunk in new.chunks(500) {
            let assigned = assign(&mut *session, chunk).await?;
            let rows: Vec<String> = chunk
                .iter()
                .zip(&assigned)
                .map(|(product, slug)| {
                    let (id, name) = (dialect.id_of(product.id.as_str()), dialect.text_of(&product.name));
                    format!("({id}, {name}, '{slug}', {})", i32::from(registered))
                })
                .collect();
            let sql = format!("INSERT INTO products (id, name, slug, registered) VALUES {}", rows.join(","));
            session.exec(&sql).await?;
            crash_points::pass("products.registered");
            let pairs = chunk.iter().zip(assigned).map(|(product, slug)| (product.id.clone(), slug));
            slugs.extend(pairs);
        }
        Ok(slugs)
    }

    /// Registers what a batch brings for the first time.
    pub(crate) async fn register_unseen(&self, needs: &Needs) -> Result<()> {
        let products: Vec<NewProduct> = {
            let known = self.inner.known();
            let new = needs.products.iter().filter(|id| !known.products.contains_key(*id));
            new.map(|id| NewProduct { id: id.clone(), name: id.to_string() }).collect()
        };
        if !products.is_empty() {
            let slugs = self.ensure_products(&products, false).await?;
            self.inner.learn().products.extend(slugs);
        }
        self.register_places("warehouses", needs.warehouses.iter().map(|id| id.as_str())).await?;
        self.inner.learn().warehouses.extend(needs.warehouses.iter().cloned());
        self.register_places("companies", needs.companies.iter().map(|id| id.as_str())).await?;
        self.inner.learn().companies.extend(needs.companies.iter().cloned());
        Ok(())
    }

    async fn register_places<'a>(&self, table: &str, ids: impl Iterator<Item = &'a str>) -> Result<()> {
        let dialect = self.inner.db.dialect();
        let ids: BTreeSet<&str> = ids.collect();
        let rows: Vec<String> =
            ids.iter().map(|id| format!("({}, {}, 0)", dialect.id_of(id), dialect.text_of(id))).collect();
        for chunk in rows.chunks(500) {
            let keep = dialect.keep("id");
            let sql = format!("INSERT INTO {table} (id, name, registered) VALUES {}{keep}", chunk.join(","));
            self.inner.db.writer().await?.exec(&sql).await?;
            crash_points::pass("places.registered");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_stay_short() {
        assert_eq!(candidate("apple", 1), "apple");
        assert_eq!(candidate("apple", 2), "apple_2");
        assert_eq!(candidate(&"a".repeat(46), 12345).len(), 50);
    }
}
