//! What the steps of a run do to the lists. All of it hangs on a change set that is not ready.

use super::WatchPeriod;
use crate::{
    service::{
        Error, Result,
        blocked_addresses::{count_off, leave_pending},
        schedule::Schedule,
    },
    store::{
        DatabaseTransaction,
        blocked_addresses::{
            self, bulk,
            ending::{self, BEFORE_ALL, Ending, Place},
        },
        change_sets::{self, ChangeSet},
        conditions::{self, Condition},
        distributions, pending_parts, queue,
        run_settings::{self, StoredRunSettings},
        runs::{self, Progress, Stage, StoredRun},
    },
};
use chrono::{DateTime, Utc};
use shared::{
    Reason,
    list::RemovalCause,
    run::{DistributionKind, ReasonCount},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a step left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// More.
    More,
    /// Everything is prepared.
    Done,
    /// Nothing of what was prepared is left.
    TakenBack,
}

/// What a run did.
pub(super) struct Done {
    /// How many addresses it blocked.
    pub(super) blocked: Vec<ReasonCount>,
    /// How many blocks the watch period ended.
    pub(super) cancelled: i64,
    /// How many blocks of disabled conditions ended.
    pub(super) disabled: i64,
    /// What brings it to the mail servers.
    pub(super) distribution_id: Uuid,
}

/// A step at work in its transaction.
pub(super) struct Work<'a> {
    transaction: &'a DatabaseTransaction,
    server_configuration_id: Uuid,
    run_id: Uuid,
    /// The time of this step, and of everything that it blocks and ends.
    now: DateTime<Utc>,
    progress: Progress,
    set: ChangeSet,
}

impl<'a> Work<'a> {
    /// Goes on where the step before ended, or begins.
    pub(super) async fn open(
        transaction: &'a DatabaseTransaction,
        stored: &StoredRun,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let (server_configuration_id, run_id) = (stored.server_configuration_id, stored.run.id);
        if let Some(progress) = stored.progress.clone() {
            let set = change_sets::get(transaction, progress.change_set_id).await?;
            return Ok(Self { transaction, server_configuration_id, run_id, now, progress, set });
        }
        let set = change_sets::build(transaction, server_configuration_id, now).await?;
        change_sets::of_run(transaction, set.id, run_id).await?;
        let mut settings = settings(transaction, server_configuration_id).await?;
        let conditions_changed = settings.conditions_changed;
        if conditions_changed {
            // What changes from now on is for the next run to look at.
            settings.conditions_changed = false;
            run_settings::save(transaction, server_configuration_id, &settings).await?;
        }
        let rules = conditions::list(transaction, server_configuration_id).await?;
        let stage = match watched(transaction, &settings, stored, now).await? {
            Some(watched) => watched,
            None => after_watched(&rules, conditions_changed, &[]),
        };
        let progress = Progress {
            change_set_id: set.id,
            at: now,
            conditions_changed,
            disabled: Vec::new(),
            stage,
            blocked: BTreeMap::new(),
            cancelled: 0,
            disabled_count: 0,
        };
        Ok(Self { transaction, server_configuration_id, run_id, now, progress, set })
    }

    /// Whether it takes back what was prepared.
    pub(super) fn takes_back(&self) -> bool {
        self.progress.stage == Stage::TakeBack
    }

    /// Handles the next rows, at most so many.
    pub(super) async fn go_on(&mut self, rows: usize) -> Result<Outcome> {
        let mut rest = rows as i64;
        while rest > 0 {
            rest -= match self.progress.stage.clone() {
                Stage::Watched { by, until, left, after } => self.watched(by, until, left, after, rest).await?,
                Stage::Disabled { reason, after } => self.disabled(reason, after, rest).await?,
                Stage::Mark { after } => self.mark(&after, rest).await?,
                Stage::Block { after } => match self.block(&after, rest).await? {
                    0 => return Ok(Outcome::Done),
                    done => done,
                },
                Stage::TakeBack => match self.take_back(rest).await? {
                    0 => return Ok(Outcome::TakenBack),
                    done => done,
                },
            };
        }
        Ok(Outcome::More)
    }

    /// Ends blocks whose watch period is over, oldest first.
    async fn watched(
        &mut self,
        by: (Option<i64>, Option<i64>),
        until: DateTime<Utc>,
        left: i64,
        after: Place,
        rest: i64,
    ) -> Result<i64> {
        let settings = settings(self.transaction, self.server_configuration_id).await?;
        let (mut done, mut last) = (0, None);
        // Where it was changed since, the next run goes by what it is now.
        if by == watch_settings(&settings) {
            let (what, rows) = (Ending::MadeUntil(until), rest.min(left));
            (done, last) = self.end(what, after, rows, RemovalCause::WatchPeriod).await?;
            self.progress.cancelled += done;
        }
        self.progress.stage = match last {
            Some(after) => Stage::Watched { by, until, left: left - done, after },
            None => self.after_watched().await?,
        };
        Ok(done)
    }

