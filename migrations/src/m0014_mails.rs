//! Mails that wait to be sent.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0014_mails", up: UP, down: DOWN };

// `sealed`: subject and text, encrypted, because links in them are secrets. A mail that was sent is removed.
const UP: &[&str] = &[
    "CREATE TABLE mails (
        id UUID PRIMARY KEY NOT NULL,
        recipient TEXT NOT NULL,
        sealed TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        next_attempt_at BIGINT NOT NULL
    )",
    "CREATE INDEX mails_next_attempt ON mails (next_attempt_at)",
];

const DOWN: &[&str] = &["DROP TABLE mails"];
