//! Accounts can be closed.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0016_closing", up: UP, down: DOWN };

// `closed_at`: nobody sees the account any more. `emptied_at`: nothing of it is left but its row and its audit log.
const UP: &[&str] =
    &["ALTER TABLE accounts ADD COLUMN closed_at BIGINT", "ALTER TABLE accounts ADD COLUMN emptied_at BIGINT"];

const DOWN: &[&str] = &["ALTER TABLE accounts DROP COLUMN emptied_at", "ALTER TABLE accounts DROP COLUMN closed_at"];