    /// Ends blocks of a condition that was disabled with "cancel blocking".
    async fn disabled(&mut self, reason: Reason, after: Place, rest: i64) -> Result<i64> {
        let rules = self.conditions().await?;
        // It may have been enabled again since.
        let rule = rules.into_iter().find(|rule| rule.reason == reason && rule.cancel_requested);
        let (mut done, mut last) = (0, None);
        if rule.is_some() {
            (done, last) = self.end(Ending::Reason(reason), after, rest, RemovalCause::ConditionDisabled).await?;
            self.progress.disabled_count += done;
        }
        if let Some(after) = last {
            self.progress.stage = Stage::Disabled { reason, after };
            return Ok(done);
        }
        if let Some(rule) = rule {
            // A list operation at work may yet put blocks back: the next run looks again.
            let (transaction, server_configuration_id) = (self.transaction, self.server_configuration_id);
            let again = change_sets::is_building_besides(transaction, server_configuration_id, self.set.id).await?;
            let heard = Condition { cancel_requested: again, ..rule };
            conditions::save(transaction, server_configuration_id, &heard).await?;
            self.progress.disabled.push(reason);
        }
        self.progress.stage = self.after_watched().await?;
        Ok(done)
    }

    async fn after_watched(&self) -> Result<Stage> {
        Ok(after_watched(&self.conditions().await?, self.progress.conditions_changed, &self.progress.disabled))
    }

    async fn conditions(&self) -> Result<Vec<Condition>> {
        Ok(conditions::list(self.transaction, self.server_configuration_id).await?)
    }

    /// Ends live blocks after a place, oldest first; returns how many and which was the last, if any.
    async fn end(
        &mut self,
        what: Ending,
        after: Place,
        rows: i64,
        cause: RemovalCause,
    ) -> Result<(i64, Option<Place>)> {
        let (transaction, server_configuration_id) = (self.transaction, self.server_configuration_id);
        let last = ending::next_ending(transaction, server_configuration_id, what, after, rows).await?;
        let Some(last) = last else { return Ok((0, None)) };
        let (batch, now) = ((after, last), self.now);
        let ended =
            ending::end_batch(transaction, server_configuration_id, what, batch, cause, self.set.id, now).await?;
        let off = ended.iter().map(|block| (&block.key, block.added_set_id, block.published));
        count_off(transaction, &mut self.set, off).await?;
        Ok((ended.len() as i64, Some(last)))
    }

    async fn mark(&mut self, after: &str, rest: i64) -> Result<i64> {
        let (transaction, server_configuration_id) = (self.transaction, self.server_configuration_id);
        let next = conditions::next_tallies(transaction, server_configuration_id, after, rest).await?;
        let Some((last, count)) = next else {
            self.progress.stage = Stage::Block { after: String::new() };
            return Ok(0);
        };
        conditions::mark_passing(transaction, server_configuration_id, (after, &last)).await?;
        self.progress.stage = Stage::Mark { after: last };
        Ok(count)
    }

    /// Blocks every address of the next changed tallies that passes an enabled condition; returns how many it looked at.
    async fn block(&mut self, after: &str, rest: i64) -> Result<i64> {
        let (transaction, server_configuration_id) = (self.transaction, self.server_configuration_id);
        let next = conditions::next_changed(transaction, server_configuration_id, after, rest).await?;
        let Some((last, count)) = next else { return Ok(0) };
        let (rules, batch) = (self.conditions().await?, (after, last.as_str()));
        let (set_id, now) = (self.set.id, self.now);
        let blocked =
            conditions::block_passing(transaction, server_configuration_id, set_id, &rules, batch, now).await?;
        for (key, reason) in blocked {
            self.set.added.add(&key);
            *self.progress.blocked.entry(reason).or_default() += 1;
        }
        conditions::clear_changed(transaction, server_configuration_id, batch).await?;
        self.progress.stage = Stage::Block { after: last };
        Ok(count)
    }

    /// Takes back what was prepared; returns how many rows. Counts of blocks that were ended stay at zero: nobody reads
    /// those of a blocked address.
    async fn take_back(&mut self, rest: i64) -> Result<i64> {
        let rows = rest as usize;
        let added = bulk::take_back(self.transaction, self.server_configuration_id, self.set.id, rows).await?;
        for key in &added {
            self.set.added.remove(key);
        }
        let removed = bulk::put_back(self.transaction, self.set.id, rows).await?;
        for key in &removed {
            self.set.removed.remove(key);
        }
        Ok((added.len() + removed.len()) as i64)
    }

    /// Saves where the next step goes on.
    pub(super) async fn save(mut self) -> Result<()> {
        self.progress.at = self.now;
        change_sets::save(self.transaction, &self.set).await?;
        Ok(runs::save_progress(self.transaction, self.run_id, Some(&self.progress), self.now).await?)
    }

