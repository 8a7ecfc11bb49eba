//! The charts of the overview.

use crate::{
    state::{Preferences, texts},
    ui::{Chart, ChartDays, ChartKind, ChartWords, Series, time},
};
use leptos::prelude::*;
use shared::{Reason, delivery_report::DeliveryReport};

/// The colour of a reason.
const fn class(reason: Reason) -> &'static str {
    match reason {
        Reason::UnknownHost => "chart-unknown-host",
        Reason::UnknownUser => "chart-unknown-user",
        Reason::ResendTimeout => "chart-resend-timeout",
        Reason::ReceptionRejected => "chart-reception-rejected",
        Reason::AddressFormat => "chart-address-format",
        Reason::BlockedAddress => "chart-blocked-address",
        Reason::Other | Reason::Registered => "chart-other",
    }
}

/// Errors by reason, the list's growth, blocks and releases.
pub fn charts(report: &DeliveryReport) -> AnyView {
    let texts = texts();
    let words = &texts.report;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let days = ChartDays {
        short: report.days.iter().map(|day| time::short_day(day.day, language)).collect(),
        long: report.days.iter().map(|day| time::day(day.day, language)).collect(),
    };
    let of_reason = |reason: Reason| {
        let count = |day: &shared::delivery_report::DeliveryReportDay| {
            day.errors.iter().find(|one| one.reason == reason).map_or(0, |one| one.count)
        };
        let values = report.days.iter().map(count).collect();
        Series { name: (texts.reason)(reason), class: class(reason), values, below: false }
    };
    let errors: Vec<_> = Reason::ALL.into_iter().map(of_reason).filter(happened).collect();
    let size = report.days.iter().map(|day| day.list_count).collect();
    let size = Series { name: words.on_list, class: "chart-list", values: size, below: false };
    let blocked = report.days.iter().map(|day| day.blocked).collect();
    let released = report.days.iter().map(|day| day.released).collect();
    let cancelled = report.days.iter().map(|day| day.cancelled).collect();
    let changes: Vec<_> = [
        Series { name: words.blocked, class: "chart-blocked", values: blocked, below: false },
        Series { name: words.released, class: "chart-released", values: released, below: true },
        Series { name: words.cancelled, class: "chart-cancelled", values: cancelled, below: true },
    ]
    .into_iter()
    .filter(happened)
    .collect();
    view! {
        {card(words.errors_by_reason, ChartKind::Bars, &days, errors, words.no_errors)}
        <div class="pair">
            {card(words.growth, ChartKind::Line, &days, vec![size], "")}
            {card(words.changes, ChartKind::Bars, &days, changes, words.no_changes)}
        </div>
    }
    .into_any()
}

fn happened(series: &Series) -> bool {
    series.values.iter().any(|value| *value != 0)
}

/// A chart, or the words that there is nothing to draw.
fn card(title: &'static str, kind: ChartKind, days: &ChartDays, series: Vec<Series>, nothing: &'static str) -> AnyView {
    let words = &texts().report;
    let words = ChartWords { show_table: words.show_table, day: words.day, choose: words.choose };
    let content = if series.is_empty() {
        view! { <h2>{title}</h2><p class="soft">{nothing}</p> }.into_any()
    } else {
        view! { <Chart title kind days=days.clone() series words/> }.into_any()
    };
    view! { <section class="card">{content}</section> }.into_any()
}
