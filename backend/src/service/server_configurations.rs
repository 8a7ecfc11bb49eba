//! Server configurations: the door to everything that belongs to one.

use super::{Access, Error, Result, expect_room, position, run_settings};
use crate::{
    state::AppState,
    store::{
        self, Db, audit, change_sets,
        search::{CursorScope, Keyset},
        server_configurations::{NewRow, StoredServerConfiguration},
    },
};
use chrono_tz::Tz;
use serde_json::json;
use shared::{
    Page, RefusalCode,
    mail_server::{NewServerConfiguration, ServerConfiguration},
    plan::Capability,
};
use uuid::Uuid;

/// A server configuration that the holder may act on. Services that work inside one take it instead of an id.
#[derive(Debug, Clone)]
pub struct OpenConfiguration {
    /// The configuration.
    pub id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// It as it was when opened.
    pub stored: StoredServerConfiguration,
}

/// Opens a server configuration for something that the account's plan must include.
///
/// # Errors
/// [`Error::NotFound`]: not there, of another account, or none that the caller reaches. [`Error::NotInPlan`].
pub async fn open(db: &Db, access: &Access, id: Uuid, capability: Capability) -> Result<OpenConfiguration> {
    if !access.actor.reaches(id) {
        return Err(Error::NotFound);
    }
    let stored = store::server_configurations::find(db.connection(), access.account_id, id).await?;
    let stored = stored.ok_or(Error::NotFound)?;
    let plan = stored.plan;
    if !plan.includes(capability) {
        return Err(Error::NotInPlan { plan, capability });
    }
    Ok(OpenConfiguration { id, account_id: access.account_id, stored })
}

/// A page of the server configurations of an account, by name.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    access: &Access,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<ServerConfiguration>> {
    let scope = CursorScope::new("server_configurations", access.account_id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let (connection, only) = (state.db.connection(), access.actor.reach());
    let stored = store::server_configurations::list(connection, access.account_id, only, keyset).await?;
    let configurations = stored.into_iter().map(ServerConfiguration::from).collect();
    Ok(scope.page(configurations, limit, None, |one: &ServerConfiguration| (one.name.clone(), one.id)))
}

/// Makes a server configuration with an empty list and the manual's run settings.
///
/// # Errors
/// [`Error::Invalid`]: no such time zone. [`Error::Conflict`]: the name is taken, or there are too many.
pub async fn create(state: &AppState, access: &Access, new: NewServerConfiguration) -> Result<ServerConfiguration> {
    access.actor.reaches_all()?;
    time_zone(&new.time_zone)?;
    let now = state.clock.now();
    let id = Uuid::now_v7();
    let row = NewRow {
        id,
        account_id: access.account_id,
        name: new.name.clone(),
        time_zone: new.time_zone.clone(),
        created_at: now,
        next_run_at: run_settings::first_run_at(&new.time_zone, now)?,
    };
    let tx = state.db.begin().await?;
    // Whoever counts waits for others who do.
    store::accounts::lock(&tx, access.account_id).await?.ok_or(Error::NotFound)?;
    let present = store::server_configurations::list(&tx, access.account_id, None, Keyset::ALL).await?;
    expect_room(present.len(), "server configurations")?;
    store::server_configurations::insert(&tx, row).await.map_err(|error| name_taken(error, &new.name))?;
    run_settings::initialise(&tx, id).await?;
    let entry = access.audit(now, "server_configuration.create", id.to_string());
    tx.audit(audit::NewAuditEntry { after: Some(json!(new)), ..entry });
    let created = store::server_configurations::find(&tx, access.account_id, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(created.into())
}

/// Changes name and time zone of a configuration that was read at `revision`; a new time zone moves the next execution.
///
/// # Errors
/// As [`create`]; [`Error::PreconditionFailed`]: it was changed since.
pub async fn update(
    state: &AppState,
    access: &Access,
    configuration: OpenConfiguration,
    revision: i64,
    update: NewServerConfiguration,
) -> Result<ServerConfiguration> {
    time_zone(&update.time_zone)?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    change_sets::lock(&tx, configuration.id).await?;
    let before = store::server_configurations::find(&tx, access.account_id, configuration.id).await?;
    let before = before.ok_or(Error::NotFound)?;
    if before.revision != revision {
        return Err(Error::PreconditionFailed(
            "the server configuration was changed by somebody else: read it again and repeat your change".to_owned(),
        ));
    }
    let next_run_at = if before.time_zone == update.time_zone {
        None
    } else {
        let mut settings = store::run_settings::get(&tx, configuration.id).await?.ok_or(Error::NotFound)?;
        settings.time_zone.clone_from(&update.time_zone);
        Some(run_settings::next_run_at(&tx, configuration.id, &settings, now).await?)
    };
    store::server_configurations::update(&tx, configuration.id, &update.name, &update.time_zone, next_run_at)
        .await
        .map_err(|error| name_taken(error, &update.name))?;
    let entry = audit::NewAuditEntry {
        before: Some(json!({ "name": before.name, "time_zone": before.time_zone })),
        after: Some(json!(update)),
        ..access.audit(now, "server_configuration.update", configuration.id.to_string())
    };
    tx.audit(entry);
    let after = store::server_configurations::find(&tx, access.account_id, configuration.id).await?;
    tx.commit().await?;
    after.map(ServerConfiguration::from).ok_or(Error::NotFound)
}

/// Reads an IANA time zone.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub fn time_zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        Error::field(
            "/time_zone",
            RefusalCode::NotATimeZone,
            format!("{name:?} is no IANA time zone; write it like Asia/Tokyo or Europe/Berlin"),
        )
    })
}

fn name_taken(error: store::Error, name: &str) -> Error {
    if error.is_duplicate() {
        Error::conflict(
            RefusalCode::NameTaken,
            format!("there is a server configuration named {name:?} already: choose another name"),
        )
    } else {
        error.into()
    }
}
