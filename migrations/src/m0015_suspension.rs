//! Accounts can be suspended, tokens limited to some server configurations, and signing keys replaced.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0015_suspension", up: UP, down: DOWN };

// `server_configuration_ids`: a JSON array; NULL: all. The key that signed until now goes on sealing (second factors,
// links), under its own name; tokens are signed by a key of their own, which can be replaced.
const UP: &[&str] = &[
    "ALTER TABLE accounts ADD COLUMN suspended_at BIGINT",
    "ALTER TABLE api_tokens ADD COLUMN server_configuration_ids TEXT",
    "UPDATE service_settings SET name = 'sealing_key' WHERE name = 'signing_key'",
    "CREATE TABLE signing_keys (
        id TEXT PRIMARY KEY NOT NULL,
        secret TEXT NOT NULL,
        created_at BIGINT NOT NULL
    )",
];

const DOWN: &[&str] = &[
    "DROP TABLE signing_keys",
    "UPDATE service_settings SET name = 'signing_key' WHERE name = 'sealing_key'",
    "ALTER TABLE api_tokens DROP COLUMN server_configuration_ids",
    "ALTER TABLE accounts DROP COLUMN suspended_at",
];
