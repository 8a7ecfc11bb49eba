//! An answer that is kept for a repetition has the ETag of the first one.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0022_kept_etags", up: UP, down: DOWN };

const UP: &[&str] = &["ALTER TABLE idempotency_keys ADD COLUMN etag TEXT"];

const DOWN: &[&str] = &["ALTER TABLE idempotency_keys DROP COLUMN etag"];
