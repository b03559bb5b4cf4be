//! One view: which rows match, in which order, and how far that order has aged. Pure: rows in, numbers out.
//! Rows never change places by themselves; `apply` makes the order anew.

use super::labels::Items;
use super::rows::{Row, Rows, State};

/// Column a view is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Column {
    /// Warehouse, then product.
    #[default]
    Warehouse,
    /// Product's id.
    Product,
    /// Product's name, Chinese by pinyin.
    ProductName,
    /// Quantity.
    Quantity,
    /// Base.
    Base,
    /// Change.
    Change,
    /// In today.
    InToday,
    /// Out today.
    OutToday,
    /// Last movement.
    LastMovement,
}

/// Search, filters and order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, each of which must be found in id, name, pinyin, initials or barcode of product or warehouse.
    pub search: String,
    /// Only these warehouses; empty = all.
    pub warehouses: Vec<String>,
    /// Only these categories; empty = all.
    pub categories: Vec<String>,
    /// Only below minimum.
    pub below_minimum: bool,
    /// Only negative.
    pub negative: bool,
    /// Hide quantity 0.
    pub hide_zero: bool,
    /// Sorted by.
    pub sort: Column,
    /// Largest first.
    pub descending: bool,
}

/// A query made ready: per warehouse and product a yes or no, so that a row costs a few comparisons.
#[derive(Debug)]
struct Filter {
    /// Per word: which warehouses and which products it is found in.
    words: Vec<(Vec<bool>, Vec<bool>)>,
    warehouses: Vec<bool>,
    products: Vec<bool>,
}

impl Filter {
    fn new(query: &Query, rows: &Rows) -> Filter {
        let search = query.search.to_lowercase();
        let words = search.split_whitespace();
        let words = words.map(|word| (rows.warehouses.matches(word), rows.products.matches(word))).collect();
        let among = |items: &Items, wanted: &[String], pick: fn(&super::labels::Item) -> &str| {
            let fits = |item: &super::labels::Item| {
                wanted.is_empty() || wanted.iter().any(|text| text == pick(item))
            };
            items.all().iter().map(fits).collect()
        };
        Filter {
            words,
            warehouses: among(&rows.warehouses, &query.warehouses, |item| &item.id),
            products: among(&rows.products, &query.categories, |item| &item.category),
        }
    }

    fn fits(&self, query: &Query, row: &Row, rows: &Rows) -> bool {
        let (warehouse, product, quantity) = (row.warehouse as usize, row.product as usize, row.quantity());
        let damaged = row.state == State::Damaged;
        (row.state == State::Sound || damaged)
            && self.warehouses.get(warehouse) == Some(&true)
            && self.products.get(product) == Some(&true)
            && self
                .words
                .iter()
                .all(|(w, p)| w.get(warehouse) == Some(&true) || p.get(product) == Some(&true))
            && (!query.negative || quantity < 0)
            && (!query.hide_zero || quantity != 0 || damaged)
            && (!query.below_minimum || rows.products.get(row.product).is_low(quantity))
    }
}

/// What orders a row: the column's number, then warehouse and product.
type Rank = (i64, u32, u32);

fn rank(query: &Query, row: &Row, rows: &Rows) -> Rank {
    let (warehouse, product) = (rows.warehouses.get(row.warehouse), rows.products.get(row.product));
    let by = match query.sort {
        Column::Warehouse => i64::from(warehouse.by_id),
        Column::Product => i64::from(product.by_id),
        Column::ProductName => i64::from(product.by_name),
        Column::Quantity => row.quantity(),
        Column::Base => row.base,
        Column::Change => row.change,
        Column::InToday => row.movement.in_today,
        Column::OutToday => row.movement.out_today,
        Column::LastMovement => row.movement.last.map_or(i64::MIN, |time| time.and_utc().timestamp()),
    };
    // `!` turns the order of integers round without overflowing, and leaves equal rows in one order both ways.
    (if query.descending { !by } else { by }, warehouse.by_id, product.by_id)
}

