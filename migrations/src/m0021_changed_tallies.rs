//! Which tallies changed since the last run moves from a mark in each into a table of its own: a run then empties that,
//! instead of writing every page of the tallies that holds a mark.

use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0021_changed_tallies"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => format!("{} WITHOUT ROWID", table("TEXT")),
            // Keys are ordered by their bytes on both databases, as in the tallies.
            _ => table(r#"TEXT COLLATE "C""#),
        };
        crate::run(manager, &[&table]).await?;
        crate::run(manager, MOVE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

fn table(key: &str) -> String {
    format!(
        "CREATE TABLE changed_tallies (
            server_configuration_id UUID NOT NULL REFERENCES server_configurations(id) ON DELETE CASCADE,
            address_key {key} NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (server_configuration_id, address_key, reason)
        )"
    )
}

const MOVE: &[&str] = &[
    "INSERT INTO changed_tallies (server_configuration_id, address_key, reason)
        SELECT server_configuration_id, address_key, reason FROM error_tallies WHERE dirty",
    "DROP INDEX error_tallies_dirty",
    "ALTER TABLE error_tallies DROP COLUMN dirty",
];

const DOWN: &[&str] = &[
    "ALTER TABLE error_tallies ADD COLUMN dirty BOOLEAN NOT NULL DEFAULT FALSE",
    "UPDATE error_tallies SET dirty = TRUE WHERE EXISTS (SELECT 1 FROM changed_tallies c
        WHERE c.server_configuration_id = error_tallies.server_configuration_id
        AND c.address_key = error_tallies.address_key AND c.reason = error_tallies.reason)",
    "CREATE INDEX error_tallies_dirty ON error_tallies (server_configuration_id, address_key, reason) WHERE dirty",
    "DROP TABLE changed_tallies",
];
