//! `INSERT OR REPLACE` removes rows in SQLite without asking the triggers that refuse to remove them: what would be replaced
//! is refused before. PostgreSQL has nothing like it but `ON CONFLICT DO UPDATE`, which asks the triggers of an update.

use crate::{Change, OwnStatements};

pub(crate) const MIGRATION: OwnStatements = OwnStatements {
    name: "m0025_append_only_replace",
    sqlite: Change { up: UP, down: DOWN },
    postgres: Change { up: &[], down: &[] },
};

const UP: &[&str] = &[
    "CREATE TRIGGER audit_log_replace BEFORE INSERT ON audit_log
    WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
        OR EXISTS (SELECT 1 FROM audit_log WHERE account_id = NEW.account_id AND number = NEW.number) BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
    // Whoever writes to a log inserts its end as it is, to hold it.
    "CREATE TRIGGER audit_chains_replace BEFORE INSERT ON audit_chains
    WHEN EXISTS (SELECT 1 FROM audit_chains WHERE account_id = NEW.account_id AND length > NEW.length) BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
];

const DOWN: &[&str] = &["DROP TRIGGER audit_chains_replace", "DROP TRIGGER audit_log_replace"];
