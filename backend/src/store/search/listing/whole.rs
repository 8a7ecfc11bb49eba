//! All that matches, for what is done to it as a whole. However long the list is, no statement is.

use super::{Found, Listing, Portion};
use crate::store::{Result, search::Place};
use sea_orm::{ConnectionTrait, QueryResult, TransactionTrait};

impl Listing {
    /// What matches, in order, where an index names few candidates; `None` where it has to be walked to.
    ///
    /// # Errors
    /// The database's.
    pub async fn look_up<C: ConnectionTrait + TransactionTrait>(
        &self,
        connection: &C,
        portion: Portion<'_>,
    ) -> Result<Option<Found<QueryResult>>> {
        for narrow in &self.narrow {
            if let Some(found) = self.by_index(connection, narrow, portion).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The next matches, as far as one walk goes, and where it gave up: neither is the portion full nor the list at its
    /// end.
    ///
    /// # Errors
    /// The database's.
    pub async fn walk(
        &self,
        connection: &impl ConnectionTrait,
        portion: Portion<'_>,
    ) -> Result<(Vec<(Place, QueryResult)>, Option<Place>)> {
        self.in_order(connection, portion, None).await
    }

    /// How many of the next `size` rows match, and the last of these rows; `None` where the list ends before it.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_next(
        &self,
        connection: &impl ConnectionTrait,
        after: Option<&Place>,
        size: u64,
    ) -> Result<(i64, Option<Place>)> {
        let end = self.boundary(connection, after, size).await?;
        let mut conditions = self.matching.clone();
        conditions.range(&self.order, after, end.as_ref());
        let joined = self.tables.joined(connection.get_database_backend());
        let sql = format!("SELECT COUNT(*) AS n FROM {joined} {}", conditions.clause());
        let row = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        Ok((row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default(), end))
    }
}
