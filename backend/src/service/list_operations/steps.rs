//! What the steps of each kind of operation do to the lists. All of it hangs on a change set that is not ready.

use super::{chosen, malformed};
use crate::{
    service::{Error, Result, blocked_addresses::count_off},
    state::AppState,
    store::{
        DatabaseTransaction,
        blocked_addresses::{self, Block, Chosen, Counting, End, NextBlocks, bulk},
        change_sets::{self, ChangeSet},
        conditions, exemptions,
        list_operations::{self, Position, StoredOperation},
    },
};
use chrono::{DateTime, Utc};
use shared::{
    AddressKey,
    list::{BlockState, RemovalCause},
    list_operation::{ListOperationKind, ListOperationState},
};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How often it is noted that an operation counts its blocks: long before the sweep takes its job for dead.
const NOTE: Duration = Duration::from_secs(5);

/// What was found before a step's transaction.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How many rows there are to look at, if that was not known.
    total: Option<i64>,
    /// The next blocks that a release is about.
    next: NextBlocks,
    /// The next blocks of malformed addresses, where an upload that is released has no places after these rows.
    malformed: Vec<Uuid>,
}

impl Found {
    /// Whether a step has fewer rows than it might because it was looked for long enough, and not because there are no
    /// more.
    pub(super) fn is_short(&self, rows: usize) -> bool {
        self.next.after.is_some() && self.next.blocks.len() < rows
    }
}

/// What an undo undoes.
pub(super) struct Undone {
    /// The operation.
    pub(super) kind: ListOperationKind,
    /// Its change set.
    pub(super) set_id: Uuid,
}

/// Looks for what may take long to find.
pub(super) async fn look(state: &AppState, stored: &StoredOperation, rows: usize) -> Result<Found> {
    let connection = state.db.connection();
    let server_configuration_id = stored.server_configuration_id;
    let operation = &stored.operation;
    let mut found = Found::default();
    if operation.state != ListOperationState::Running {
        return Ok(found);
    }
    let filter = operation.parameters.filter.as_ref();
    let chosen =
        filter.map(|filter| chosen(server_configuration_id, filter, operation.created_at, stored.seen.clone()));
    if operation.total.is_none() {
        found.total = Some(match (&chosen, operation.upload_id, operation.undo_of) {
            (Some(chosen), _, _) => count(state, operation.id, chosen).await?,
            (None, _, Some(undone)) => {
                let undone = list_operations::get(connection, undone).await?.ok_or(Error::NotFound)?;
                undone.operation.counts.added + undone.operation.counts.removed
            }
            (None, Some(upload), None) => bulk::count_places(connection, upload).await?,
            (None, None, None) => 0,
        });
    }
    let total = operation.total.or(found.total).unwrap_or_default();
    if let Some(chosen) = &chosen {
        let after = match &stored.position {
            Some(Position::Block(at, id)) => Some((*at, *id)),
            _ => None,
        };
        found.next = chosen.next(connection, total, after, rows).await?;
    }
    if let (ListOperationKind::Release, Some(upload)) = (operation.kind, operation.upload_id)
        && total - operation.done < rows as i64
    {
        let blocks = malformed::blocks(connection, server_configuration_id, upload, rows).await?;
        found.malformed = blocks.into_iter().map(|block| block.id).collect();
    }
    Ok(found)
}

/// Counts the blocks that a release is about, which may take longer than the sweep waits.
async fn count(state: &AppState, id: Uuid, chosen: &Chosen) -> Result<i64> {
    let (mut counting, mut noted) = (Counting::default(), Instant::now());
    while chosen.count_on(state.db.connection(), &mut counting).await? {
        if noted.elapsed() > NOTE {
            let transaction = state.db.begin().await?;
            list_operations::rung(&transaction, id, state.clock.now()).await?;
            transaction.commit().await?;
            noted = Instant::now();
        }
    }
    Ok(counting.count)
}

