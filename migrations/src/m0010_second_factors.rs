//! Second factors with their recovery codes, and where sessions are used.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0010_second_factors", up: UP, down: DOWN };

const UP: &[&str] = &[
    // `secret` is sealed with the service's key. `last_step` is the 30 seconds whose code was used last: no code works
    // twice. `failures` are wrong codes since the last right one.
    "CREATE TABLE second_factors (
        user_id UUID PRIMARY KEY NOT NULL REFERENCES users(id),
        secret TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        confirmed_at BIGINT,
        last_step BIGINT NOT NULL,
        failures BIGINT NOT NULL,
        failed_at BIGINT NOT NULL
    )",
    "CREATE TABLE recovery_codes (
        user_id UUID NOT NULL REFERENCES users(id),
        code_hash TEXT NOT NULL,
        PRIMARY KEY (user_id, code_hash)
    )",
    "ALTER TABLE sessions ADD COLUMN client_address TEXT",
    "ALTER TABLE sessions ADD COLUMN user_agent TEXT",
];

const DOWN: &[&str] = &[
    "ALTER TABLE sessions DROP COLUMN user_agent",
    "ALTER TABLE sessions DROP COLUMN client_address",
    "DROP TABLE recovery_codes",
    "DROP TABLE second_factors",
];
