//! What finds an address by a part of it, however long the list is (DESIGN decision 5).
//!
//! Both databases index the trigrams of every address: SQLite by FTS5, kept by triggers so that nothing can forget it,
//! PostgreSQL by pg_trgm. A trigram index finds too much, never too little: the search checks what it finds.
//!
//! - `odd`: the key has a character outside of `a-z 0-9 @ . _ - +`, or the address is shown otherwise than in another
//!   case (a Unicode domain, quotes). Few rows are, so a text with such a character is looked for among them alone.
//! - SQLite numbers rows (`seq`, which survives VACUUM) and server configurations, because FTS5 knows a row by one
//!   integer: `number << 40 | seq`. The rows of one configuration are a range of it.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_search"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite rebuilds tables here, and must not be left without one.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            extension(manager).await?;
            crate::run(manager, POSTGRES).await?;
        } else {
            crate::run(manager, SQLITE).await?;
            for table in ["blocked_addresses", "exemptions"] {
                for statement in text_index(table) {
                    manager.get_connection().execute_unprepared(&statement).await?;
                }
            }
        }
        crate::run(manager, INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        crate::run(manager, if postgres { DOWN_POSTGRES } else { DOWN_SQLITE }).await
    }
}

/// pg_trgm is part of PostgreSQL's own distribution, and trusted: whoever may create tables may create it.
async fn extension(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let made = manager.get_connection().execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_trgm").await;
    made.map(|_| ()).map_err(|error| {
        DbErr::Custom(format!(
            "search needs PostgreSQL's extension pg_trgm (some systems have it in a package postgresql-contrib). Ask the \
             database's administrator to run `CREATE EXTENSION pg_trgm` in this database, then start again. PostgreSQL \
             said: {error}"
        ))
    })
}

/// `odd`, as in the documentation above; SQLite.
macro_rules! odd_in_sqlite {
    () => {
        "odd BOOLEAN NOT NULL GENERATED ALWAYS AS \
         (address_key GLOB '*[^-a-z0-9@._+]*' OR LOWER(address) <> address_key) VIRTUAL"
    };
}

const SQLITE: &[&str] = &[
    "CREATE TABLE search_numbers (
        number INTEGER PRIMARY KEY,
        server_configuration_id UUID NOT NULL UNIQUE
    )",
    "INSERT INTO search_numbers (server_configuration_id) SELECT id FROM server_configurations",
    "CREATE TRIGGER server_configurations_search_number AFTER INSERT ON server_configurations BEGIN
        INSERT INTO search_numbers (server_configuration_id) VALUES (NEW.id);
    END",
    concat!(
        "CREATE TABLE new_blocked_addresses (
            seq INTEGER PRIMARY KEY,
            id UUID NOT NULL UNIQUE,
            server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
            address_key TEXT NOT NULL,
            address TEXT NOT NULL,
            domain TEXT NOT NULL,
            reason TEXT NOT NULL,
            origin TEXT NOT NULL,
            blocked_at BIGINT NOT NULL,
            added_set_id UUID NOT NULL REFERENCES change_sets(id),
            ",
        odd_in_sqlite!(),
        ")"
    ),
    "INSERT INTO new_blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
     blocked_at, added_set_id) SELECT id, server_configuration_id, address_key, address, domain, reason, origin, \
     blocked_at, added_set_id FROM blocked_addresses ORDER BY server_configuration_id, blocked_at, id",
    "DROP TABLE blocked_addresses",
    "ALTER TABLE new_blocked_addresses RENAME TO blocked_addresses",
    "CREATE UNIQUE INDEX blocked_addresses_key ON blocked_addresses (server_configuration_id, address_key)",
    "CREATE INDEX blocked_addresses_time ON blocked_addresses (server_configuration_id, blocked_at, id)",
    "CREATE INDEX blocked_addresses_reason ON blocked_addresses (server_configuration_id, reason, blocked_at, id)",
    "CREATE INDEX blocked_addresses_domain ON blocked_addresses (server_configuration_id, domain, blocked_at, id)",
    "CREATE INDEX blocked_addresses_added ON blocked_addresses (added_set_id, address_key)",
    concat!(
        "CREATE TABLE new_exemptions (
            seq INTEGER PRIMARY KEY,
            id UUID NOT NULL UNIQUE,
            server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
            address_key TEXT NOT NULL,
            address TEXT NOT NULL,
            domain TEXT NOT NULL,
            reason TEXT NOT NULL,
            released_at BIGINT NOT NULL,
            comment TEXT,
            ",
        odd_in_sqlite!(),
        ")"
    ),
    "INSERT INTO new_exemptions (id, server_configuration_id, address_key, address, domain, reason, released_at, \
     comment) SELECT id, server_configuration_id, address_key, address, domain, reason, released_at, comment \
     FROM exemptions ORDER BY server_configuration_id, released_at, id",
    "DROP TABLE exemptions",
    "ALTER TABLE new_exemptions RENAME TO exemptions",
    "CREATE UNIQUE INDEX exemptions_key ON exemptions (server_configuration_id, address_key)",
    "CREATE INDEX exemptions_time ON exemptions (server_configuration_id, released_at, id)",
];

