//! What the provider decides for an account: whether lists may be downloaded, and how long delivery events are kept.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0008_downloads_and_retention", up: UP, down: DOWN };

const UP: &[&str] = &[
    "ALTER TABLE accounts ADD COLUMN downloads_enabled BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE accounts ADD COLUMN event_retention_days BIGINT NOT NULL DEFAULT 90",
    "ALTER TABLE accounts ADD COLUMN revision BIGINT NOT NULL DEFAULT 1",
    // Events that happened before this time were removed: their ids are forgotten, so they are not taken in again.
    "ALTER TABLE server_configurations ADD COLUMN events_removed_before BIGINT NOT NULL DEFAULT 0",
];

const DOWN: &[&str] = &[
    "ALTER TABLE server_configurations DROP COLUMN events_removed_before",
    "ALTER TABLE accounts DROP COLUMN revision",
    "ALTER TABLE accounts DROP COLUMN event_retention_days",
    "ALTER TABLE accounts DROP COLUMN downloads_enabled",
];
