//! In SQLite the indexes of addresses with unusual characters hold the addresses: what is looked for and in no address is
//! then not looked for in a hundred thousand rows of the tables. PostgreSQL looks at the row whatever its index holds.

use crate::{Change, OwnStatements};

pub(crate) const MIGRATION: OwnStatements = OwnStatements {
    name: "m0027_odd_texts",
    sqlite: Change { up: UP, down: DOWN },
    postgres: Change { up: &[], down: &[] },
};

const UP: &[&str] = &[
    "DROP INDEX blocked_addresses_odd",
    "CREATE INDEX blocked_addresses_odd
    ON blocked_addresses (server_configuration_id, blocked_at, id, address_key, address) WHERE odd",
    "DROP INDEX exemptions_odd",
    "CREATE INDEX exemptions_odd
    ON exemptions (server_configuration_id, released_at, id, address_key, address) WHERE odd",
];

const DOWN: &[&str] = &[
    "DROP INDEX exemptions_odd",
    "CREATE INDEX exemptions_odd ON exemptions (server_configuration_id, released_at, id) WHERE odd",
    "DROP INDEX blocked_addresses_odd",
    "CREATE INDEX blocked_addresses_odd ON blocked_addresses (server_configuration_id, blocked_at, id) WHERE odd",
];