/// The FTS5 table `…_text` of a list, and the triggers that keep it.
///
/// The text is the key and, where it differs, the address as shown. Each ends with two line feeds, which no address
/// holds: a pattern of two characters is looked for by all trigrams that begin with it, also at the end of the text. A
/// third line feed marks keys with characters outside of ASCII, because those trigrams cannot be told in advance.
/// `detail=none` keeps which rows hold a trigram, not where: a third of the size.
fn text_index(table: &str) -> Vec<String> {
    let text = |row: &str| {
        format!(
            "{row}.address_key || char(10, 10) \
             || CASE WHEN octet_length({row}.address_key) = length({row}.address_key) THEN '' ELSE char(10) END \
             || CASE WHEN LOWER({row}.address) = {row}.address_key THEN '' \
                ELSE LOWER({row}.address) || char(10, 10) END"
        )
    };
    let number = |row: &str| {
        format!(
            "((SELECT number FROM search_numbers WHERE server_configuration_id = {row}.server_configuration_id) << 40) \
             | {row}.seq"
        )
    };
    let insert = format!("INSERT INTO {table}_text (rowid, text) VALUES ({}, {});", number("NEW"), text("NEW"));
    let delete = format!("DELETE FROM {table}_text WHERE rowid = {};", number("OLD"));
    vec![
        format!(
            "CREATE VIRTUAL TABLE {table}_text USING fts5 \
             (text, content='', contentless_delete=1, detail=none, tokenize='trigram')"
        ),
        // Octets of new trigrams kept in memory until the commit: a step of a registration becomes one segment.
        format!("INSERT INTO {table}_text ({table}_text, rank) VALUES ('hashsize', 8388608)"),
        format!(
            "INSERT INTO {table}_text (rowid, text) SELECT {}, {} FROM {table} ORDER BY 1",
            number(table),
            text(table)
        ),
        format!("CREATE TRIGGER {table}_text_insert AFTER INSERT ON {table} BEGIN {insert} END"),
        format!("CREATE TRIGGER {table}_text_delete AFTER DELETE ON {table} BEGIN {delete} END"),
        format!(
            "CREATE TRIGGER {table}_text_update \
             AFTER UPDATE OF seq, server_configuration_id, address_key, address ON {table} BEGIN {delete} {insert} END"
        ),
    ]
}

const POSTGRES: &[&str] = &[
    // pg_trgm sees letters and digits only, so every other character becomes one. The backend's search maps patterns in
    // the same way.
    "CREATE FUNCTION address_trigrams(address TEXT) RETURNS TEXT LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE RETURN
        translate(
            CASE WHEN octet_length(address) = length(address) THEN address
                ELSE regexp_replace(address, '[^ -~]', '+', 'g') END,
            '@.-_ !\"#$%&''()*+,/:;<=>?[\\]^`{|}~', 'qxzjvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv')",
    "ALTER TABLE blocked_addresses ADD COLUMN odd BOOLEAN NOT NULL GENERATED ALWAYS AS
        (address_key ~ '[^-a-z0-9@._+]' OR LOWER(address) COLLATE \"C\" <> address_key) STORED",
    "ALTER TABLE exemptions ADD COLUMN odd BOOLEAN NOT NULL GENERATED ALWAYS AS
        (address_key ~ '[^-a-z0-9@._+]' OR LOWER(address) COLLATE \"C\" <> address_key) STORED",
    // Not led by the server configuration: PostgreSQL would go through its millions of entries for each search.
    "CREATE INDEX blocked_addresses_text ON blocked_addresses
        USING gin (address_trigrams(address_key) gin_trgm_ops)",
    "CREATE INDEX exemptions_text ON exemptions USING gin (address_trigrams(address_key) gin_trgm_ops)",
];

/// The odd rows by date, and the orders that the search reads and that had no index yet.
const INDEXES: &[&str] = &[
    "CREATE INDEX blocked_addresses_odd ON blocked_addresses (server_configuration_id, blocked_at, id) WHERE odd",
    "CREATE INDEX exemptions_odd ON exemptions (server_configuration_id, released_at, id) WHERE odd",
    "CREATE INDEX exemptions_domain ON exemptions (server_configuration_id, domain, released_at, id)",
    "CREATE INDEX removed_blocks_time ON removed_blocks (server_configuration_id, blocked_at, id)",
];

/// `seq` stays: nothing depends on its absence.
const DOWN_SQLITE: &[&str] = &[
    "DROP INDEX removed_blocks_time",
    "DROP INDEX exemptions_domain",
    "DROP INDEX exemptions_odd",
    "DROP INDEX blocked_addresses_odd",
    "DROP TRIGGER exemptions_text_update",
    "DROP TRIGGER exemptions_text_delete",
    "DROP TRIGGER exemptions_text_insert",
    "DROP TABLE exemptions_text",
    "DROP TRIGGER blocked_addresses_text_update",
    "DROP TRIGGER blocked_addresses_text_delete",
    "DROP TRIGGER blocked_addresses_text_insert",
    "DROP TABLE blocked_addresses_text",
    "ALTER TABLE exemptions DROP COLUMN odd",
    "ALTER TABLE blocked_addresses DROP COLUMN odd",
    "DROP TRIGGER server_configurations_search_number",
    "DROP TABLE search_numbers",
];

const DOWN_POSTGRES: &[&str] = &[
    "DROP INDEX removed_blocks_time",
    "DROP INDEX exemptions_domain",
    "DROP INDEX exemptions_text",
    "DROP INDEX blocked_addresses_text",
    "ALTER TABLE exemptions DROP COLUMN odd",
    "ALTER TABLE blocked_addresses DROP COLUMN odd",
    "DROP FUNCTION address_trigrams(TEXT)",
];
