//! Run settings: when a run happens and what it blocks.

use crate::Reason;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

/// The manual's execute timing at first.
pub const DEFAULT_EXECUTE_TIMING: &str = "00:00";
/// A day that ends more blocks than this is warned of, unless the configuration says another number.
pub const DEFAULT_WATCH_WARNING: u32 = 1_000;
/// The longest watch period, in days.
pub const MAX_WATCH_PERIOD_DAYS: u32 = 3_650;
/// The highest threshold.
pub const MAX_FREQUENCY: u32 = 1_000_000;

/// When errors with one reason lead to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockingCondition {
    /// The reason; only those that count.
    #[garde(custom(counted))]
    pub reason: Reason,
    /// Whether the condition blocks at all.
    #[garde(skip)]
    pub enabled: bool,
    /// From how many errors on.
    #[garde(range(min = 1, max = MAX_FREQUENCY))]
    pub frequency: u32,
}

/// The conditions that a new server configuration starts with.
pub fn default_conditions() -> Vec<BlockingCondition> {
    Reason::COUNTED
        .into_iter()
        .filter_map(|reason| {
            reason.default_frequency().map(|frequency| BlockingCondition { reason, enabled: true, frequency })
        })
        .collect()
}

/// The run settings of a server configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSettings {
    /// Grows with every change; the `ETag` is made of it.
    pub revision: i64,
    /// Local time of the daily run, `HH:MM`.
    pub execute_timing: String,
    /// The IANA time zone of `execute_timing`.
    pub time_zone: String,
    /// Days after which a block is cancelled; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_period_days: Option<u32>,
    /// At most this many automatic cancellations a day, oldest first; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_daily_limit: Option<u32>,
    /// Warn of days on which more blocks than this would end.
    pub watch_warning: u32,
    /// Whether a successful delivery resets the counts of an address.
    pub success_resets_count: bool,
    /// One condition for each reason that counts, in the table's order.
    pub conditions: Vec<BlockingCondition>,
    /// When the blocked list was last distributed by a run; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_execution: Option<DateTime<Utc>>,
    /// When the next scheduled run is due.
    pub next_execution: DateTime<Utc>,
}

/// When a change reaches the mail servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryTiming {
    /// By a whole run at once: "immediate action".
    Now,
    /// By the next scheduled run.
    NextExecution,
}

/// New run settings. Send the `ETag` that was read as `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunSettingsUpdate {
    /// Local time of the daily run, `HH:MM`.
    #[garde(custom(time_of_day))]
    pub execute_timing: String,
    /// Days after which a block is cancelled; absent: never.
    #[garde(range(min = 1, max = MAX_WATCH_PERIOD_DAYS))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_period_days: Option<u32>,
    /// At most this many automatic cancellations a day, oldest first; absent: no limit.
    #[garde(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_daily_limit: Option<u32>,
    /// Warn of days on which more blocks than this would end.
    #[garde(range(min = 1))]
    pub watch_warning: u32,
    /// Whether a successful delivery resets the counts of an address.
    #[garde(skip)]
    pub success_resets_count: bool,
    /// One condition for each reason that counts.
    #[garde(custom(each_counted_reason_once), dive)]
    pub conditions: Vec<BlockingCondition>,
    /// When the change reaches the mail servers.
    #[garde(skip)]
    pub delivery_timing: DeliveryTiming,
    /// Reasons that this change disables and whose blocks are cancelled ("cancel blocking").
    #[garde(skip)]
    #[serde(default)]
    pub cancel_blocking: Vec<Reason>,
}

/// Asks when the next run would be, before an execute timing is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ExecuteTimingPreviewRequest {
    /// Local time of the daily run, `HH:MM`.
    #[garde(custom(time_of_day))]
    pub execute_timing: String,
}

/// When the next run would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecuteTimingPreview {
    /// When the next scheduled run would be due: never on a local day that had its run.
    pub next_execution: DateTime<Utc>,
}

/// Asks what a watch period would do before it is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WatchPeriodPreviewRequest {
    /// The watch period, in days.
    #[garde(range(min = 1, max = MAX_WATCH_PERIOD_DAYS))]
    pub watch_period_days: u32,
    /// At most this many automatic cancellations a day; absent: no limit.
    #[garde(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_daily_limit: Option<u32>,
    /// Report days on which more blocks than this would end.
    #[garde(range(min = 1))]
    pub watch_warning: u32,
}

/// The days on which a watch period would end many blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WatchPeriodPreview {
    /// The days with more cancellations than the warning, soonest first; at most 100.
    pub heavy_days: Vec<DayCount>,
}

/// A number on a local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DayCount {
    /// The day in the configuration's time zone.
    pub day: NaiveDate,
    /// How many.
    pub count: i64,
}

fn counted<C>(reason: &Reason, _: &C) -> garde::Result {
    if reason.is_counted() { Ok(()) } else { Err(garde::Error::new("errors with this reason never count")) }
}

/// Reads `HH:MM`, 00:00 to 23:59.
pub fn parse_time_of_day(text: &str) -> Option<chrono::NaiveTime> {
    let well_formed =
        text.len() == 5 && text.bytes().enumerate().all(|(i, b)| if i == 2 { b == b':' } else { b.is_ascii_digit() });
    well_formed.then(|| chrono::NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten()
}

fn time_of_day<C>(text: &str, _: &C) -> garde::Result {
    parse_time_of_day(text).map(|_| ()).ok_or_else(|| garde::Error::new("use HH:MM, from 00:00 to 23:59"))
}

fn each_counted_reason_once<C>(conditions: &[BlockingCondition], _: &C) -> garde::Result {
    for reason in Reason::COUNTED {
        let times = conditions.iter().filter(|condition| condition.reason == reason).count();
        if times != 1 {
            return Err(garde::Error::new(format!("give exactly one condition for {reason}, not {times}")));
        }
    }
    Ok(())
}
