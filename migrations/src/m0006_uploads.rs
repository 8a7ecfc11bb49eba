//! Uploaded files: their bytes, and what the analysis found in them.

use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_uploads"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await?;
        match manager.get_database_backend() {
            DatabaseBackend::Postgres => crate::run(manager, POSTGRES).await,
            _ => crate::run(manager, SQLITE).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

const UP: &[&str] = &[
    // The largest file that the account may upload, in bytes; the provider changes it. 1 GiB.
    "ALTER TABLE accounts ADD COLUMN upload_max_bytes BIGINT NOT NULL DEFAULT 1073741824",
    // `received`: how many bytes count, from the start. `writer`: who may add to it now, a PATCH or an analysis; a newer
    // one takes over. `metadata`: the Upload-Metadata header as it came. `reading` (what the caller wants), `analysis`,
    // `failure`: JSON. State `removed` is not shown: a job takes the rest away in small steps, then this row; so no
    // other table may reference it.
    "CREATE TABLE uploads (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        created_by TEXT NOT NULL,
        file_name TEXT NOT NULL,
        metadata TEXT NOT NULL,
        size BIGINT NOT NULL,
        received BIGINT NOT NULL,
        writer UUID,
        state TEXT NOT NULL,
        reading TEXT NOT NULL,
        analysis TEXT,
        progress DOUBLE PRECISION NOT NULL,
        failure TEXT,
        attempts BIGINT NOT NULL,
        rung_at BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )",
    "CREATE INDEX uploads_time ON uploads (server_configuration_id, created_at, id)",
    "CREATE INDEX uploads_expiry ON uploads (expires_at)",
    "CREATE INDEX uploads_waiting ON uploads (rung_at) WHERE state IN ('analysing', 'removed')",
];

// The tables are the same on both databases, but for the type of bytes, the order of texts and the way rows lie on disk:
// in SQLite rows without a blob lie in their primary key.
const SQLITE: &[&str] = &[
    "CREATE TABLE upload_pieces (
        upload_id BLOB NOT NULL REFERENCES uploads(id),
        start BIGINT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (upload_id, start)
    )",
    // Valid rows; `line` is where the record begins in the file, from 1. Duplicates of the file are all there.
    "CREATE TABLE upload_addresses (
        upload_id BLOB NOT NULL,
        line BIGINT NOT NULL,
        address_key TEXT NOT NULL,
        address TEXT NOT NULL,
        domain TEXT NOT NULL,
        PRIMARY KEY (upload_id, line)
    ) WITHOUT ROWID",
    "CREATE TABLE upload_invalid_rows (
        upload_id BLOB NOT NULL,
        line BIGINT NOT NULL,
        value TEXT NOT NULL,
        cause TEXT NOT NULL,
        PRIMARY KEY (upload_id, line)
    ) WITHOUT ROWID",
];

const POSTGRES: &[&str] = &[
    "CREATE TABLE upload_pieces (
        upload_id UUID NOT NULL REFERENCES uploads(id),
        start BIGINT NOT NULL,
        data BYTEA NOT NULL,
        PRIMARY KEY (upload_id, start)
    )",
    // Compressing what is deleted within days costs more than its room.
    "ALTER TABLE upload_pieces ALTER COLUMN data SET STORAGE EXTERNAL",
    r#"CREATE TABLE upload_addresses (
        upload_id UUID NOT NULL,
        line BIGINT NOT NULL,
        address_key TEXT COLLATE "C" NOT NULL,
        address TEXT NOT NULL,
        domain TEXT NOT NULL,
        PRIMARY KEY (upload_id, line)
    )"#,
    "CREATE TABLE upload_invalid_rows (
        upload_id UUID NOT NULL,
        line BIGINT NOT NULL,
        value TEXT NOT NULL,
        cause TEXT NOT NULL,
        PRIMARY KEY (upload_id, line)
    )",
];

const DOWN: &[&str] = &[
    "DROP TABLE upload_invalid_rows",
    "DROP TABLE upload_addresses",
    "DROP TABLE upload_pieces",
    "DROP TABLE uploads",
    "ALTER TABLE accounts DROP COLUMN upload_max_bytes",
];
