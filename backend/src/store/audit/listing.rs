//! Searching the audit log.

use super::{COLUMNS, StoredEntry, of_log};
use crate::store::{
    Result,
    downloads::{Field, Order, Source},
    millis,
    search::{Conditions, Needle, Tables},
};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use shared::{
    audit::{ActorKind, AuditEntry},
    page::Direction,
};
use uuid::Uuid;

/// A search looks at so many entries at a time …
const WINDOW: i64 = 20_000;
/// … and gives up after so many times, with a place to go on from.
const WINDOWS: usize = 20;

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the actor's name, the action, the object, what was before and after, the comment or the client's address, in
    /// any case.
    pub text: Option<String>,
    /// By this kind of actor.
    pub actor_kind: Option<ActorKind>,
    /// Not before this time.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub to: Option<DateTime<Utc>>,
    /// Newest (descending) or oldest first.
    pub direction: Direction,
}

impl Filter {
    fn conditions(&self, account_id: Option<Uuid>) -> Conditions {
        let mut conditions = Conditions::new();
        of_log(&mut conditions, account_id);
        if let Some(needle) = self.text.as_deref().and_then(Needle::new) {
            let columns =
                ["actor_name", "action", "object", "before_value", "after_value", "comment", "client_address"];
            let condition = needle.within(&columns, &mut conditions);
            conditions.and(condition);
        }
        if let Some(kind) = self.actor_kind {
            conditions.equal("actor_kind", kind.as_str());
        }
        conditions.between("at", self.from.map(millis), self.to.map(millis));
        conditions
    }
}

/// The entries that match after the one with the number `after`, at most `limit`; and where the search gave up, if it did.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: Option<Uuid>,
    filter: &Filter,
    after: Option<i64>,
    limit: usize,
) -> Result<(Vec<AuditEntry>, Option<i64>)> {
    let last = length(connection, account_id).await?;
    let (direction, is_newest_first) = match filter.direction {
        Direction::Ascending => ("ASC", false),
        Direction::Descending => ("DESC", true),
    };
    let mut place = after.unwrap_or(if is_newest_first { last + 1 } else { 0 });
    let mut found = Vec::new();
    for _ in 0..WINDOWS {
        let (first_number, last_number) =
            if is_newest_first { (place - WINDOW, place - 1) } else { (place + 1, place + WINDOW) };
        let mut conditions = filter.conditions(account_id);
        let (first_placeholder, last_placeholder) = (conditions.bind(first_number), conditions.bind(last_number));
        conditions.and(format!("number BETWEEN {first_placeholder} AND {last_placeholder}"));
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_log {} ORDER BY number {direction} LIMIT {}",
            conditions.clause(),
            limit - found.len()
        );
        let rows = connection.query_all_raw(conditions.statement(connection, sql)).await?;
        for row in rows {
            found.push(StoredEntry::read(&row)?.shown()?);
        }
        let is_over = if is_newest_first { first_number <= 1 } else { last_number >= last };
        if found.len() >= limit || is_over {
            return Ok((found, None));
        }
        place = if is_newest_first { first_number } else { last_number };
    }
    Ok((found, Some(place)))
}

/// How many entries a log has.
async fn length<C: ConnectionTrait>(connection: &C, account_id: Option<Uuid>) -> Result<i64> {
    let mut conditions = Conditions::new();
    of_log(&mut conditions, account_id);
    let sql = format!("SELECT MAX(number) AS n FROM audit_log {}", conditions.clause());
    let row = connection.query_one_raw(conditions.statement(connection, sql)).await?;
    Ok(row.map(|row| row.try_get::<Option<i64>>("", "n")).transpose()?.flatten().unwrap_or_default())
}

/// The entries that match, for a download.
pub fn source(account_id: Option<Uuid>, filter: &Filter) -> Source {
    let mut scope = Conditions::new();
    of_log(&mut scope, account_id);
    let matching = filter.conditions(account_id);
    Source {
        tables: Tables::new("audit_log", "audit_log"),
        scope,
        matching,
        given: None,
        order: Order { columns: [Field::Number("number"), Field::Id("id")], direction: filter.direction },
        fields: &[
            Field::Number("number"),
            Field::Number("at"),
            Field::Name("actor_kind"),
            Field::Text("actor_name"),
            Field::Name("action"),
            Field::Text("object"),
            Field::Text("before_value"),
            Field::Text("after_value"),
            Field::Text("comment"),
            Field::Name("client_address"),
            Field::Name("request_id"),
            Field::Name("hash"),
        ],
    }
}