/// A step at work in its transaction.
pub(super) struct Work<'a> {
    pub(super) transaction: &'a DatabaseTransaction,
    /// The operation, to be saved afterwards.
    pub(super) stored: StoredOperation,
    /// The set that holds what it does, to be saved afterwards; `None` when it was taken back as a whole.
    pub(super) set: Option<ChangeSet>,
    pub(super) undone: Option<Undone>,
    pub(super) now: DateTime<Utc>,
    found: Found,
    rows: usize,
}

impl<'a> Work<'a> {
    pub(super) async fn open(
        transaction: &'a DatabaseTransaction,
        mut stored: StoredOperation,
        found: Found,
        rows: usize,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let server_configuration_id = stored.server_configuration_id;
        let set = match stored.change_set_id {
            Some(id) => Some(change_sets::get(transaction, id).await?),
            None if stored.operation.state == ListOperationState::Cancelling => None,
            None => Some(change_sets::build(transaction, server_configuration_id, now).await?),
        };
        stored.change_set_id = set.as_ref().map(|set| set.id);
        stored.operation.total = stored.operation.total.or(found.total);
        let mut undone = None;
        if let Some(id) = stored.operation.undo_of {
            let of = list_operations::get(transaction, id).await?.ok_or(Error::NotFound)?;
            let set_id = of.change_set_id.ok_or(Error::NotFound)?;
            undone = Some(Undone { kind: of.operation.kind, set_id });
        }
        Ok(Self { transaction, stored, set, undone, now, found, rows })
    }

    /// Whether it puts addresses on the list; otherwise it takes them off.
    pub(super) fn adds(&self) -> bool {
        match &self.undone {
            None => self.stored.operation.kind == ListOperationKind::RegisterUpload,
            Some(undone) => undone.kind == ListOperationKind::Release,
        }
    }

    /// The time of everything that it makes.
    fn at(&self) -> DateTime<Utc> {
        self.stored.operation.started_at.unwrap_or(self.now)
    }

    /// Does the next rows; true when there are none left.
    pub(super) async fn step(&mut self) -> Result<bool> {
        let Some(mut set) = self.set.take() else { return Ok(true) };
        let exhausted = if self.stored.operation.state == ListOperationState::Cancelling {
            self.take_back(&mut set).await?
        } else {
            match &self.undone {
                None if self.stored.operation.kind == ListOperationKind::RegisterUpload => {
                    self.register(&mut set).await?
                }
                None if self.stored.operation.parameters.filter.is_some() => self.release_found(&mut set).await?,
                None => self.release_places(&mut set).await?,
                Some(Undone { kind: ListOperationKind::Release, set_id }) => {
                    let release_set_id = *set_id;
                    self.block_again(&mut set, release_set_id).await?
                }
                Some(Undone { set_id, .. }) => {
                    let registration_set_id = *set_id;
                    self.take_off_registered(&mut set, registration_set_id).await?
                }
            }
        };
        let counts = &mut self.stored.operation.counts;
        (counts.added, counts.removed) = (set.added.count, set.removed.count);
        self.set = Some(set);
        Ok(exhausted)
    }

    async fn next_places(&self) -> Result<bulk::Places> {
        let upload_id = self.stored.operation.upload_id.ok_or(Error::NotFound)?;
        let after = match &self.stored.position {
            Some(Position::Place(place)) => *place,
            _ => 0,
        };
        Ok(bulk::places(self.transaction, upload_id, after, self.rows).await?)
    }

    fn places_done(&mut self, places: bulk::Places) -> bool {
        self.stored.position = Some(Position::Place(places.last));
        self.stored.operation.done += places.count;
        places.count < self.rows as i64
    }

