//! A request that is repeated is known again also when its caller has other rights meanwhile: they stand beside the key.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0023_kept_rights", up: UP, down: DOWN };

// The keys of rows from before are hashes of something else, so that they find nothing any more.
const UP: &[&str] =
    &["DELETE FROM idempotency_keys", "ALTER TABLE idempotency_keys ADD COLUMN rights TEXT NOT NULL DEFAULT ''"];

const DOWN: &[&str] = &["ALTER TABLE idempotency_keys DROP COLUMN rights"];
