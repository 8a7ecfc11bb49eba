//! What was on the list when somebody asked for something.

use crate::store::{Result, change_sets, search::Conditions, statement};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use shared::list::BlockState;
use uuid::Uuid;

/// The change sets that counted at one moment. The time of a block does not tell whether it was there: what an
/// operation adds is as old as the operation, or as the block that it makes again, and counts only when all of it is
/// done.
///
/// Ids of sets are in the order in which they were made; where several nodes make them, as far as their clocks agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The version of the published list.
    version: i64,
    /// The newest set that counted.
    newest_set_id: Uuid,
    /// The sets that operations at work were building.
    building: Vec<Uuid>,
}

impl Seen {
    /// What is on the list now.
    ///
    /// # Errors
    /// The database refused.
    pub async fn now<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<Self> {
        let version = change_sets::head(connection, server_configuration_id).await?.map_or(0, |head| head.version);
        let of_configuration = || [Value::from(server_configuration_id)];
        // First: what begins to count after this is newer, or counts already when the others are read.
        let sql = "SELECT id FROM change_sets WHERE server_configuration_id = $1 AND ready ORDER BY id DESC LIMIT 1";
        let newest = connection.query_one_raw(statement(connection, sql, of_configuration())).await?;
        let newest_set_id: Option<Uuid> = newest.map(|row| row.try_get("", "id")).transpose()?;
        let sql = "SELECT id FROM change_sets WHERE server_configuration_id = $1 AND NOT ready";
        let rows = connection.query_all_raw(statement(connection, sql, of_configuration())).await?;
        let building = rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect::<Result<Vec<Uuid>>>()?;
        Ok(Self { version, newest_set_id: newest_set_id.unwrap_or_default(), building })
    }

    /// Leaves only the blocks that were on the list, and of those in effect only the ones that were in effect.
    pub(super) fn restrict(&self, state: Option<BlockState>, conditions: &mut Conditions) {
        let newest = conditions.bind(self.newest_set_id);
        conditions.and(format!("b.added_set_id <= {newest}"));
        for id in &self.building {
            let building = conditions.bind(*id);
            conditions.and(format!("b.added_set_id <> {building}"));
        }
        if state == Some(BlockState::InEffect) {
            let version = conditions.bind(self.version);
            conditions.and(format!("s.version <= {version}"));
        }
    }
}