    async fn register(&mut self, set: &mut ChangeSet) -> Result<bool> {
        let server_configuration_id = self.stored.server_configuration_id;
        let places = self.next_places().await?;
        let block_exempt = self.stored.operation.parameters.block_exempt;
        let at = self.at();
        let added = bulk::register(self.transaction, server_configuration_id, set.id, places, block_exempt, at).await?;
        for key in &added {
            set.added.add(key);
        }
        let mut left = places.count - added.len() as i64;
        let counts = &mut self.stored.operation.counts;
        if block_exempt {
            exemptions::bulk::end_of_places(self.transaction, server_configuration_id, set.id, places).await?;
        } else if left > 0 {
            let exempt = bulk::count_exempt(self.transaction, server_configuration_id, places).await?;
            counts.exempt += exempt;
            left -= exempt;
        }
        if left > 0 {
            let of_set = bulk::count_added(self.transaction, server_configuration_id, set.id, places).await?;
            let duplicates = of_set - added.len() as i64;
            counts.duplicates += duplicates;
            counts.already_blocked += left - duplicates;
        }
        Ok(self.places_done(places))
    }

    async fn release_found(&mut self, set: &mut ChangeSet) -> Result<bool> {
        let NextBlocks { blocks: found, after } = std::mem::take(&mut self.found.next);
        if let Some((at, id)) = after {
            self.stored.position = Some(Position::Block(at, id));
        }
        let ids: Vec<Uuid> = found.iter().map(|(_, id)| *id).collect();
        let mut blocks =
            blocked_addresses::with_ids(self.transaction, self.stored.server_configuration_id, &ids).await?;
        // A distribution may have come between.
        let wanted = self.stored.operation.parameters.filter.as_ref().and_then(|filter| filter.state);
        blocks.retain(|block| match wanted {
            Some(BlockState::Pending) => block.version.is_none(),
            Some(BlockState::InEffect) => block.version.is_some(),
            _ => true,
        });
        self.release(set, &blocks).await?;
        self.stored.operation.done += found.len() as i64;
        Ok(after.is_none())
    }

    async fn release_places(&mut self, set: &mut ChangeSet) -> Result<bool> {
        let server_configuration_id = self.stored.server_configuration_id;
        let places = self.next_places().await?;
        let blocks = bulk::of_places(self.transaction, server_configuration_id, places).await?;
        self.release(set, &blocks).await?;
        let rest = places.count - blocks.len() as i64;
        if rest > 0 {
            let of_set = bulk::count_removed(self.transaction, set.id, places).await?;
            let duplicates = of_set - blocks.len() as i64;
            let counts = &mut self.stored.operation.counts;
            counts.duplicates += duplicates;
            counts.not_blocked += rest - duplicates;
        }
        Ok(self.places_done(places) && self.release_malformed(set).await?)
    }

    /// Those that are released are no longer found: the next step finds others.
    async fn release_malformed(&mut self, set: &mut ChangeSet) -> Result<bool> {
        let ids = std::mem::take(&mut self.found.malformed);
        let blocks = blocked_addresses::with_ids(self.transaction, self.stored.server_configuration_id, &ids).await?;
        self.release(set, &blocks).await?;
        // They were not among the places.
        let (operation, released) = (&mut self.stored.operation, blocks.len() as i64);
        operation.total = operation.total.map(|total| total + released);
        operation.done += released;
        Ok(ids.len() < self.rows)
    }

    async fn release(&self, set: &mut ChangeSet, blocks: &[Block]) -> Result<()> {
        self.take_off(set, blocks, RemovalCause::Release).await?;
        let ids: Vec<Uuid> = blocks.iter().map(|block| block.id).collect();
        let comment = self.stored.operation.comment.as_deref();
        // The counts need no reset: nobody reads those of an exempt address, and they begin anew when its exemption ends.
        // So an undo finds them.
        Ok(exemptions::bulk::make(self.transaction, set.id, &ids, comment, self.at()).await?)
    }

