//! Lists, change sets, runs and distributions.
//!
//! A row of a list names the change set that added or removed it, and only change sets have a version: publishing a
//! million addresses updates one row (DESIGN decision 2).

use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_lists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            crate::run(manager, BYTE_ORDER).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

const UP: &[&str] = &[
    // `cancel_requested`: the condition was disabled with "cancel blocking" and the next run ends its blocks.
    "CREATE TABLE blocking_conditions (
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        reason TEXT NOT NULL,
        enabled BOOLEAN NOT NULL,
        frequency BIGINT NOT NULL,
        cancel_requested BOOLEAN NOT NULL,
        PRIMARY KEY (server_configuration_id, reason)
    )",
    // Pending until `version` is set. The sums say what the list gains and loses by it, so publishing costs O(1).
    "CREATE TABLE change_sets (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        version BIGINT,
        added_count BIGINT NOT NULL,
        added_checksum TEXT NOT NULL,
        removed_count BIGINT NOT NULL,
        removed_checksum TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        published_at BIGINT
    )",
    "CREATE INDEX change_sets_version ON change_sets (server_configuration_id, version)",
    // Live blocks only: one for an address.
    "CREATE TABLE blocked_addresses (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        address_key TEXT NOT NULL,
        address TEXT NOT NULL,
        domain TEXT NOT NULL,
        reason TEXT NOT NULL,
        origin TEXT NOT NULL,
        blocked_at BIGINT NOT NULL,
        added_set_id UUID NOT NULL REFERENCES change_sets(id)
    )",
    "CREATE UNIQUE INDEX blocked_addresses_key ON blocked_addresses (server_configuration_id, address_key)",
    "CREATE INDEX blocked_addresses_time ON blocked_addresses (server_configuration_id, blocked_at, id)",
    "CREATE INDEX blocked_addresses_reason ON blocked_addresses (server_configuration_id, reason, blocked_at, id)",
    "CREATE INDEX blocked_addresses_domain ON blocked_addresses (server_configuration_id, domain, blocked_at, id)",
    "CREATE INDEX blocked_addresses_added ON blocked_addresses (added_set_id, address_key)",
    // Blocks that ended. `removed_set_id` is NULL when no published list ever held the block.
    "CREATE TABLE removed_blocks (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        address_key TEXT NOT NULL,
        address TEXT NOT NULL,
        domain TEXT NOT NULL,
        reason TEXT NOT NULL,
        origin TEXT NOT NULL,
        blocked_at BIGINT NOT NULL,
        added_set_id UUID NOT NULL REFERENCES change_sets(id),
        cause TEXT NOT NULL,
        removed_at BIGINT NOT NULL,
        removed_set_id UUID REFERENCES change_sets(id)
    )",
    "CREATE INDEX removed_blocks_key ON removed_blocks (server_configuration_id, address_key)",
    "CREATE INDEX removed_blocks_cause ON removed_blocks (server_configuration_id, cause, removed_at)",
    "CREATE INDEX removed_blocks_added ON removed_blocks (added_set_id, address_key)",
    "CREATE INDEX removed_blocks_removed ON removed_blocks (removed_set_id, address_key)",
    "CREATE TABLE exemptions (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        address_key TEXT NOT NULL,
        address TEXT NOT NULL,
        domain TEXT NOT NULL,
        reason TEXT NOT NULL,
        released_at BIGINT NOT NULL,
        comment TEXT
    )",
    "CREATE UNIQUE INDEX exemptions_key ON exemptions (server_configuration_id, address_key)",
    "CREATE INDEX exemptions_time ON exemptions (server_configuration_id, released_at, id)",
    // `scheduled_for`: the local day, so that a day has one scheduled run whatever happens. `blocked`: JSON.
    // `rung_at`: when the queue was last told of the row.
    "CREATE TABLE runs (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        trigger_kind TEXT NOT NULL,
        state TEXT NOT NULL,
        scheduled_for TEXT,
        created_at BIGINT NOT NULL,
        rung_at BIGINT NOT NULL,
        started_at BIGINT,
        finished_at BIGINT,
        attempts BIGINT NOT NULL,
        blocked TEXT NOT NULL,
        cancelled BIGINT NOT NULL,
        distribution_id UUID,
        error TEXT
    )",
    "CREATE UNIQUE INDEX runs_day ON runs (server_configuration_id, scheduled_for)",
    "CREATE INDEX runs_time ON runs (server_configuration_id, created_at, id)",
    "CREATE INDEX runs_unfinished ON runs (server_configuration_id, created_at) WHERE finished_at IS NULL",
    // Queued until `published_at` is set, complete when `completed_at` is.
    "CREATE TABLE distributions (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        kind TEXT NOT NULL,
        version BIGINT,
        added BIGINT NOT NULL,
        removed BIGINT NOT NULL,
        count BIGINT,
        checksum TEXT,
        created_at BIGINT NOT NULL,
        rung_at BIGINT NOT NULL,
        published_at BIGINT,
        completed_at BIGINT,
        attempts BIGINT NOT NULL,
        error TEXT
    )",
    "CREATE INDEX distributions_time ON distributions (server_configuration_id, created_at, id)",
    "CREATE INDEX distributions_version ON distributions (server_configuration_id, version)",
    "CREATE INDEX distributions_incomplete ON distributions (server_configuration_id) WHERE completed_at IS NULL",
    // What a mail server held when it acknowledged a distribution; it may have skipped to a later version.
    "CREATE TABLE receipts (
        distribution_id UUID NOT NULL REFERENCES distributions(id),
        mail_server_id UUID NOT NULL REFERENCES mail_servers(id),
        acknowledged_at BIGINT NOT NULL,
        version BIGINT NOT NULL,
        count BIGINT NOT NULL,
        checksum TEXT NOT NULL,
        PRIMARY KEY (distribution_id, mail_server_id)
    )",
];

/// Keys are ordered by their bytes on both databases, whatever language a PostgreSQL database was made for.
const BYTE_ORDER: &[&str] = &[
    r#"ALTER TABLE blocked_addresses ALTER COLUMN address_key TYPE TEXT COLLATE "C""#,
    r#"ALTER TABLE removed_blocks ALTER COLUMN address_key TYPE TEXT COLLATE "C""#,
    r#"ALTER TABLE exemptions ALTER COLUMN address_key TYPE TEXT COLLATE "C""#,
];

const DOWN: &[&str] = &[
    "DROP TABLE receipts",
    "DROP TABLE distributions",
    "DROP TABLE runs",
    "DROP TABLE exemptions",
    "DROP TABLE removed_blocks",
    "DROP TABLE blocked_addresses",
    "DROP TABLE change_sets",
    "DROP TABLE blocking_conditions",
];
