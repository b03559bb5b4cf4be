-- The audit's memory: one row of `audits` per run, one of `audit_log` per key that deviates or was corrected.
-- Kept for ever.
CREATE TABLE IF NOT EXISTS audits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    triggered_by TEXT NOT NULL,
    who TEXT NOT NULL,
    outcome TEXT NOT NULL,
    judged INTEGER NOT NULL,
    equal INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    foreign_values INTEGER NOT NULL,
    rows_read INTEGER NOT NULL,
    tables_read INTEGER NOT NULL,
    brought INTEGER NOT NULL,
    cut TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audits_started ON audits (started_ms);

CREATE TABLE IF NOT EXISTS audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    audit_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    subject TEXT NOT NULL,
    warehouse_id TEXT NULL,
    product_id TEXT NULL,
    concerned TEXT NOT NULL,
    state TEXT NOT NULL,
    flag TEXT NOT NULL,
    description TEXT NOT NULL,
    rrs INTEGER NOT NULL,
    nrs INTEGER NOT NULL,
    difference INTEGER NOT NULL,
    cause TEXT NOT NULL,
    store TEXT NOT NULL,
    action TEXT NOT NULL,
    before_text TEXT NOT NULL,
    after_text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_log_audit ON audit_log (audit_id);
CREATE INDEX IF NOT EXISTS audit_log_key ON audit_log (warehouse_id, product_id, id);
