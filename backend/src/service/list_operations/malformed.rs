//! Malformed addresses of an upload. No registration takes them, so the analysis calls their rows invalid. But what was
//! blocked for its malformed address is in a downloaded list: a release by that file is about these blocks, too.

use crate::{
    service::Result,
    store::{
        ConnectionTrait,
        blocked_addresses::{self, Block},
        uploads::contents::{self, InvalidRow},
    },
};
use shared::{Address, AddressKey, upload::InvalidCause};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Invalid rows that are read at a time.
const PART: usize = 2_000;

/// Live blocks, at most `limit`, of the malformed addresses among the invalid rows that the analysis kept.
pub(super) async fn blocks<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    upload_id: Uuid,
    limit: usize,
) -> Result<Vec<Block>> {
    // By their ids: an address may be in the file more than once.
    let (mut found, mut last) = (BTreeMap::new(), 0);
    while found.len() < limit {
        let rows = contents::invalid_rows(connection, upload_id, last, PART).await?;
        let Some(row) = rows.last() else { break };
        last = row.line;
        let keys: Vec<AddressKey> = rows.iter().filter_map(key).collect();
        let keys: Vec<&AddressKey> = keys.iter().collect();
        let blocks = blocked_addresses::with_keys(connection, server_configuration_id, &keys).await?;
        found.extend(blocks.into_iter().map(|block| (block.id, block)));
    }
    Ok(found.into_values().take(limit).collect())
}

/// The address that a block may have, where only the form of the row's is wrong.
fn key(row: &InvalidRow) -> Option<AddressKey> {
    let has_wrong_form =
        matches!(row.cause, InvalidCause::NoAt | InvalidCause::EmptyLocalPart | InvalidCause::EmptyDomain);
    // In the place of what cannot be stored.
    let is_whole = !row.value.contains(char::REPLACEMENT_CHARACTER);
    let address = Address::parse_malformed(&row.value).ok().filter(|_| has_wrong_form && is_whole)?;
    Some(address.into_parts().1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_file_as_it_is_blocked_is_looked_for() {
        for (value, cause, expected) in [
            ("Foo@", InvalidCause::EmptyDomain, Some("foo@")),
            ("@Example.com", InvalidCause::EmptyLocalPart, Some("@example.com")),
            ("Taro", InvalidCause::NoAt, Some("taro")),
            ("", InvalidCause::Empty, None),
            ("ta\u{fffd}ro", InvalidCause::NoAt, None),
            ("ta\nro", InvalidCause::NoAt, None),
            ("taro@example.com", InvalidCause::UnclosedQuote, None),
        ] {
            let row = InvalidRow { line: 1, value: value.to_owned(), cause };
            assert_eq!(key(&row).as_ref().map(AddressKey::as_str), expected, "{value:?}");
        }
    }
}
