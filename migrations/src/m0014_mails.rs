//! Mails that wait to be sent.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_mails"
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
