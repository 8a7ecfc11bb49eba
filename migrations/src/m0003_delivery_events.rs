//! Delivery events and the tallies kept of them (DESIGN decision 4).

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

/// Makes `delivery_events` and `error_tallies`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_delivery_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("delivery_events")
                    .col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key())
                    .col(ColumnDef::new("server_configuration_id").uuid().not_null())
                    .col(ColumnDef::new("mail_server_id").uuid())
                    .col(ColumnDef::new("event_id").text().not_null())
                    .col(ColumnDef::new("address_key").text().not_null())
                    .col(ColumnDef::new("address").text().not_null())
                    .col(ColumnDef::new("domain").text().not_null())
                    .col(ColumnDef::new("outcome").text().not_null())
                    .col(ColumnDef::new("reason").text())
                    .col(ColumnDef::new("smtp_code").integer())
                    .col(ColumnDef::new("status").text())
                    .col(ColumnDef::new("reply").text())
                    .col(ColumnDef::new("occurred_at").big_integer().not_null())
                    .col(ColumnDef::new("received_at").big_integer().not_null())
                    .foreign_key(
                        ForeignKey::create()
                            .from("delivery_events", "server_configuration_id")
                            .to("server_configurations", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("error_tallies")
                    .col(ColumnDef::new("server_configuration_id").uuid().not_null())
                    .col(ColumnDef::new("address_key").text().not_null())
                    .col(ColumnDef::new("reason").text().not_null())
                    .col(ColumnDef::new("address").text().not_null())
                    .col(ColumnDef::new("count").big_integer().not_null())
                    .col(ColumnDef::new("first_at").big_integer().not_null())
                    .col(ColumnDef::new("last_at").big_integer().not_null())
                    .col(ColumnDef::new("dirty").boolean().not_null())
                    .primary_key(Index::create().col("server_configuration_id").col("address_key").col("reason"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("error_tallies", "server_configuration_id")
                            .to("server_configurations", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            crate::run(manager, BYTE_ORDER).await?;
        }
        crate::run(manager, INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("error_tallies").to_owned()).await?;
        manager.drop_table(Table::drop().table("delivery_events").to_owned()).await
    }
}

/// Idempotency first; then the orders in which the logs are read: all, by outcome, of one address, of one domain.
/// The last one is what a run reads: only the tallies that changed since the run before.
const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX delivery_events_event_id ON delivery_events (server_configuration_id, event_id)",
    "CREATE INDEX delivery_events_time ON delivery_events (server_configuration_id, occurred_at, id)",
    "CREATE INDEX delivery_events_outcome ON delivery_events (server_configuration_id, outcome, occurred_at, id)",
    "CREATE INDEX delivery_events_address ON delivery_events (server_configuration_id, address_key, occurred_at, id)",
    "CREATE INDEX delivery_events_domain ON delivery_events (server_configuration_id, domain, occurred_at, id)",
    "CREATE INDEX error_tallies_dirty ON error_tallies (server_configuration_id, address_key, reason) WHERE dirty",
];

/// Keys are ordered by their bytes on both databases, as those of the lists that they are joined with.
const BYTE_ORDER: &[&str] = &[
    r#"ALTER TABLE delivery_events ALTER COLUMN address_key TYPE TEXT COLLATE "C""#,
    r#"ALTER TABLE error_tallies ALTER COLUMN address_key TYPE TEXT COLLATE "C""#,
];
