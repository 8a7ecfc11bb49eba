//! `INSERT OR REPLACE` removes rows in SQLite without asking the triggers that refuse to remove them: what would be replaced
//! is refused before. PostgreSQL has nothing like it but `ON CONFLICT DO UPDATE`, which asks the triggers of an update.

use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0025_append_only_replace"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        crate::run(manager, if postgres { &[] } else { UP }).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        crate::run(manager, if postgres { &[] } else { DOWN }).await
    }
}

const UP: &[&str] = &[
    "CREATE TRIGGER audit_log_replace BEFORE INSERT ON audit_log
    WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
        OR EXISTS (SELECT 1 FROM audit_log WHERE account_id = NEW.account_id AND number = NEW.number) BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
    // Whoever writes to a log inserts its end as it is, to hold it.
    "CREATE TRIGGER audit_chains_replace BEFORE INSERT ON audit_chains
    WHEN EXISTS (SELECT 1 FROM audit_chains WHERE account_id = NEW.account_id AND length > NEW.length) BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
];

const DOWN: &[&str] = &["DROP TRIGGER audit_chains_replace", "DROP TRIGGER audit_log_replace"];
