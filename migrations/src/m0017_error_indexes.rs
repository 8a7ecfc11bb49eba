//! The orders of the error log alone.
//!
//! Nine of ten events are deliveries, and each index of a random column costs a page written per event: an index of all
//! events by domain and one by address cost more than storing the events. What people look for by domain or address is
//! an error. Their statements say `outcome = 'error'` in so many words, otherwise no database chooses these indexes.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0017_error_indexes", up: UP, down: DOWN };

const UP: &[&str] = &[
    "DROP INDEX delivery_events_outcome",
    "DROP INDEX delivery_events_address",
    "DROP INDEX delivery_events_domain",
    "CREATE INDEX delivery_events_errors ON delivery_events (server_configuration_id, occurred_at, id) \
     WHERE outcome = 'error'",
    "CREATE INDEX delivery_events_address ON delivery_events (server_configuration_id, address_key, occurred_at, id) \
     WHERE outcome = 'error'",
    "CREATE INDEX delivery_events_domain ON delivery_events (server_configuration_id, domain, occurred_at, id) \
     WHERE outcome = 'error'",
];

const DOWN: &[&str] = &[
    "DROP INDEX delivery_events_domain",
    "DROP INDEX delivery_events_address",
    "DROP INDEX delivery_events_errors",
    "CREATE INDEX delivery_events_outcome ON delivery_events (server_configuration_id, outcome, occurred_at, id)",
    "CREATE INDEX delivery_events_address ON delivery_events (server_configuration_id, address_key, occurred_at, id)",
    "CREATE INDEX delivery_events_domain ON delivery_events (server_configuration_id, domain, occurred_at, id)",
];
