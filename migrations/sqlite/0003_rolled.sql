-- Sums of whole days, months and of everything before a month, derived from day_totals (companies: from the rows).
-- ledger_versions is moved by the writer in its own transaction: what was rolled at another version is not read.
-- What was counted before this file is filled in by `init`, as of no source (0).
CREATE TABLE IF NOT EXISTS ledger_versions (
    grain TEXT NOT NULL,
    first_day DATE NOT NULL,
    source_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (grain, first_day, source_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rolled_spans (
    face TEXT NOT NULL,
    grain TEXT NOT NULL,
    first_day DATE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (face, grain, first_day)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rolled_keys (
    grain TEXT NOT NULL,
    first_day DATE NOT NULL,
    product_id TEXT NOT NULL,
    warehouse_id TEXT NOT NULL,
    in_quantity INTEGER NOT NULL,
    out_quantity INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (grain, first_day, product_id, warehouse_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rolled_products (
    grain TEXT NOT NULL,
    first_day DATE NOT NULL,
    product_id TEXT NOT NULL,
    in_quantity INTEGER NOT NULL,
    out_quantity INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (grain, first_day, product_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rolled_products_one ON rolled_products (product_id, grain, first_day);

CREATE TABLE IF NOT EXISTS rolled_warehouses (
    grain TEXT NOT NULL,
    first_day DATE NOT NULL,
    warehouse_id TEXT NOT NULL,
    in_quantity INTEGER NOT NULL,
    out_quantity INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (grain, first_day, warehouse_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rolled_companies (
    grain TEXT NOT NULL,
    first_day DATE NOT NULL,
    company_id TEXT NOT NULL,
    in_quantity INTEGER NOT NULL,
    out_quantity INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (grain, first_day, company_id)
) WITHOUT ROWID;
