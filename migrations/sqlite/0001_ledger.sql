-- The ledger's fixed tables for SQLite. Text compares as bytes (BINARY collation), as in the stock.
-- Append-only: a later change is a new file.
CREATE TABLE IF NOT EXISTS sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_uuid BLOB NOT NULL,
    partition_no INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    stock_offset INTEGER NOT NULL,
    stamp BLOB NOT NULL,
    last_offset INTEGER NOT NULL,
    last_hash INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    signed_quantity INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    UNIQUE (name),
    UNIQUE (topic_uuid, partition_no, topic)
);

CREATE TABLE IF NOT EXISTS balances (
    source_id INTEGER NOT NULL,
    warehouse_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    last_offset INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (source_id, warehouse_id, product_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS balances_key ON balances (warehouse_id, product_id);

CREATE TABLE IF NOT EXISTS day_totals (
    day DATE NOT NULL,
    product_id TEXT NOT NULL,
    warehouse_id TEXT NOT NULL,
    in_quantity INTEGER NOT NULL,
    out_quantity INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (day, product_id, warehouse_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS day_totals_key ON day_totals (warehouse_id, product_id, day);

CREATE TABLE IF NOT EXISTS ledger_days (
    day DATE NOT NULL PRIMARY KEY,
    state TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_tables (
    table_name TEXT NOT NULL PRIMARY KEY,
    product_id TEXT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL
);
CREATE INDEX IF NOT EXISTS ledger_tables_day ON ledger_tables (first_day);

CREATE TABLE IF NOT EXISTS rejected_entries (
    source_id INTEGER NOT NULL,
    source_offset INTEGER NOT NULL,
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    entry_id BLOB NULL,
    resubmitted_as BLOB NULL,
    PRIMARY KEY (source_id, source_offset)
);

CREATE TABLE IF NOT EXISTS products (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    barcode TEXT NOT NULL DEFAULT '',
    unit TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT '',
    minimum INTEGER NOT NULL DEFAULT 0,
    registered INTEGER NOT NULL,
    UNIQUE (slug)
);

CREATE TABLE IF NOT EXISTS warehouses (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    registered INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS companies (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    registered INTEGER NOT NULL
);
