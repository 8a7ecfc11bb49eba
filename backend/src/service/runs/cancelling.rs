//! The blocks that a run ends.

use super::{BATCH, WatchPeriod};
use crate::{
    service::{Result, blocked_addresses::take_from_sets, schedule::Schedule},
    store::{
        DatabaseTransaction,
        blocked_addresses::{
            self,
            ending::{self, Ending},
        },
        change_sets::{self, ChangeSet, Sum},
        conditions::{self, Condition},
        run_settings::StoredRunSettings,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use shared::list::RemovalCause;
use std::collections::HashMap;
use uuid::Uuid;

/// Ends the blocks whose watch period is over, oldest first, at most the daily limit; returns how many.
pub(super) async fn watched(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    settings: &StoredRunSettings,
    scheduled_for: Option<NaiveDate>,
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<i64> {
    let Some(days) = settings.watch_period_days else { return Ok(0) };
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
    let ending = Ending::MadeUntil(period.over(now, scheduled_for));
    end_all(transaction, server_configuration_id, ending, left, RemovalCause::WatchPeriod, set, now).await
}

/// Ends live blocks, oldest first, at most `limit`; returns how many.
async fn end_all(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    what: Ending,
    limit: i64,
    cause: RemovalCause,
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<i64> {
    let (mut done, mut after) = (0, ending::BEFORE_ALL);
    let mut taken: HashMap<Uuid, Sum> = HashMap::new();
    while done < limit {
        let rows = BATCH.min(limit - done);
        let last = ending::next_ending(transaction, server_configuration_id, what, after, rows).await?;
        let Some(last) = last else { break };
        let batch = (after, last);
        let ended = ending::end_batch(transaction, server_configuration_id, what, batch, cause, set.id, now).await?;
        for block in &ended {
            if block.published {
                set.removed.add(&block.key);
            } else {
                taken.entry(block.added_set_id).or_default().add(&block.key);
            }
        }
        done += ended.len() as i64;
        after = last;
    }
    take_from_sets(transaction, taken).await?;
    Ok(done)
}

/// Ends the blocks of conditions that were disabled with "cancel blocking"; returns how many. While a list operation is
/// at work, the next run looks again: the operation may yet put blocks back.
pub(super) async fn disabled(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    rules: &[Condition],
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<i64> {
    let mut cancelled = 0;
    let again = change_sets::is_building(transaction, server_configuration_id).await?;
    for rule in rules.iter().filter(|rule| rule.cancel_requested) {
        let (ending, cause) = (Ending::Reason(rule.reason), RemovalCause::ConditionDisabled);
        cancelled += end_all(transaction, server_configuration_id, ending, i64::MAX, cause, set, now).await?;
        let done = Condition { cancel_requested: again, ..*rule };
        conditions::save(transaction, server_configuration_id, &done).await?;
    }
    Ok(cancelled)
}
