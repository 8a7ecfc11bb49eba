//! Run settings: when a run happens and what it blocks.

use super::{
    Access, Error, Result,
    authentication::Identity,
    runs::{self, WatchPeriod},
    schedule::Schedule,
    wake::What,
};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait, DatabaseTransaction, blocked_addresses, change_sets,
        conditions::{self, Condition},
        run_settings::{self, StoredRunSettings},
        runs as run_rows,
        search::Keyset,
    },
};
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    FieldProblem, RefusalCode,
    run_settings::{
        BlockingCondition, DEFAULT_EXECUTE_TIMING, DEFAULT_WATCH_WARNING, DayCount, DeliveryTiming,
        ExecuteTimingPreview, ExecuteTimingPreviewRequest, RunSettings, RunSettingsUpdate, WatchPeriodPreview,
        WatchPeriodPreviewRequest, default_conditions,
    },
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most days that a preview names.
const HEAVY_DAYS: usize = 100;

/// The settings for the audit log, with the name of whose they are.
fn named(settings: &RunSettings, name: &str) -> serde_json::Value {
    let mut told = json!(settings);
    told["name"] = json!(name);
    told
}

fn shown(settings: &StoredRunSettings, rules: &[Condition]) -> Result<RunSettings> {
    let small = |number: i64| u32::try_from(number).map_err(|error| Error::Internal(error.into()));
    Ok(RunSettings {
        revision: settings.revision,
        execute_timing: settings.execute_timing.clone(),
        time_zone: settings.time_zone.clone(),
        watch_period_days: settings.watch_period_days.map(small).transpose()?,
        watch_daily_limit: settings.watch_daily_limit.map(small).transpose()?,
        watch_warning: small(settings.watch_warning)?,
        success_resets_count: settings.success_resets_count,
        conditions: rules
            .iter()
            .map(|rule| {
                Ok(BlockingCondition { reason: rule.reason, enabled: rule.enabled, frequency: small(rule.frequency)? })
            })
            .collect::<Result<_>>()?,
        previous_execution: settings.previous_execution_at,
        next_execution: settings.next_run_at,
    })
}

/// The run settings of a server configuration.
///
/// # Errors
/// The database refused.
pub async fn get(state: &AppState, server_configuration_id: Uuid) -> Result<RunSettings> {
    let connection = state.db.connection();
    let settings = run_settings::get(connection, server_configuration_id).await?.ok_or(Error::NotFound)?;
    shown(&settings, &conditions::list(connection, server_configuration_id).await?)
}

/// Gives a new server configuration the manual's conditions, in the transaction that makes it.
///
/// # Errors
/// The database refused.
pub async fn initialise(transaction: &DatabaseTransaction, server_configuration_id: Uuid) -> Result<()> {
    for condition in &default_conditions() {
        conditions::save(transaction, server_configuration_id, &rule(condition)).await?;
    }
    Ok(())
}

/// A condition as it is stored, without a wish to cancel blocks.
fn rule(condition: &BlockingCondition) -> Condition {
    let BlockingCondition { reason, enabled, frequency } = *condition;
    Condition { reason, enabled, frequency: i64::from(frequency), cancel_requested: false }
}

/// When the first scheduled run of a new server configuration is due.
///
/// # Errors
/// The time zone is not valid.
pub fn first_run_at(time_zone: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    Ok(Schedule::parse(DEFAULT_EXECUTE_TIMING, time_zone)?.next(now, None))
}

/// When the next scheduled run is due with the timing and time zone of changed settings: never on a local day that had
/// its run. One that was missed stays due until it is made up, whatever is changed before.
///
/// # Errors
/// The timing or the time zone is not valid, or the database refused.
pub async fn next_run_at<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    settings: &StoredRunSettings,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    if settings.next_run_at <= now {
        return Ok(settings.next_run_at);
    }
    let last_day = run_rows::last_scheduled_day(connection, server_configuration_id).await?;
    Ok(Schedule::parse(&settings.execute_timing, &settings.time_zone)?.next(now, last_day))
}

