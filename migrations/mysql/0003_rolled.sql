-- Sums of whole days, months and of everything before a month, derived from day_totals (companies: from the rows).
-- ledger_versions is moved by the writer in its own transaction: what was rolled at another version is not read.
-- What was counted before this file is filled in by `init`, as of no source (0).
CREATE TABLE IF NOT EXISTS ledger_versions (
    grain VARCHAR(8) NOT NULL,
    first_day DATE NOT NULL,
    source_id INT NOT NULL,
    version BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (grain, first_day, source_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rolled_spans (
    face VARCHAR(16) NOT NULL,
    grain VARCHAR(8) NOT NULL,
    first_day DATE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (face, grain, first_day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rolled_keys (
    grain VARCHAR(8) NOT NULL,
    first_day DATE NOT NULL,
    product_id VARBINARY(1020) NOT NULL,
    warehouse_id VARBINARY(1020) NOT NULL,
    in_quantity BIGINT NOT NULL,
    out_quantity BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (grain, first_day, product_id, warehouse_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rolled_products (
    grain VARCHAR(8) NOT NULL,
    first_day DATE NOT NULL,
    product_id VARBINARY(1020) NOT NULL,
    in_quantity BIGINT NOT NULL,
    out_quantity BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (grain, first_day, product_id),
    KEY rolled_products_one (product_id, grain, first_day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rolled_warehouses (
    grain VARCHAR(8) NOT NULL,
    first_day DATE NOT NULL,
    warehouse_id VARBINARY(1020) NOT NULL,
    in_quantity BIGINT NOT NULL,
    out_quantity BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (grain, first_day, warehouse_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS rolled_companies (
    grain VARCHAR(8) NOT NULL,
    first_day DATE NOT NULL,
    company_id VARBINARY(1020) NOT NULL,
    in_quantity BIGINT NOT NULL,
    out_quantity BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (grain, first_day, company_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