    /// Makes what is prepared ready and has it distributed. `begun_at`: when the run began.
    pub(super) async fn finish(mut self, begun_at: DateTime<Utc>) -> Result<Done> {
        let (transaction, server_configuration_id, now) = (self.transaction, self.server_configuration_id, self.now);
        self.count_again().await?;
        let Progress { blocked, cancelled, disabled_count: disabled, .. } = self.progress;
        let blocked: Vec<_> = blocked.into_iter().map(|(reason, count)| ReasonCount { reason, count }).collect();
        if leave_pending(transaction, &mut self.set).await? {
            ending::leave_unpublished(transaction, server_configuration_id, self.set.id).await?;
        }
        if self.set.added.count + self.set.removed.count == 0 {
            change_sets::discard(transaction, self.set.id).await?;
        } else {
            self.set.ready = true;
            change_sets::save(transaction, &self.set).await?;
        }
        let kind = DistributionKind::Run;
        let distribution_id = distributions::insert(transaction, server_configuration_id, kind, now).await?;
        queue::ring(transaction, queue::Job::Distribution(distribution_id), 0).await?;
        let mut settings = settings(transaction, server_configuration_id).await?;
        settings.previous_execution_at = Some(begun_at);
        run_settings::save(transaction, server_configuration_id, &settings).await?;
        runs::finish(transaction, self.run_id, &blocked, cancelled, distribution_id, now).await?;
        Ok(Done { blocked, cancelled, disabled, distribution_id })
    }

    /// Counts what it has done where somebody took some of it out of the set between two steps.
    async fn count_again(&mut self) -> Result<()> {
        let (transaction, set) = (self.transaction, &self.set);
        let progress = &mut self.progress;
        if progress.blocked.values().sum::<i64>() != set.added.count {
            progress.blocked = ending::made_by(transaction, set.id).await?;
        }
        if progress.cancelled + progress.disabled_count != set.removed.count {
            progress.cancelled = ending::ended_by(transaction, set.id, RemovalCause::WatchPeriod).await?;
            progress.disabled_count = ending::ended_by(transaction, set.id, RemovalCause::ConditionDisabled).await?;
        }
        Ok(())
    }

    /// Leaves everything to the next attempt, or the next run, after all of it was taken back.
    pub(super) async fn leave(self) -> Result<()> {
        let (transaction, server_configuration_id) = (self.transaction, self.server_configuration_id);
        for rule in self.conditions().await?.iter().filter(|rule| !rule.enabled) {
            if self.progress.disabled.contains(&rule.reason) {
                let wanted = Condition { cancel_requested: true, ..*rule };
                conditions::save(transaction, server_configuration_id, &wanted).await?;
            }
        }
        if self.progress.conditions_changed {
            let mut settings = settings(transaction, server_configuration_id).await?;
            settings.conditions_changed = true;
            run_settings::save(transaction, server_configuration_id, &settings).await?;
        }
        runs::save_progress(transaction, self.run_id, None, self.now).await?;
        pending_parts::clear(transaction, self.set.id).await?;
        Ok(change_sets::discard(transaction, self.set.id).await?)
    }
}

async fn settings(transaction: &DatabaseTransaction, server_configuration_id: Uuid) -> Result<StoredRunSettings> {
    run_settings::get(transaction, server_configuration_id).await?.ok_or(Error::NotFound)
}

/// By what it is reckoned which blocks end.
fn watch_settings(settings: &StoredRunSettings) -> (Option<i64>, Option<i64>) {
    (settings.watch_period_days, settings.watch_daily_limit)
}

/// The next condition that was disabled with "cancel blocking" and is not one of `done`, or what comes after all of them.
fn after_watched(rules: &[Condition], conditions_changed: bool, done: &[Reason]) -> Stage {
    match rules.iter().find(|rule| rule.cancel_requested && !done.contains(&rule.reason)) {
        Some(rule) => Stage::Disabled { reason: rule.reason, after: BEFORE_ALL },
        None if conditions_changed => Stage::Mark { after: String::new() },
        None => Stage::Block { after: String::new() },
    }
}

/// How a run begins that ends blocks whose watch period is over.
async fn watched(
    transaction: &DatabaseTransaction,
    settings: &StoredRunSettings,
    stored: &StoredRun,
    now: DateTime<Utc>,
) -> Result<Option<Stage>> {
    let Some(days) = settings.watch_period_days else { return Ok(None) };
    let (server_configuration_id, scheduled_for) = (stored.server_configuration_id, stored.run.scheduled_for);
    let schedule = Schedule::parse(&settings.execute_timing, &settings.time_zone)?;
    let today = schedule.day(now);
    let first_day = scheduled_for.unwrap_or(today);
    let period = WatchPeriod::read(transaction, server_configuration_id, schedule, days, first_day).await?;
    let mut left = i64::MAX;
    if let Some(limit) = settings.watch_daily_limit {
        let (cause, since) = (RemovalCause::WatchPeriod, schedule.day_start(today));
        let ended = blocked_addresses::ended_since(transaction, server_configuration_id, cause, since).await?;
        left = (limit - ended).max(0);
    }
    let (by, until) = (watch_settings(settings), period.over(now, scheduled_for));
    Ok(Some(Stage::Watched { by, until, left, after: BEFORE_ALL }))
}