/// Saves run settings that were read at `revision`. With the delivery timing "now" a whole run is queued.
///
/// # Errors
/// [`Error::PreconditionFailed`] when they were changed since,
/// [`Error::Invalid`] when a reason is to be cancelled that this change does not disable; the database refused.
pub async fn update(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    revision: i64,
    update: &RunSettingsUpdate,
) -> Result<RunSettings> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let mut settings = run_settings::get(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    if settings.revision != revision {
        return Err(Error::PreconditionFailed(
            "the run settings were changed by somebody else: read them again and repeat your change".to_owned(),
        ));
    }
    let before = conditions::list(&transaction, server_configuration_id).await?;
    let after = changed_conditions(&before, update)?;
    let old = shown(&settings, &before)?;
    let compared = |rule: &Condition| (rule.reason, rule.enabled, rule.frequency);
    settings.conditions_changed |= before.iter().map(compared).ne(after.iter().map(compared));
    let new = write(&transaction, server_configuration_id, settings, &after, update, now).await?;
    let configuration = store::server_configurations::find(&transaction, access.account_id, server_configuration_id);
    let name = configuration.await?.ok_or(Error::NotFound)?.name;
    let mut entry = access.audit(now, "run_settings.update", server_configuration_id.to_string());
    entry.before = Some(named(&old, &name));
    entry.after = Some(json!({ "name": name, "settings": new, "cancel_blocking": update.cancel_blocking,
        "delivery_timing": update.delivery_timing }));
    transaction.audit(entry);
    let mut changes = vec![What::RunSettings];
    if update.delivery_timing == DeliveryTiming::Now {
        let run = runs::enqueue(&transaction, server_configuration_id, now).await?;
        changes.extend([What::Run(run), What::Job]);
    }
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    Ok(new)
}

/// Makes the run settings of every server configuration of an account the default ones, as the Standard plan has them. What
/// is blocked stays until a run finds otherwise.
///
/// # Errors
/// The database refused.
pub(super) async fn reset_all(
    transaction: &DatabaseTransaction,
    provider: &Identity,
    account_id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let default = RunSettingsUpdate {
        execute_timing: DEFAULT_EXECUTE_TIMING.to_owned(),
        watch_period_days: None,
        watch_daily_limit: None,
        watch_warning: DEFAULT_WATCH_WARNING,
        success_resets_count: false,
        conditions: default_conditions(),
        delivery_timing: DeliveryTiming::NextExecution,
        cancel_blocking: Vec::new(),
    };
    let rules: Vec<_> = default.conditions.iter().map(rule).collect();
    for configuration in store::server_configurations::list(transaction, account_id, None, Keyset::ALL).await? {
        let id = configuration.id;
        change_sets::lock(transaction, id).await?.ok_or(Error::NotFound)?;
        let mut settings = run_settings::get(transaction, id).await?.ok_or(Error::NotFound)?;
        let old = shown(&settings, &conditions::list(transaction, id).await?)?;
        settings.conditions_changed = true;
        let new = write(transaction, id, settings, &rules, &default, now).await?;
        let mut entry = provider.audit(Some(account_id), now, "run_settings.reset", id.to_string());
        entry.before = Some(named(&old, &configuration.name));
        entry.after = Some(json!({ "name": configuration.name, "settings": new }));
        transaction.audit(entry);
    }
    Ok(())
}

/// Writes settings as an update has them, with the conditions that come of it.
async fn write(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    mut settings: StoredRunSettings,
    rules: &[Condition],
    update: &RunSettingsUpdate,
    now: DateTime<Utc>,
) -> Result<RunSettings> {
    for rule in rules {
        conditions::save(transaction, server_configuration_id, rule).await?;
    }
    settings.revision += 1;
    settings.execute_timing.clone_from(&update.execute_timing);
    settings.watch_period_days = update.watch_period_days.map(i64::from);
    settings.watch_daily_limit = update.watch_daily_limit.map(i64::from);
    settings.watch_warning = i64::from(update.watch_warning);
    settings.success_resets_count = update.success_resets_count;
    settings.next_run_at = next_run_at(transaction, server_configuration_id, &settings, now).await?;
    run_settings::save(transaction, server_configuration_id, &settings).await?;
    shown(&settings, rules)
}

