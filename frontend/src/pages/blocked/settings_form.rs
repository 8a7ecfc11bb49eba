//! The fields of the run settings.

use super::watch_preview::WatchPreview;
use crate::{
    api::ApiError,
    pages::field_error,
    reactive::memo,
    state::{Preferences, texts},
    ui::{Check, Drawn, Field, time},
};
use leptos::prelude::*;
use shared::{
    Reason,
    run_settings::{BlockingCondition, DeliveryTiming, RunSettings, RunSettingsUpdate},
};

/// What is in the fields.
#[derive(Clone, Copy)]
pub struct Form {
    /// `HH:MM`.
    pub execute_timing: RwSignal<String>,
    /// Whether the run comes with the saving.
    pub immediate: RwSignal<bool>,
    /// Days; empty: never.
    pub watch_period: RwSignal<String>,
    /// Cancellations a day; empty: no limit.
    pub watch_limit: RwSignal<String>,
    /// Blocks that end on a day before there is a warning.
    pub watch_warning: RwSignal<String>,
    success_resets: RwSignal<bool>,
    conditions: StoredValue<Vec<Condition>>,
    checked: RwSignal<bool>,
}

#[derive(Clone, Copy)]
struct Condition {
    reason: Reason,
    was_enabled: bool,
    enabled: RwSignal<bool>,
    frequency: RwSignal<String>,
    cancel: RwSignal<bool>,
}

impl Form {
    /// The fields of saved settings.
    pub fn of(settings: &RunSettings) -> Self {
        let number = |number: Option<u32>| RwSignal::new(number.map(|n| n.to_string()).unwrap_or_default());
        let condition = |condition: &BlockingCondition| Condition {
            reason: condition.reason,
            was_enabled: condition.enabled,
            enabled: RwSignal::new(condition.enabled),
            frequency: number(Some(condition.frequency)),
            cancel: RwSignal::new(false),
        };
        Self {
            execute_timing: RwSignal::new(settings.execute_timing.clone()),
            immediate: RwSignal::new(false),
            watch_period: number(settings.watch_period_days),
            watch_limit: number(settings.watch_daily_limit),
            watch_warning: number(Some(settings.watch_warning)),
            success_resets: RwSignal::new(settings.success_resets_count),
            conditions: StoredValue::new(settings.conditions.iter().map(condition).collect()),
            checked: RwSignal::new(false),
        }
    }

    /// Whether everything can be sent; from now on wrong fields say so.
    pub fn check(self) -> bool {
        self.checked.set(true);
        self.update(DeliveryTiming::Now).is_some()
    }

    /// The settings in the fields, if all of them can be read.
    pub fn update(self, delivery_timing: DeliveryTiming) -> Option<RunSettingsUpdate> {
        let conditions = self.conditions.get_value();
        let cancelled = |condition: &&Condition| condition.may_cancel_untracked() && condition.cancel.get_untracked();
        Some(RunSettingsUpdate {
            execute_timing: self.execute_timing.get_untracked(),
            watch_period_days: optional(&self.watch_period.get_untracked())?,
            watch_daily_limit: optional(&self.watch_limit.get_untracked())?,
            watch_warning: required(&self.watch_warning.get_untracked())?,
            success_resets_count: self.success_resets.get_untracked(),
            cancel_blocking: conditions.iter().filter(cancelled).map(|condition| condition.reason).collect(),
            conditions: conditions
                .iter()
                .map(|condition| {
                    let frequency = required(&condition.frequency.get_untracked())?;
                    Some(BlockingCondition {
                        reason: condition.reason,
                        enabled: condition.enabled.get_untracked(),
                        frequency,
                    })
                })
                .collect::<Option<_>>()?,
            delivery_timing,
        })
    }
}

impl Condition {
    fn may_cancel_untracked(&self) -> bool {
        self.was_enabled && !self.enabled.get_untracked()
    }
}

/// Whether a field can be read.
type Readable = fn(&str) -> bool;

