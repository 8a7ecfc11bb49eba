//! The addresses of an upload lie in the order in which lists take them, no longer in that of the file's lines.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_upload_order"
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

/// What was read before keeps the line as its place: every order is right, a sorted one only sooner done.
const UP: &[&str] = &["ALTER TABLE upload_addresses RENAME COLUMN line TO place"];

const DOWN: &[&str] = &["ALTER TABLE upload_addresses RENAME COLUMN place TO line"];
