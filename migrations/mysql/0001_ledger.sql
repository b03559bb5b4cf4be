-- The ledger's fixed tables for MySQL and MariaDB. Ids are VARBINARY: equality of ids is equality of bytes,
-- as in the stock. Append-only: a later change is a new file.
CREATE TABLE IF NOT EXISTS sources (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    topic VARCHAR(255) NOT NULL,
    topic_uuid BINARY(16) NOT NULL,
    partition_no INT NOT NULL,
    next_offset BIGINT NOT NULL,
    stock_offset BIGINT NOT NULL,
    stamp BINARY(16) NOT NULL,
    last_offset BIGINT NOT NULL,
    last_hash BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    signed_quantity BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    UNIQUE KEY sources_name (name),
    UNIQUE KEY sources_identity (topic_uuid, partition_no, topic)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS balances (
    source_id INT NOT NULL,
    warehouse_id VARBINARY(1020) NOT NULL,
    product_id VARBINARY(1020) NOT NULL,
    last_offset BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (source_id, warehouse_id, product_id),
    KEY balances_key (warehouse_id, product_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS day_totals (
    day DATE NOT NULL,
    product_id VARBINARY(1020) NOT NULL,
    warehouse_id VARBINARY(1020) NOT NULL,
    in_quantity BIGINT NOT NULL,
    out_quantity BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (day, product_id, warehouse_id),
    KEY day_totals_key (warehouse_id, product_id, day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ledger_days (
    day DATE NOT NULL PRIMARY KEY,
    state VARCHAR(16) NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ledger_tables (
    table_name VARCHAR(64) NOT NULL PRIMARY KEY,
    product_id VARBINARY(1020) NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    KEY ledger_tables_day (first_day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rejected_entries (
    source_id INT NOT NULL,
    source_offset BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    field VARCHAR(32) NOT NULL,
    reason VARCHAR(1024) NOT NULL,
    payload LONGBLOB NOT NULL,
    entry_id BINARY(16) NULL,
    resubmitted_as BINARY(16) NULL,
    PRIMARY KEY (source_id, source_offset)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS products (
    id VARBINARY(1020) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    slug VARCHAR(50) NOT NULL,
    barcode VARCHAR(255) NOT NULL DEFAULT '',
    unit VARCHAR(255) NOT NULL DEFAULT '',
    category VARCHAR(255) NOT NULL DEFAULT '',
    minimum BIGINT NOT NULL DEFAULT 0,
    registered TINYINT NOT NULL,
    UNIQUE KEY products_slug (slug)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS warehouses (
    id VARBINARY(1020) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    registered TINYINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS companies (
    id VARBINARY(1020) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    registered TINYINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
