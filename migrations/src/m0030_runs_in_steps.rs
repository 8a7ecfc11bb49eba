//! How far a run has come: it builds its change set in steps.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0030_runs_in_steps", up: UP, down: DOWN };

const UP: &[&str] = &["ALTER TABLE runs ADD COLUMN progress TEXT"];

const DOWN: &[&str] = &["ALTER TABLE runs DROP COLUMN progress"];
