//! List operations: registrations, bulk releases and their undo, each in many small transactions.
//!
//! What an operation does to the list hangs on one change set. While that set is not `ready` it does not count: its
//! blocks are not on the list, what it takes off still is, the exemptions that it makes do not hold, and those that it
//! ends still do. Making it ready is one update, so a million rows change together.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0007_list_operations", up: UP, down: DOWN };

const UP: &[&str] = &[
    "ALTER TABLE change_sets ADD COLUMN ready BOOLEAN NOT NULL DEFAULT TRUE",
    "CREATE INDEX change_sets_building ON change_sets (server_configuration_id) WHERE NOT ready",
    // A set that is not ready may take off blocks of a set that is pending still: that part of its sum. When it becomes
    // ready, what is still pending then was never on a published list and leaves both sums.
    "CREATE TABLE pending_parts (
        removed_set_id UUID NOT NULL REFERENCES change_sets(id),
        added_set_id UUID NOT NULL,
        count BIGINT NOT NULL,
        checksum TEXT NOT NULL,
        PRIMARY KEY (removed_set_id, added_set_id)
    )",
    // Of a block that an undo has made again: the set that had added the first one. So the undo of a registration finds
    // what was released and blocked again meanwhile.
    "ALTER TABLE blocked_addresses ADD COLUMN first_set_id UUID",
    "ALTER TABLE removed_blocks ADD COLUMN first_set_id UUID",
    "CREATE INDEX blocked_addresses_first ON blocked_addresses (first_set_id, address_key) \
     WHERE first_set_id IS NOT NULL",
    // `made_set_id`, `ended_set_id`: the operation's set, where one made or ended the exemption. An ended one stays, so
    // that an undo finds it; only one for an address has no end. `release_set_id`: the bulk release that it is from.
    "ALTER TABLE exemptions ADD COLUMN made_set_id UUID REFERENCES change_sets(id)",
    "ALTER TABLE exemptions ADD COLUMN ended_set_id UUID REFERENCES change_sets(id)",
    "ALTER TABLE exemptions ADD COLUMN release_set_id UUID",
    "DROP INDEX exemptions_key",
    // Under a new name: another connection to SQLite may still see the old one.
    "CREATE UNIQUE INDEX exemptions_open ON exemptions (server_configuration_id, address_key) \
     WHERE ended_set_id IS NULL",
    "CREATE INDEX exemptions_address ON exemptions (server_configuration_id, address_key, id)",
    "CREATE INDEX exemptions_made ON exemptions (made_set_id, address_key) WHERE made_set_id IS NOT NULL",
    "CREATE INDEX exemptions_release ON exemptions (release_set_id, address_key) WHERE release_set_id IS NOT NULL",
    "CREATE INDEX exemptions_ended ON exemptions (ended_set_id, address_key) WHERE ended_set_id IS NOT NULL",
    // `parameters`, `position` (where to go on), `counts`: JSON. `rung_at`: when the queue was last told of the row, or
    // a step was done. `change_set_id` is NULL before the first step and after the last of a cancellation.
    "CREATE TABLE list_operations (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        rung_at BIGINT NOT NULL,
        started_at BIGINT,
        finished_at BIGINT,
        requested_by TEXT NOT NULL,
        comment TEXT,
        parameters TEXT NOT NULL,
        upload_id UUID,
        undo_of UUID REFERENCES list_operations(id),
        undone_by UUID,
        change_set_id UUID,
        position TEXT,
        total BIGINT,
        done BIGINT NOT NULL,
        counts TEXT NOT NULL,
        distribution_id UUID,
        run_id UUID,
        attempts BIGINT NOT NULL,
        error TEXT
    )",
    "CREATE INDEX list_operations_time ON list_operations (server_configuration_id, created_at, id)",
    "CREATE INDEX list_operations_unfinished ON list_operations (server_configuration_id, created_at) \
     WHERE finished_at IS NULL",
];

const DOWN: &[&str] = &[
    "DROP TABLE list_operations",
    "DROP INDEX exemptions_ended",
    "DROP INDEX exemptions_release",
    "DROP INDEX exemptions_made",
    "DROP INDEX exemptions_address",
    "DROP INDEX exemptions_open",
    "DELETE FROM exemptions WHERE ended_set_id IS NOT NULL",
    "ALTER TABLE exemptions DROP COLUMN release_set_id",
    "ALTER TABLE exemptions DROP COLUMN ended_set_id",
    "ALTER TABLE exemptions DROP COLUMN made_set_id",
    "CREATE UNIQUE INDEX exemptions_key ON exemptions (server_configuration_id, address_key)",
    "DROP INDEX blocked_addresses_first",
    "ALTER TABLE removed_blocks DROP COLUMN first_set_id",
    "ALTER TABLE blocked_addresses DROP COLUMN first_set_id",
    "DROP TABLE pending_parts",
    "DROP INDEX change_sets_building",
    "ALTER TABLE change_sets DROP COLUMN ready",
];