/// A whole number of at least 1.
pub fn required(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

/// The same, or nothing at all.
pub fn optional(text: &str) -> Option<Option<u32>> {
    if text.trim().is_empty() { Some(None) } else { required(text).map(Some) }
}

/// The fields.
#[component]
pub fn SettingsFields(
    /// What is saved.
    settings: RunSettings,
    /// What is in the fields.
    form: Form,
    /// Why the last saving failed.
    error: RwSignal<Option<ApiError>>,
    /// Whether they can only be read.
    fixed: bool,
) -> impl IntoView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let when = |at| time::date_time(at, language, Some(&settings.time_zone));
    let previous = settings.previous_execution.map_or_else(|| texts.never.to_owned(), when);
    let next = when(settings.next_execution);
    let wrong = move |pointer: &'static str, good: Readable, value: RwSignal<String>| {
        let refused = field_error(error, pointer);
        Signal::derive(move || {
            let unreadable = form.checked.get() && !value.with(|text| good(text));
            if unreadable { Some(texts.number_wrong.to_owned()) } else { refused.get() }
        })
    };
    let (one, maybe): (Readable, Readable) = (|text| required(text).is_some(), |text| optional(text).is_some());
    let conditions = form.conditions.get_value();
    view! {
        <dl class="facts">
            <div class="fact"><dt>{texts.previous_execution}</dt><dd>{previous}</dd></div>
            <div class="fact"><dt>{texts.next_execution}</dt><dd>{next}</dd></div>
        </dl>
        <fieldset class="stack" disabled=fixed>
            <div class="two">
                <Field
                    id="execute-timing" label=texts.execute_timing value=form.execute_timing kind="time" required=true
                    hint=(texts.execute_timing_hint)(&settings.time_zone)
                    error=field_error(error, "/execute_timing")
                />
                <Check
                    id="immediate-action" label=texts.immediate_action value=form.immediate
                    hint=texts.immediate_action_hint
                />
            </div>
            <div class="two">
                <Field
                    id="watch-period" label=texts.watch_period value=form.watch_period kind="number"
                    hint=texts.watch_period_hint error=wrong("/watch_period_days", maybe, form.watch_period)
                />
                <Field
                    id="watch-limit" label=texts.watch_daily_limit value=form.watch_limit kind="number"
                    hint=texts.watch_daily_limit_hint error=wrong("/watch_daily_limit", maybe, form.watch_limit)
                />
                <Field
                    id="watch-warning" label=texts.watch_warning value=form.watch_warning kind="number"
                    hint=texts.watch_warning_hint error=wrong("/watch_warning", one, form.watch_warning)
                />
            </div>
            <WatchPreview form/>
            <section class="stack-tight">
                <h3 id="conditions">{texts.blocking_conditions}</h3>
                <div class="conditions" role="region" aria-labelledby="conditions" tabindex="0">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{texts.enabled}</th>
                                <th scope="col">{texts.error_reason}</th>
                                <th scope="col">{texts.frequency}</th>
                            </tr>
                        </thead>
                        <tbody>
                            {conditions.into_iter().map(|condition| view! { <ConditionRow condition checked=form.checked/> }).drawn()}
                        </tbody>
                    </table>
                </div>
                <p class="field-error" role="alert">{move || field_error(error, "/conditions").get()}</p>
            </section>
            <Check id="success-resets" label=texts.success_resets value=form.success_resets hint=texts.success_resets_hint/>
        </fieldset>
    }
    .into_any()
}

#[component]
fn ConditionRow(condition: Condition, checked: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    let reason = (texts.reason)(condition.reason);
    let wrong = memo(move |_| checked.get() && condition.frequency.with(|text| required(text).is_none()));
    let error_id = move || wrong.get().then(|| format!("frequency-{}-error", condition.reason.as_str()));
    let cancel = move || {
        (condition.was_enabled && !condition.enabled.get()).then(|| {
            view! {
                <label class="check small">
                    <input type="checkbox" bind:checked=condition.cancel aria-label=(texts.cancel_blocking_of)(reason)/>
                    {texts.cancel_blocking}
                </label>
            }
        })
    };
    view! {
        <tr>
            <td class="tick">
                <input type="checkbox" bind:checked=condition.enabled aria-label=(texts.enabled_of)(reason)/>
            </td>
            // Below the reason, where a narrow screen has room for it.
            <td><div class="stack-tight">{reason}{cancel}</div></td>
            <td>
                <input
                    class="input input-short" type="number" min="1" inputmode="numeric" bind:value=condition.frequency
                    aria-label=(texts.frequency_of)(reason) aria-invalid=move || wrong.get().then_some("true")
                    aria-describedby=error_id
                />
                <div role="alert">
                    {move || error_id().map(|id| view! { <p class="field-error" id=id>{texts.number_wrong}</p> })}
                </div>
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{optional, required};

    #[test]
    fn only_whole_numbers_from_one_are_read() {
        assert_eq!(required(" 12 "), Some(12));
        for wrong in ["", "0", "-1", "1.5", "x"] {
            assert_eq!(required(wrong), None, "{wrong}");
        }
        assert_eq!(optional(" "), Some(None));
        assert_eq!(optional("0"), None);
    }
}
