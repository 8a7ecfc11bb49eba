//! The audit log becomes a chain for each account: entries are numbered, and each holds the hash of the one before.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0013_audit_chain", up: UP, down: DOWN };

// The provider's own chain has the nil UUID: it belongs to no account. A chain gets its row with its first entry. Entries
// from before have a number and no hash.
const UP: &[&str] = &[
    "CREATE TABLE audit_chains (
        account_id UUID PRIMARY KEY NOT NULL,
        length BIGINT NOT NULL,
        hash TEXT NOT NULL
    )",
    "ALTER TABLE audit_log ADD COLUMN number BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE audit_log ADD COLUMN hash TEXT NOT NULL DEFAULT ''",
    "UPDATE audit_log SET number = numbered.number FROM (
        SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY at, id) AS number FROM audit_log
    ) AS numbered WHERE numbered.id = audit_log.id",
    "DROP INDEX audit_log_account",
    "CREATE UNIQUE INDEX audit_log_number ON audit_log (account_id, number)",
];

const DOWN: &[&str] = &[
    "DROP INDEX audit_log_number",
    "CREATE INDEX audit_log_account ON audit_log (account_id, at)",
    "ALTER TABLE audit_log DROP COLUMN hash",
    "ALTER TABLE audit_log DROP COLUMN number",
    "DROP TABLE audit_chains",
];