    async fn take_off_registered(&mut self, set: &mut ChangeSet, registration_set_id: Uuid) -> Result<bool> {
        let server_configuration_id = self.stored.server_configuration_id;
        // First its blocks, then those that were released and blocked again since, then the exemptions that it ended.
        let (again, after) = match self.stored.position.take() {
            Some(Position::Exemption(after)) => return self.exempt_again(set.id, registration_set_id, after).await,
            Some(Position::Again(after)) => (true, after),
            Some(Position::Key(after)) => (false, after),
            _ => (false, String::new()),
        };
        let blocks = blocked_addresses::added_by(
            self.transaction,
            server_configuration_id,
            registration_set_id,
            again,
            &after,
            self.rows,
        )
        .await?;
        self.take_off(set, &blocks, RemovalCause::Undone).await?;
        // Their errors are for the next run to judge again.
        let keys: Vec<&AddressKey> = blocks.iter().map(|block| &block.key).collect();
        conditions::judge_again(self.transaction, server_configuration_id, &keys).await?;
        self.stored.operation.done += blocks.len() as i64;
        self.stored.position = Some(match blocks.last() {
            Some(last) if blocks.len() == self.rows && again => Position::Again(last.key.as_str().to_owned()),
            Some(last) if blocks.len() == self.rows => Position::Key(last.key.as_str().to_owned()),
            _ if again => Position::Exemption(String::new()),
            _ => Position::Again(String::new()),
        });
        Ok(false)
    }

    async fn exempt_again(&mut self, set_id: Uuid, registration_set_id: Uuid, after: String) -> Result<bool> {
        let server_configuration_id = self.stored.server_configuration_id;
        let (transaction, rows) = (self.transaction, self.rows);
        let sets = (registration_set_id, set_id);
        let last = exemptions::bulk::make_again(transaction, server_configuration_id, sets, &after, rows).await?;
        let exhausted = last.is_none();
        self.stored.position = Some(Position::Exemption(last.unwrap_or(after)));
        Ok(exhausted)
    }

    /// Moves live blocks to the removed ones.
    async fn take_off(&self, set: &mut ChangeSet, blocks: &[Block], cause: RemovalCause) -> Result<()> {
        let ids: Vec<Uuid> = blocks.iter().map(|block| block.id).collect();
        let end = End::by_itself(cause, self.at());
        blocked_addresses::end(self.transaction, &ids, end, Some(set.id)).await?;
        let off = blocks.iter().map(|block| (&block.key, block.added_set_id, block.version.is_some()));
        count_off(self.transaction, set, off).await
    }

    async fn block_again(&mut self, set: &mut ChangeSet, release_set_id: Uuid) -> Result<bool> {
        let server_configuration_id = self.stored.server_configuration_id;
        let after = match &self.stored.position {
            Some(Position::Key(key)) => key.clone(),
            _ => String::new(),
        };
        let (last, count) =
            exemptions::bulk::next_of_release(self.transaction, release_set_id, &after, self.rows).await?;
        let Some(last) = last else { return Ok(true) };
        let range = (after.as_str(), last.as_str());
        let transaction = self.transaction;
        let added = bulk::block_again(transaction, server_configuration_id, release_set_id, set.id, range).await?;
        for key in &added {
            set.added.add(key);
        }
        exemptions::bulk::end_of_release(transaction, server_configuration_id, release_set_id, set.id, range).await?;
        self.stored.operation.done += count;
        self.stored.position = Some(Position::Key(last));
        Ok(count < self.rows as i64)
    }

    /// Takes back what was prepared.
    async fn take_back(&mut self, set: &mut ChangeSet) -> Result<bool> {
        let keys = if self.adds() {
            bulk::take_back(self.transaction, self.stored.server_configuration_id, set.id, self.rows).await?
        } else {
            bulk::put_back(self.transaction, set.id, self.rows).await?
        };
        let sum = if self.adds() { &mut set.added } else { &mut set.removed };
        for key in &keys {
            sum.remove(key);
        }
        let (unmade, revived) = exemptions::bulk::take_back(self.transaction, set.id, self.rows).await?;
        // A run may have passed them over because of an exemption that is not to be.
        let unmade_keys: Vec<&AddressKey> = unmade.iter().collect();
        conditions::judge_again(self.transaction, self.stored.server_configuration_id, &unmade_keys).await?;
        self.stored.operation.done = (self.stored.operation.done - keys.len() as i64).max(0);
        Ok(keys.is_empty() && unmade.is_empty() && revived == 0)
    }
}
