//! The charts of the overview.

use crate::{
    i18n::Texts,
    reactive::memo,
    state::{Preferences, texts},
    ui::{Chart, ChartData, ChartDays, ChartKind, ChartWords, Series, Show, time},
};
use leptos::prelude::*;
use shared::{
    Reason,
    delivery_report::{DeliveryReport, DeliveryReportDay},
};

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
pub fn charts(report: Memo<DeliveryReport>) -> AnyView {
    let words = &texts().report;
    view! {
        {card(words.errors_by_reason, ChartKind::Bars, words.no_errors, report, errors)}
        <div class="pair">
            {card(words.growth, ChartKind::Line, "", report, size)}
            {card(words.changes, ChartKind::Bars, words.no_changes, report, changes)}
        </div>
    }
    .into_any()
}

fn errors(texts: &Texts, report: &DeliveryReport) -> Vec<Series> {
    let of_reason = |reason: Reason| {
        let count =
            |day: &DeliveryReportDay| day.errors.iter().find(|one| one.reason == reason).map_or(0, |one| one.count);
        let values = report.days.iter().map(count).collect();
        Series { name: (texts.reason)(reason), class: class(reason), values, below: false }
    };
    Reason::ALL.into_iter().map(of_reason).filter(happened).collect()
}

fn size(texts: &Texts, report: &DeliveryReport) -> Vec<Series> {
    let values = report.days.iter().map(|day| day.list_count).collect();
    vec![Series { name: texts.report.on_list, class: "chart-list", values, below: false }]
}

fn changes(texts: &Texts, report: &DeliveryReport) -> Vec<Series> {
    let words = &texts.report;
    let blocked = report.days.iter().map(|day| day.blocked).collect();
    let released = report.days.iter().map(|day| day.released).collect();
    let cancelled = report.days.iter().map(|day| day.cancelled).collect();
    [
        Series { name: words.blocked, class: "chart-blocked", values: blocked, below: false },
        Series { name: words.released, class: "chart-released", values: released, below: true },
        Series { name: words.cancelled, class: "chart-cancelled", values: cancelled, below: true },
    ]
    .into_iter()
    .filter(happened)
    .collect()
}

fn happened(series: &Series) -> bool {
    series.values.iter().any(|value| *value != 0)
}

/// A chart, or the words that there is nothing to draw.
fn card(
    title: &'static str,
    kind: ChartKind,
    nothing: &'static str,
    report: Memo<DeliveryReport>,
    series: fn(&Texts, &DeliveryReport) -> Vec<Series>,
) -> AnyView {
    let texts = texts();
    let words = &texts.report;
    let words = ChartWords { show_table: words.show_table, day: words.day, choose: words.choose };
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let data = memo(move |_| {
        report.with(|report| {
            let short = report.days.iter().map(|day| time::short_day(day.day, language)).collect();
            let long = report.days.iter().map(|day| time::day(day.day, language)).collect();
            ChartData { days: ChartDays { short, long }, series: series(texts, report) }
        })
    });
    let empty = move || view! { <h2>{title}</h2><p class="soft">{nothing}</p> };
    view! {
        <section class="card">
            <Show when=move || !data.with(|data| data.series.is_empty()) fallback=empty>
                <Chart title kind data words/>
            </Show>
        </section>
    }
    .into_any()
}
