//! Delivery events: what became of each message for each recipient.

use super::{
    Error, Result,
    downloads::{self, Field, Source},
    each_row, exists, json_rows, millis, optional_reason,
    search::{Conditions, Found, Listing, Order, Place, Portion, Tables},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, TransactionTrait};
use shared::{
    Reason,
    delivery_event::{DeliveryEvent, Outcome},
    page::Direction,
};
use std::collections::HashSet;
use uuid::Uuid;

/// The order of the logs; the row's id makes it total.
const ORDER: [&str; 2] = ["e.occurred_at", "e.id"];

/// An event to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The id that its sender chose.
    pub event_id: String,
    /// The recipient's key.
    pub address_key: String,
    /// The recipient as the message had it.
    pub address: String,
    /// The key's domain; empty where a malformed address has none.
    pub domain: String,
    /// How the delivery ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// The SMTP reply code.
    pub smtp_code: Option<u16>,
    /// The enhanced status code.
    pub status: Option<String>,
    /// The text of the SMTP reply.
    pub reply: Option<String>,
    /// When it ended.
    pub occurred_at: DateTime<Utc>,
}

/// Who reported a batch, and when.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Where it belongs.
    pub server_configuration_id: Uuid,
    /// The mail server whose agent reported it; `None`: a script or a person.
    pub mail_server_id: Option<Uuid>,
    /// When Stoplist got it.
    pub received_at: DateTime<Utc>,
}

/// Stores events whose ids are new and that did not happen before `oldest` (Unix milliseconds), and returns the ids of
/// those. `events` must be sorted by id: concurrent batches with the same ids then wait for each other in the same order.
/// `success_resets`: deliveries reset the counts of their addresses, of which errors that come later have to know.
///
/// # Errors
/// The database's.
pub async fn insert(
    tx: &impl ConnectionTrait,
    report: Report,
    events: &[NewEvent],
    oldest: i64,
    success_resets: bool,
) -> Result<HashSet<String>> {
    let rows = events.iter().filter(|event| millis(event.occurred_at) >= oldest).map(|event| {
        let NewEvent { event_id, address_key, address, domain, smtp_code, status, reply, .. } = event;
        let (outcome, reason) = (event.outcome.as_str(), event.reason.map(Reason::as_str));
        let occurred_at = millis(event.occurred_at);
        (event_id, address_key, address, domain, outcome, reason, smtp_code, status, reply, occurred_at)
    });
    let rows = json_rows(rows)?;
    let resets_count =
        if success_resets { format!("value ->> 4 = '{}'", Outcome::Delivered.as_str()) } else { "FALSE".to_owned() };
    let sql = format!(
        "INSERT INTO delivery_events (server_configuration_id, mail_server_id, received_at, event_id, address_key, \
         address, domain, outcome, reason, smtp_code, status, reply, occurred_at, resets_count) \
         SELECT $1, $2, $3, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
         CAST(value ->> 6 AS INTEGER), value ->> 7, value ->> 8, CAST(value ->> 9 AS BIGINT), {resets_count} \
         FROM {} WHERE TRUE \
         ON CONFLICT (server_configuration_id, event_id) DO NOTHING RETURNING event_id",
        each_row(tx, 4)
    );
    let values = [
        report.server_configuration_id.into(),
        report.mail_server_id.into(),
        millis(report.received_at).into(),
        rows.into(),
    ];
    let stored = tx.query_all_raw(statement(tx, sql, values)).await?;
    stored.iter().map(|row| Ok(row.try_get("", "event_id")?)).collect()
}

/// Which events a log shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Filter {
    /// Part of the address.
    pub address: Option<String>,
    /// How the delivery ended; the error log has `Error` here.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// The whole domain, as it is in a key.
    pub domain: Option<String>,
    /// Not before this time.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub to: Option<DateTime<Utc>>,
    /// Newest or oldest first.
    pub direction: Direction,
}

impl Filter {
    fn conditions(&self, server_configuration_id: Uuid) -> Conditions {
        let mut conditions = Conditions::new();
        conditions.equal("e.server_configuration_id", server_configuration_id);
        if let Some(outcome) = self.outcome {
            conditions.and(is(outcome));
        }
        if let Some(reason) = self.reason {
            conditions.equal("e.reason", reason.as_str());
        }
        if let Some(domain) = &self.domain {
            conditions.equal("e.domain", domain.as_str());
        }
        conditions.between("e.occurred_at", self.from.map(millis), self.to.map(millis));
        if let Some(address) = &self.address {
            conditions.address_contains("e", address);
        }
        conditions
    }
}

/// The condition written out: a statement with a placeholder would not be given the indexes of errors.
fn is(outcome: Outcome) -> String {
    format!("e.outcome = '{}'", outcome.as_str())
}

