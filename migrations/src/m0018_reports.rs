//! What the history of an address and the delivery report need: who did what, and counts of events by day. Of what was
//! done before, nobody is known.

use sea_orm_migration::sea_orm::DatabaseBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0018_reports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, WHO).await?;
        // A report adds up all domains of its days: they are to lie beside each other.
        let (tallies, domains) = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => (format!("{TALLIES} WITHOUT ROWID"), format!("{DOMAINS} WITHOUT ROWID")),
            _ => (TALLIES.to_owned(), DOMAINS.to_owned()),
        };
        crate::run(manager, &[&tallies, &domains]).await?;
        crate::run(manager, COUNT).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

const WHO: &[&str] = &[
    // Of a set that a call of the API or a run made; that of a list operation is found by the operation.
    "ALTER TABLE change_sets ADD COLUMN made_by TEXT",
    "ALTER TABLE change_sets ADD COLUMN comment TEXT",
    "ALTER TABLE change_sets ADD COLUMN run_id UUID",
    // Of a release by name. Not of its set: a block that was never on a published list has none.
    "ALTER TABLE removed_blocks ADD COLUMN removed_by TEXT",
    "ALTER TABLE removed_blocks ADD COLUMN comment TEXT",
    // Exemptions that were ended by hand or by an addition; those that a list operation ended stay in `exemptions`.
    "CREATE TABLE ended_exemptions (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        address_key TEXT NOT NULL,
        reason TEXT NOT NULL,
        released_at BIGINT NOT NULL,
        comment TEXT,
        made_set_id UUID,
        ended_at BIGINT NOT NULL,
        ended_by TEXT NOT NULL,
        ended_comment TEXT
    )",
    "CREATE INDEX ended_exemptions_address ON ended_exemptions (server_configuration_id, address_key)",
    "CREATE INDEX list_operations_set ON list_operations (change_set_id) WHERE change_set_id IS NOT NULL",
];

/// `begins_at`: when the local day began that the events happened on. `result`: "delivered", or the reason of an error.
const TALLIES: &str = "CREATE TABLE event_tallies (
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        begins_at BIGINT NOT NULL,
        result TEXT NOT NULL,
        count BIGINT NOT NULL,
        PRIMARY KEY (server_configuration_id, begins_at, result)
    )";

/// Errors only.
const DOMAINS: &str = "CREATE TABLE domain_tallies (
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        begins_at BIGINT NOT NULL,
        domain TEXT NOT NULL,
        count BIGINT NOT NULL,
        PRIMARY KEY (server_configuration_id, begins_at, domain)
    )";

/// SQL does not know the time zones' days. All of them begin with a quarter of an hour, most with an hour.
const COUNT: &[&str] = &[
    "INSERT INTO event_tallies (server_configuration_id, begins_at, result, count)
        SELECT server_configuration_id, occurred_at / 900000 * 900000,
        CASE WHEN outcome = 'delivered' THEN outcome ELSE COALESCE(reason, 'other') END, COUNT(*)
        FROM delivery_events GROUP BY 1, 2, 3",
    "INSERT INTO domain_tallies (server_configuration_id, begins_at, domain, count)
        SELECT server_configuration_id, occurred_at / 3600000 * 3600000, domain, COUNT(*) FROM delivery_events
        WHERE outcome = 'error' AND reason <> 'blocked_address' AND domain <> '' GROUP BY 1, 2, 3",
];

const DOWN: &[&str] = &[
    "DROP TABLE domain_tallies",
    "DROP TABLE event_tallies",
    "DROP INDEX list_operations_set",
    "DROP TABLE ended_exemptions",
    "ALTER TABLE removed_blocks DROP COLUMN comment",
    "ALTER TABLE removed_blocks DROP COLUMN removed_by",
    "ALTER TABLE change_sets DROP COLUMN run_id",
    "ALTER TABLE change_sets DROP COLUMN comment",
    "ALTER TABLE change_sets DROP COLUMN made_by",
];
