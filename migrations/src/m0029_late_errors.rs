//! Which deliveries reset the count of their address: errors that happened before are not counted when they come later.
//! And whose receipts a distribution lacks is found among what is new.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0029_late_errors", up: UP, down: DOWN };

const UP: &[&str] = &[
    // Only where deliveries reset counts: an index of all of them would cost more than storing them.
    "ALTER TABLE delivery_events ADD COLUMN resets_count BOOLEAN NOT NULL DEFAULT FALSE",
    "CREATE INDEX delivery_events_resets ON delivery_events (server_configuration_id, address_key, occurred_at) \
     WHERE resets_count",
    // Of a mail server: what it held when it got its newest receipt.
    "CREATE INDEX receipts_mail_server ON receipts (mail_server_id, version)",
    "DROP INDEX distributions_incomplete",
    "CREATE INDEX distributions_incomplete ON distributions (server_configuration_id, version) \
     WHERE completed_at IS NULL",
];

const DOWN: &[&str] = &[
    "DROP INDEX distributions_incomplete",
    "CREATE INDEX distributions_incomplete ON distributions (server_configuration_id) WHERE completed_at IS NULL",
    "DROP INDEX receipts_mail_server",
    "DROP INDEX delivery_events_resets",
    "ALTER TABLE delivery_events DROP COLUMN resets_count",
];
