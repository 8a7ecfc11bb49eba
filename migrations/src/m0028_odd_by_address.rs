//! The rows marked `odd` also by address: their index by date does not help who sorts by address, so that a text which few
//! addresses hold was looked for among all rows.

use crate::{Change, OwnStatements};

pub(crate) const MIGRATION: OwnStatements = OwnStatements {
    name: "m0028_odd_by_address",
    sqlite: Change { up: UP, down: DOWN },
    postgres: Change { up: UP, down: DOWN },
};

const UP: &[&str] = &[
    "CREATE INDEX blocked_addresses_odd_by_address \
     ON blocked_addresses (server_configuration_id, address_key, id, address) WHERE odd",
    "CREATE INDEX exemptions_odd_by_address \
     ON exemptions (server_configuration_id, address_key, id, address) WHERE odd",
];

const DOWN: &[&str] = &["DROP INDEX exemptions_odd_by_address", "DROP INDEX blocked_addresses_odd_by_address"];
