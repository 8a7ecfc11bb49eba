//! The addresses of an upload lie in the order in which lists take them, no longer in that of the file's lines.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0011_upload_order", up: UP, down: DOWN };

/// What was read before keeps the line as its place: every order is right, a sorted one only sooner done.
const UP: &[&str] = &["ALTER TABLE upload_addresses RENAME COLUMN line TO place"];

const DOWN: &[&str] = &["ALTER TABLE upload_addresses RENAME COLUMN place TO line"];
