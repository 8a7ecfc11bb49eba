//! The blocks that have ended, for the export of an account.

use crate::store::{
    downloads::{self, Field, Source},
    search::{Conditions, Tables},
};
use shared::page::Direction;
use uuid::Uuid;

/// All blocks that have ended, by address: what ended them, and who.
pub fn ended_source(server_configuration_id: Uuid) -> Source {
    let mut scope = Conditions::new();
    scope.equal("b.server_configuration_id", server_configuration_id);
    let mut matching = scope.clone();
    // What a set that is not ready adds or takes off has not ended.
    matching.and("s.ready AND (r.id IS NULL OR r.ready)");
    Source {
        tables: Tables::new("removed_blocks", "b").join(
            " JOIN change_sets s ON s.id = b.added_set_id LEFT JOIN change_sets r ON r.id = b.removed_set_id \
             LEFT JOIN list_operations o ON o.change_set_id = r.id AND b.removed_by IS NULL \
             AND b.cause IN ('release', 'undone')",
        ),
        scope,
        matching,
        given: None,
        order: downloads::Order {
            columns: [Field::Name("b.address_key"), Field::Id("b.id")],
            direction: Direction::Ascending,
        },
        fields: &[
            Field::Name("b.address"),
            Field::Name("b.reason"),
            Field::Name("b.origin"),
            Field::Number("b.blocked_at"),
            Field::Name("b.cause"),
            Field::Number("b.removed_at"),
            Field::Text("COALESCE(b.removed_by, o.requested_by)"),
            Field::Text("COALESCE(b.comment, o.comment)"),
        ],
    }
}