/// A view over the rows.
#[derive(Debug)]
pub struct View {
    /// What it shows.
    pub query: Query,
    filter: Filter,
    /// Row numbers, as last applied.
    order: Vec<u32>,
    /// Place of every row in `order`; `ABSENT` for the others.
    places: Vec<u32>,
    /// Changes counted when the order was made.
    made: u64,
    /// Labels' edition that the filter knows.
    edition: u64,
    news: News,
    /// Visible places [start, end).
    pub window: (usize, usize),
    /// Nobody looks.
    pub hidden: bool,
}

const ABSENT: u32 = u32::MAX;

/// What stands beside the rows; kept until the rows change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// Sum of quantity over all rows that match now.
    pub sum: i64,
    /// Rows that would appear, vanish or move if the order were made anew.
    pub pending: usize,
    stamp: Option<u64>,
}

impl View {
    /// A view in its first order.
    pub fn new(query: Query, rows: &mut Rows) -> View {
        let filter = Filter::new(&query, rows);
        let (order, places) = (Vec::new(), Vec::new());
        let (made, edition, news, window) = (0, 0, News::default(), (0, 0));
        let mut view = View { query, filter, order, places, made, edition, news, window, hidden: false };
        view.apply(rows);
        view
    }

    /// Another query.
    pub fn ask(&mut self, query: Query, rows: &mut Rows) {
        self.query = query;
        self.apply(rows);
    }

    /// Makes the order anew.
    pub fn apply(&mut self, rows: &mut Rows) {
        rows.warehouses.rank();
        rows.products.rank();
        self.filter = Filter::new(&self.query, rows);
        self.edition = rows.edition;
        let fits = |(_, row): &(usize, &Row)| self.filter.fits(&self.query, row, rows);
        let found = rows.all().iter().enumerate().filter(fits);
        let mut ranked: Vec<(Rank, u32)> =
            found.map(|(number, row)| (rank(&self.query, row, rows), number as u32)).collect();
        ranked.sort_unstable();
        self.order = ranked.into_iter().map(|(_, number)| number).collect();
        self.places = vec![ABSENT; rows.all().len()];
        for (place, number) in self.order.iter().enumerate() {
            self.places[*number as usize] = place as u32;
        }
        self.made = rows.stamp;
        self.news.stamp = None;
    }

    /// Row numbers in order.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Row numbers of the window.
    pub fn visible(&self) -> &[u32] {
        let end = self.window.1.min(self.order.len());
        self.order.get(self.window.0.min(end)..end).unwrap_or_default()
    }

    /// Sum and pending as the rows stand now; costs one pass, and that only after they changed.
    pub fn news(&mut self, rows: &mut Rows) -> News {
        rows.warehouses.rank();
        rows.products.rank();
        if self.edition != rows.edition
            || self.filter.products.len() != rows.products.all().len()
            || self.filter.warehouses.len() != rows.warehouses.all().len()
        {
            self.filter = Filter::new(&self.query, rows);
            self.edition = rows.edition;
            self.news.stamp = None;
        }
        if self.news.stamp == Some(rows.stamp) {
            return self.news;
        }
        let (mut sum, mut pending) = (0i64, 0);
        for (number, row) in rows.all().iter().enumerate() {
            let fits = self.filter.fits(&self.query, row, rows);
            if fits {
                sum = sum.saturating_add(row.quantity());
            }
            // Only what changed since the order was made can be out of place.
            if row.stamp > self.made && self.misplaced(number, fits, rows) {
                pending += 1;
            }
        }
        self.news = News { sum, pending, stamp: Some(rows.stamp) };
        self.news
    }

    /// Whether a row would appear, vanish or move.
    fn misplaced(&self, number: usize, fits: bool, rows: &Rows) -> bool {
        let place = self.places.get(number).copied().unwrap_or(ABSENT);
        if place == ABSENT || !fits {
            return fits != (place != ABSENT);
        }
        let at = |place: usize| {
            let row = &rows.all()[self.order[place] as usize];
            rank(&self.query, row, rows)
        };
        let place = place as usize;
        (place > 0 && at(place - 1) > at(place))
            || (place + 1 < self.order.len() && at(place) > at(place + 1))
    }
}
