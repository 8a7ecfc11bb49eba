//! Accounts can be closed.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0016_closing"
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

// `closed_at`: nobody sees the account any more. `emptied_at`: nothing of it is left but its row and its audit log.
const UP: &[&str] =
    &["ALTER TABLE accounts ADD COLUMN closed_at BIGINT", "ALTER TABLE accounts ADD COLUMN emptied_at BIGINT"];

const DOWN: &[&str] = &["ALTER TABLE accounts DROP COLUMN emptied_at", "ALTER TABLE accounts DROP COLUMN closed_at"];