/// What the index of the order answers: errors have their own, by domain too.
fn scope(filter: &Filter, conditions: &mut Conditions) {
    conditions.and("e.server_configuration_id = $1");
    if filter.outcome == Some(Outcome::Error) {
        conditions.and(is(Outcome::Error));
        if let Some(domain) = &filter.domain {
            conditions.equal("e.domain", domain.as_str());
        }
    }
    conditions.between("e.occurred_at", filter.from.map(millis), filter.to.map(millis));
}

const EVENTS: Tables = Tables::new("delivery_events", "e");

/// Events that match, in order. They have no index of their addresses' parts, which would cost more than all
/// else when they are taken in: where few match, a search stops on the way.
///
/// # Errors
/// The database's.
pub async fn search<C: ConnectionTrait + TransactionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
    portion: Portion<'_>,
) -> Result<Found<DeliveryEvent>> {
    let in_scope = |conditions: &mut Conditions| scope(filter, conditions);
    let all = filter.conditions(server_configuration_id);
    let (scope, matching) = Conditions::scoped(all, server_configuration_id, in_scope);
    let listing = Listing {
        tables: EVENTS,
        columns: "e.id, e.event_id, e.address, e.outcome, e.reason, e.smtp_code, e.status, e.reply, e.occurred_at, \
                  e.received_at, e.mail_server_id",
        order: Order { columns: ORDER, direction: filter.direction, place: Place::read_event },
        scope,
        matching,
        assured: None,
        first: None,
        narrow: Vec::new(),
    };
    listing.search(connection, portion).await?.read(event)
}

/// The SMTP reply code that a row has.
///
/// # Errors
/// [`Error::Unreadable`]: it is none.
pub(super) fn smtp_code(row: &QueryResult) -> Result<Option<u16>> {
    let code: Option<i32> = row.try_get("", "smtp_code")?;
    code.map(u16::try_from).transpose().map_err(|_| Error::Unreadable(format!("SMTP code {code:?}")))
}

fn event(row: &QueryResult) -> Result<DeliveryEvent> {
    let outcome: String = row.try_get("", "outcome")?;
    Ok(DeliveryEvent {
        id: row.try_get("", "id")?,
        event_id: row.try_get("", "event_id")?,
        address: row.try_get("", "address")?,
        outcome: Outcome::ALL
            .into_iter()
            .find(|known| known.as_str() == outcome)
            .ok_or_else(|| Error::Unreadable(format!("outcome {outcome:?}")))?,
        reason: optional_reason(row)?,
        smtp_code: smtp_code(row)?,
        status: row.try_get("", "status")?,
        reply: row.try_get("", "reply")?,
        occurred_at: time(row.try_get("", "occurred_at")?)?,
        received_at: time(row.try_get("", "received_at")?)?,
        mail_server_id: row.try_get("", "mail_server_id")?,
    })
}

/// What a log shows, for a download.
pub fn source(server_configuration_id: Uuid, filter: &Filter) -> Source {
    let in_scope = |conditions: &mut Conditions| scope(filter, conditions);
    let all = filter.conditions(server_configuration_id);
    let (scope, matching) = Conditions::scoped(all, server_configuration_id, in_scope);
    Source {
        tables: EVENTS,
        scope,
        matching,
        given: None,
        order: downloads::Order { columns: ORDER.map(Field::Number), direction: filter.direction },
        fields: &[
            Field::Number("e.occurred_at"),
            Field::Name("e.address"),
            Field::Name("e.outcome"),
            Field::Name("e.reason"),
            Field::Number("e.smtp_code"),
            Field::Name("e.status"),
            Field::Text("e.reply"),
            Field::Id("e.mail_server_id"),
            Field::Name("e.event_id"),
            Field::Number("e.received_at"),
        ],
    }
}

/// Events removed in one transaction: so few that nobody waits long.
const STEP: u64 = 2_000;

/// Whether there is an event that happened before a time.
///
/// # Errors
/// The database's.
pub async fn has_older(
    connection: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    before: DateTime<Utc>,
) -> Result<bool> {
    let sql = "SELECT 1 AS found FROM delivery_events WHERE server_configuration_id = $1 AND occurred_at < $2 LIMIT 1";
    exists(connection, sql, [server_configuration_id.into(), millis(before).into()]).await
}

/// Removes the oldest events that happened before a time; whether there may be more.
///
/// # Errors
/// The database's.
pub async fn remove_some(
    tx: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    before: DateTime<Utc>,
) -> Result<bool> {
    let sql = format!(
        "DELETE FROM delivery_events WHERE id IN (SELECT id FROM delivery_events WHERE server_configuration_id = $1 \
         AND occurred_at < $2 ORDER BY occurred_at, id LIMIT {STEP})"
    );
    let values = [server_configuration_id.into(), millis(before).into()];
    Ok(tx.execute_raw(statement(tx, sql, values)).await?.rows_affected() == STEP)
}
