-- The audit's memory: one row of `audits` per run, one of `audit_log` per key that deviates or was corrected.
-- Kept for ever.
CREATE TABLE IF NOT EXISTS audits (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    triggered_by VARCHAR(16) NOT NULL,
    who VARCHAR(255) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    judged BIGINT NOT NULL,
    equal BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    foreign_values BIGINT NOT NULL,
    rows_read BIGINT NOT NULL,
    tables_read BIGINT NOT NULL,
    brought BIGINT NOT NULL,
    cut LONGTEXT NOT NULL,
    KEY audits_started (started_ms)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_log (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    audit_id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    subject VARCHAR(600) NOT NULL,
    warehouse_id VARBINARY(1020) NULL,
    product_id VARBINARY(1020) NULL,
    concerned LONGTEXT NOT NULL,
    state VARCHAR(32) NOT NULL,
    flag CHAR(1) NOT NULL,
    description VARCHAR(255) NOT NULL,
    rrs BIGINT NOT NULL,
    nrs BIGINT NOT NULL,
    difference BIGINT NOT NULL,
    cause VARCHAR(32) NOT NULL,
    store VARCHAR(16) NOT NULL,
    action VARCHAR(16) NOT NULL,
    before_text LONGTEXT NOT NULL,
    after_text LONGTEXT NOT NULL,
    KEY audit_log_audit (audit_id),
    KEY audit_log_key (warehouse_id, product_id, id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
