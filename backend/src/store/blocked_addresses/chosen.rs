//! The live blocks that something is done to as a whole. However long the list is, no statement is: an index names few
//! candidates, or the list is walked in pieces.

use super::{
    Seen,
    listing::{Filter, LIVE, ON_THE_LIST, listing, live, read},
};
use crate::store::{
    Error, Result,
    search::{Effort, Listing, Narrow, Place, Portion},
};
use sea_orm::{ConnectionTrait, TransactionTrait};
use shared::{
    list::{BlockedAddress, ListSort},
    page::Direction,
};
use uuid::Uuid;

/// Which live blocks are meant.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Those of this configuration.
    pub server_configuration_id: Uuid,
    /// Those that match.
    pub filter: Filter,
    /// Those that were on the list then; `None`: whenever they came.
    pub seen: Option<Seen>,
    /// How much work one look at them is.
    pub effort: Effort,
}

/// How many blocks are meant, as far as they are counted.
#[derive(Debug, Default)]
pub struct Counting {
    /// So many.
    pub count: i64,
    after: Option<Place>,
}

/// The next blocks that are meant.
#[derive(Debug, Default)]
pub struct NextBlocks {
    /// When they were made, and their ids.
    pub blocks: Vec<(i64, Uuid)>,
    /// Where to go on, the same of a block; `None` at the end of the list.
    pub after: Option<(i64, Uuid)>,
}

fn by_time(place: Place) -> Result<(i64, Uuid)> {
    match place {
        Place::Time(at, id) => Ok((at, id)),
        other => Err(Error::Unreadable(format!("a place by time: {other:?}"))),
    }
}

impl Chosen {
    /// Them by time; `None`: no live block can be meant.
    fn listing(&self, columns: &'static str, direction: Direction) -> Option<Listing> {
        let mut conditions = live(&self.filter, self.server_configuration_id)?;
        if let Some(seen) = &self.seen {
            seen.restrict(self.filter.state, &mut conditions);
        }
        let part = (conditions, LIVE, columns);
        let mut listing = listing(&self.filter, self.server_configuration_id, part, (ListSort::Date, direction));
        // The walk is by the index of everything else.
        listing.narrow.retain(|narrow| matches!(narrow, Narrow::Text(_)));
        Some(listing)
    }

    /// Counts on; false when all are counted.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_on<C: ConnectionTrait + TransactionTrait>(
        &self,
        connection: &C,
        counting: &mut Counting,
    ) -> Result<bool> {
        let Some(listing) = self.listing("b.id", Direction::Ascending) else { return Ok(false) };
        if counting.after.is_none() {
            let portion = Portion { after: None, limit: 1, effort: self.effort };
            if let Some(found) = listing.look_up(connection, portion).await? {
                counting.count = found.total.count as i64;
                return Ok(false);
            }
        }
        let (count, end) = listing.count_next(connection, counting.after.as_ref(), self.effort.probe).await?;
        counting.count += count;
        counting.after = end;
        Ok(counting.after.is_some())
    }

    /// The next ones, oldest first, at most `limit`: fewer also where they are rare. There are `total` of them.
    ///
    /// # Errors
    /// The database refused.
    pub async fn next<C: ConnectionTrait + TransactionTrait>(
        &self,
        connection: &C,
        total: i64,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<NextBlocks> {
        let Some(listing) = self.listing("b.id", Direction::Ascending) else { return Ok(NextBlocks::default()) };
        let after = after.map(|(at, id)| Place::Time(at, id));
        let portion = Portion { after: after.as_ref(), limit: limit as u64, effort: self.effort };
        // Of so many an index would name too many.
        let are_few = total <= self.effort.candidates as i64;
        let found = if are_few { listing.look_up(connection, portion).await? } else { None };
        let (rows, stopped) = match found {
            Some(found) => (found.rows, None),
            None => listing.walk(connection, portion).await?,
        };
        let blocks = rows.into_iter().map(|(place, _)| by_time(place)).collect::<Result<Vec<_>>>()?;
        let stopped = stopped.map(by_time).transpose()?;
        let after = if blocks.len() < limit { stopped } else { blocks.last().copied() };
        Ok(NextBlocks { blocks, after })
    }

    /// The newest ones, at most `limit`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn newest<C: ConnectionTrait + TransactionTrait>(
        &self,
        connection: &C,
        limit: usize,
    ) -> Result<Vec<BlockedAddress>> {
        let (mut blocks, mut after) = (Vec::new(), None::<Place>);
        let Some(listing) = self.listing(ON_THE_LIST, Direction::Descending) else { return Ok(blocks) };
        let portion = Portion { after: None, limit: limit as u64, effort: self.effort };
        if let Some(found) = listing.look_up(connection, portion).await? {
            return found.rows.iter().map(|(_, row)| read(row)).collect();
        }
        while blocks.len() < limit {
            let portion = Portion { after: after.as_ref(), limit: (limit - blocks.len()) as u64, effort: self.effort };
            let (rows, stopped) = listing.walk(connection, portion).await?;
            for (_, row) in &rows {
                blocks.push(read(row)?);
            }
            after = stopped;
            if after.is_none() {
                break;
            }
        }
        Ok(blocks)
    }
}
