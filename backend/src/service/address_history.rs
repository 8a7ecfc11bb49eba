//! What happened to one address: why is it blocked, and since when is that in effect?

use super::{Error, Result, position, server_configurations::OpenConfiguration};
use crate::{
    state::AppState,
    store::{
        ConnectionTrait,
        address_history::{self, Counted, EventPlace, Whose},
        agent_lists, blocked_addresses, exemptions,
        mail_servers::{self, StoredMailServer},
        search::{CursorScope, Keyset},
    },
};
use shared::{
    Address, Page, RefusalCode,
    address_history::{AddressEvent, AddressEventKind, AddressHistory, AddressOnMailServer, Holding},
    run::ReasonCount,
};
use uuid::Uuid;

/// The history of an address, with a page of its events.
///
/// # Errors
/// [`Error::Invalid`] names `address` when it is none, unless Stoplist has it all the same because of its malformed
/// address; `cursor` when it is of another address. The database refused.
pub async fn show(
    state: &AppState,
    configuration: &OpenConfiguration,
    address: &str,
    cursor: Option<&str>,
    limit: u16,
) -> Result<AddressHistory> {
    let no_address =
        |error: shared::InvalidAddress| Error::field("address", RefusalCode::NotAnAddress, error.to_string());
    let well_formed = Address::parse(address);
    let parsed = Address::parse_malformed(address).map_err(no_address)?;
    let whose = Whose { server_configuration_id: configuration.id, key: parsed.key() };
    let scope = CursorScope::new("address_history", configuration.id, &whose.key);
    let after: Option<EventPlace> = position(&scope, cursor)?;
    let connection = state.db.connection();

    let held = agent_lists::held_by_all(connection, configuration.id).await?;
    let block = blocked_addresses::of_address(connection, whose, held).await?;
    let exemption = exemptions::of_address(connection, whose).await?;
    let mut counted = address_history::counted(connection, whose).await?;
    let events = events(connection, whose, after.as_ref(), limit, &counted).await?;
    if let Err(error) = well_formed
        && block.is_none()
        && exemption.is_none()
        && counted.is_empty()
        && events.is_empty()
    {
        return Err(no_address(error));
    }
    let first_seen = counted.first().map(|counted| counted.address.clone());
    let listed = block.as_ref().map(|block| block.address.clone());
    let listed = listed.or_else(|| exemption.as_ref().map(|exemption| exemption.address.clone()));
    counted.retain(|counted| counted.count > 0);
    counted.sort_by_key(|counted| counted.reason);
    let page = scope.page(events, limit, None, |(place, _)| *place);
    let items = page.items.into_iter().map(|(_, event)| event).collect();
    Ok(AddressHistory {
        address: listed.or(first_seen).unwrap_or_else(|| parsed.spelling().to_owned()),
        block,
        exemption,
        counts: counted.iter().map(|of| ReasonCount { reason: of.reason, count: of.count }).collect(),
        mail_servers: on_mail_servers(connection, whose, configuration.stored.head.epoch).await?,
        events: Page { items, next_cursor: page.next_cursor, total: None },
    })
}

/// The events after a place, newest first: a page, and one more if there is one.
async fn events<C: ConnectionTrait>(
    connection: &C,
    whose: Whose<'_>,
    after: Option<&EventPlace>,
    limit: u16,
    counted: &[Counted],
) -> Result<Vec<(EventPlace, AddressEvent)>> {
    let wanted = usize::from(limit) + 1;
    let mut all = Vec::new();
    for kind in AddressEventKind::ALL {
        all.extend(address_history::events(connection, whose, kind, after, wanted).await?);
    }
    all.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    all.truncate(wanted);
    for (_, event) in &mut all {
        if let Some(error) = &mut event.error {
            let counts = |of: &Counted| of.reason == event.reason && of.count > 0 && of.first_at <= event.at;
            error.counted = counted.iter().any(counts);
        }
    }
    Ok(all)
}

/// What each mail server of the configuration has of the address.
async fn on_mail_servers<C: ConnectionTrait>(
    connection: &C,
    whose: Whose<'_>,
    epoch: Uuid,
) -> Result<Vec<AddressOnMailServer>> {
    let versions = address_history::versions(connection, whose).await?;
    let mut all = Vec::new();
    for server in mail_servers::list(connection, whose.server_configuration_id, Keyset::ALL).await? {
        let version = server.acknowledged.map(|acknowledged| acknowledged.version);
        let (holding, changed_with) = holding(&versions, known_version(&server, epoch));
        let since = match changed_with {
            None => None,
            Some(version) => {
                let id = whose.server_configuration_id;
                let first = address_history::acknowledged_since(connection, id, server.id, version).await?;
                first.or(server.acknowledged.map(|acknowledged| acknowledged.at))
            }
        };
        all.push(AddressOnMailServer {
            mail_server_id: server.id,
            mail_server_name: server.name,
            active: server.active,
            holding,
            since,
            version,
        });
    }
    Ok(all)
}

/// The version of this history that a mail server holds rightly.
fn known_version(server: &StoredMailServer, epoch: Uuid) -> Option<i64> {
    server.acknowledged.filter(|held| held.matches && held.epoch == epoch).map(|held| held.version)
}

/// Whether a list version has the address, and with which version that began: never, for one that never had it.
fn holding(versions: &[(i64, Option<i64>)], version: Option<i64>) -> (Holding, Option<i64>) {
    let Some(version) = version else { return (Holding::Unknown, None) };
    let had = versions.iter().filter(|(added, _)| *added <= version);
    let holds = had.clone().filter(|(_, removed)| removed.is_none_or(|removed| removed > version));
    match holds.map(|(added, _)| *added).max() {
        Some(added) => (Holding::Held, Some(added)),
        None => (Holding::NotHeld, had.filter_map(|(_, removed)| *removed).max()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_what_was_added_before_and_is_removed_later() {
        let versions = [(2, Some(4)), (6, None)];
        for (version, expected) in [
            (None, (Holding::Unknown, None)),
            (Some(1), (Holding::NotHeld, None)),
            (Some(2), (Holding::Held, Some(2))),
            (Some(3), (Holding::Held, Some(2))),
            (Some(4), (Holding::NotHeld, Some(4))),
            (Some(5), (Holding::NotHeld, Some(4))),
            (Some(9), (Holding::Held, Some(6))),
        ] {
            assert_eq!(holding(&versions, version), expected, "{version:?}");
        }
        assert_eq!(holding(&[], Some(3)), (Holding::NotHeld, None));
    }
}
