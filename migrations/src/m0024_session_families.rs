//! All refresh tokens of a session have something in common, by which also one from long ago is known again.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0024_session_families", up: UP, down: DOWN };

// NULL in sessions from before: their tokens have nothing in common but the session.
const UP: &[&str] = &["ALTER TABLE sessions ADD COLUMN family_hash TEXT"];

const DOWN: &[&str] = &["ALTER TABLE sessions DROP COLUMN family_hash"];
