//! Accounts can be suspended, tokens limited to some server configurations, and signing keys replaced.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0015_suspension"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

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
