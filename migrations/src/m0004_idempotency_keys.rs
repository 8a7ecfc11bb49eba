//! Answers kept for callers that repeat a request with the same `Idempotency-Key`.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0004_idempotency_keys", up: UP, down: DOWN };

const UP: &[&str] = &[
    // `key_hash` is of caller, method, path and key. `status` is NULL while the request is being carried out; `body` is
    // NULL for ever when it held a secret.
    "CREATE TABLE idempotency_keys (
        key_hash TEXT PRIMARY KEY NOT NULL,
        body_hash TEXT NOT NULL,
        status BIGINT,
        media_type TEXT,
        body TEXT,
        created_at BIGINT NOT NULL
    )",
    "CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)",
];

const DOWN: &[&str] = &["DROP TABLE idempotency_keys"];