/// The conditions as they are after an update, in the table's order. A wish to cancel blocks stays until a run heard it
/// or the condition is enabled again.
fn changed_conditions(before: &[Condition], update: &RunSettingsUpdate) -> Result<Vec<Condition>> {
    let old = |reason| before.iter().find(|rule| rule.reason == reason);
    let mut after: Vec<Condition> = update
        .conditions
        .iter()
        .map(|condition| Condition {
            cancel_requested: !condition.enabled && old(condition.reason).is_some_and(|rule| rule.cancel_requested),
            ..rule(condition)
        })
        .collect();
    after.sort_by_key(|rule| rule.reason);
    let mut problems = Vec::new();
    for (index, reason) in update.cancel_blocking.iter().enumerate() {
        let was_enabled = old(*reason).is_some_and(|rule| rule.enabled);
        match after.iter_mut().find(|rule| rule.reason == *reason && !rule.enabled && was_enabled) {
            Some(rule) => rule.cancel_requested = true,
            None => problems.push(FieldProblem::new(
                format!("/cancel_blocking/{index}"),
                RefusalCode::NotAccepted,
                format!("{reason} is not disabled by this change: only then its blocks can be cancelled"),
            )),
        }
    }
    if problems.is_empty() { Ok(after) } else { Err(Error::Invalid(problems)) }
}

/// When the next scheduled run would be due with an execute timing that is not saved yet.
///
/// # Errors
/// The timing is not valid, or the database refused.
pub async fn preview_execute_timing(
    state: &AppState,
    server_configuration_id: Uuid,
    request: &ExecuteTimingPreviewRequest,
) -> Result<ExecuteTimingPreview> {
    let connection = state.db.connection();
    let mut settings = run_settings::get(connection, server_configuration_id).await?.ok_or(Error::NotFound)?;
    settings.execute_timing.clone_from(&request.execute_timing);
    let next_execution = next_run_at(connection, server_configuration_id, &settings, state.clock.now()).await?;
    Ok(ExecuteTimingPreview { next_execution })
}

/// The days on which a watch period would end many blocks, if nothing else changed.
///
/// # Errors
/// The database refused.
pub async fn preview(
    state: &AppState,
    server_configuration_id: Uuid,
    request: &WatchPeriodPreviewRequest,
) -> Result<WatchPeriodPreview> {
    let connection = state.db.connection();
    let settings = run_settings::get(connection, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let schedule = Schedule::parse(&settings.execute_timing, &settings.time_zone)?;
    // One that was missed is made up today.
    let first_day = schedule.day(settings.next_run_at.max(state.clock.now()));
    let days = i64::from(request.watch_period_days);
    let period = WatchPeriod::read(connection, server_configuration_id, schedule, days, first_day).await?;
    let mut due: BTreeMap<_, i64> = BTreeMap::new();
    for (made_at, count) in blocked_addresses::made_by_quarter(connection, server_configuration_id).await? {
        let day = period.ends_on(made_at).max(first_day);
        *due.entry(day).or_default() += count;
    }
    let limit = request.watch_daily_limit.map_or(i64::MAX, i64::from);
    Ok(WatchPeriodPreview { heavy_days: heavy_days(due, limit, i64::from(request.watch_warning)) })
}

/// Days with more than `warning` cancellations when at most `limit` happen a day and the rest waits for the next one.
fn heavy_days(mut due: BTreeMap<chrono::NaiveDate, i64>, limit: i64, warning: i64) -> Vec<DayCount> {
    let mut heavy = Vec::new();
    while let Some((day, count)) = due.pop_first() {
        let ended = count.min(limit);
        if count > ended {
            *due.entry(day + chrono::Days::new(1)).or_default() += count - ended;
        }
        if ended > warning {
            heavy.push(DayCount { day, count: ended });
            if heavy.len() == HEAVY_DAYS {
                break;
            }
        }
        if limit <= warning {
            break;
        }
    }
    heavy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_limit_spreads_a_heavy_day() {
        let day = |n: u64| "2026-11-24".parse::<chrono::NaiveDate>().unwrap() + chrono::Days::new(n);
        let due = || BTreeMap::from([(day(0), 2_500), (day(1), 10), (day(9), 1_001)]);
        let count = |n, count| DayCount { day: day(n), count };
        assert_eq!(heavy_days(due(), i64::MAX, 1_000), [count(0, 2_500), count(9, 1_001)]);
        assert_eq!(heavy_days(due(), 2_000, 1_000), [count(0, 2_000), count(9, 1_001)]);
        assert_eq!(heavy_days(due(), 1_000, 1_000), []);
    }
}
