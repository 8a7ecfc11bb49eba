//! A text that few addresses hold is looked for among all rows marked `odd`: their index holds what is compared, so that
//! SQLite reads a row of the table only where it matches. PostgreSQL is fast enough without.

use crate::{Change, OwnStatements};

pub(crate) const MIGRATION: OwnStatements = OwnStatements {
    name: "m0027_odd_addresses",
    sqlite: Change { up: UP, down: DOWN },
    postgres: Change { up: &[], down: &[] },
};

const UP: &[&str] = &[
    "DROP INDEX blocked_addresses_odd",
    "CREATE INDEX blocked_addresses_odd \
     ON blocked_addresses (server_configuration_id, blocked_at, id, address_key, address) WHERE odd",
    "DROP INDEX exemptions_odd",
    "CREATE INDEX exemptions_odd \
     ON exemptions (server_configuration_id, released_at, id, address_key, address) WHERE odd",
];

const DOWN: &[&str] = &[
    "DROP INDEX exemptions_odd",
    "CREATE INDEX exemptions_odd ON exemptions (server_configuration_id, released_at, id) WHERE odd",
    "DROP INDEX blocked_addresses_odd",
    "CREATE INDEX blocked_addresses_odd ON blocked_addresses (server_configuration_id, blocked_at, id) WHERE odd",
];
