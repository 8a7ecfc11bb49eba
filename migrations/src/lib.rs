//! The schema of Stoplist's database: the only truth of it, for SQLite and PostgreSQL alike.
//!
//! Rules for every table: ids are UUIDs (version 7), times are `BIGINT` unix milliseconds UTC in columns named `*_at`,
//! list checksums are 32 hexadecimal digits. The SQL is written once and runs on both databases.

mod m0001_accounts;
mod m0002_lists;
mod m0003_delivery_events;
mod m0004_idempotency_keys;
mod m0005_search;
mod m0006_uploads;
mod m0007_list_operations;
mod m0008_downloads_and_retention;
mod m0009_users;
mod m0010_second_factors;
mod m0011_upload_order;
mod m0012_inquiries;
mod m0013_audit_chain;
mod m0014_mails;
mod m0015_suspension;
mod m0016_closing;
mod m0017_error_indexes;
mod m0018_reports;
mod m0019_append_only;
mod m0020_revisions;
mod m0021_changed_tallies;
mod m0022_kept_etags;
mod m0023_kept_rights;
mod m0024_session_families;
mod m0025_append_only_replace;
mod m0026_told_in_any_language;
mod m0027_odd_addresses;
mod m0028_odd_by_address;
mod m0029_late_errors;
mod m0030_runs_in_steps;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DatabaseBackend},
};

/// Brings a database to the newest schema.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::MIGRATION),
            Box::new(m0002_lists::Migration),
            Box::new(m0003_delivery_events::Migration),
            Box::new(m0004_idempotency_keys::MIGRATION),
            Box::new(m0005_search::Migration),
            Box::new(m0006_uploads::Migration),
            Box::new(m0007_list_operations::MIGRATION),
            Box::new(m0008_downloads_and_retention::MIGRATION),
            Box::new(m0009_users::MIGRATION),
            Box::new(m0010_second_factors::MIGRATION),
            Box::new(m0011_upload_order::MIGRATION),
            Box::new(m0012_inquiries::MIGRATION),
            Box::new(m0013_audit_chain::MIGRATION),
            Box::new(m0014_mails::MIGRATION),
            Box::new(m0015_suspension::MIGRATION),
            Box::new(m0016_closing::MIGRATION),
            Box::new(m0017_error_indexes::MIGRATION),
            Box::new(m0018_reports::Migration),
            Box::new(m0019_append_only::MIGRATION),
            Box::new(m0020_revisions::MIGRATION),
            Box::new(m0021_changed_tallies::Migration),
            Box::new(m0022_kept_etags::MIGRATION),
            Box::new(m0023_kept_rights::MIGRATION),
            Box::new(m0024_session_families::MIGRATION),
            Box::new(m0025_append_only_replace::MIGRATION),
            Box::new(m0026_told_in_any_language::MIGRATION),
            Box::new(m0027_odd_addresses::MIGRATION),
            Box::new(m0028_odd_by_address::MIGRATION),
            Box::new(m0029_late_errors::MIGRATION),
            Box::new(m0030_runs_in_steps::MIGRATION),
        ]
    }
}

/// A migration of nothing but statements, the same on both databases.
struct Statements {
    name: &'static str,
    up: &'static [&'static str],
    down: &'static [&'static str],
}

impl MigrationName for Statements {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Statements {
    /// On SQLite too: a migration that breaks off leaves nothing behind, and no connection sees the schema of another's
    /// statement too late.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.down).await
    }
}

/// A migration of statements that each database has of its own.
struct OwnStatements {
    name: &'static str,
    sqlite: Change,
    postgres: Change,
}

/// What one database is told.
struct Change {
    up: &'static [&'static str],
    down: &'static [&'static str],
}

impl OwnStatements {
    fn of(&self, manager: &SchemaManager<'_>) -> &Change {
        if manager.get_database_backend() == DatabaseBackend::Postgres { &self.postgres } else { &self.sqlite }
    }
}

impl MigrationName for OwnStatements {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OwnStatements {
    /// As [`Statements`].
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.of(manager).up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.of(manager).down).await
    }
}

/// Runs statements one after the other.
async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
