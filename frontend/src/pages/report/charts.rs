//! The charts of the overview.

use crate::{
    reactive::memo,
    state::{Preferences, texts},
    ui::{Chart, ChartDays, ChartKind, ChartWords, Series, Show, time},
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
    let texts = texts();
    let words = &texts.report;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let days = memo(move |_| {
        report.with(|report| ChartDays {
            short: report.days.iter().map(|day| time::short_day(day.day, language)).collect(),
            long: report.days.iter().map(|day| time::day(day.day, language)).collect(),
        })
    });
    let values = move |of: &dyn Fn(&DeliveryReportDay) -> i64| -> Vec<i64> {
        report.with(|report| report.days.iter().map(of).collect())
    };
    let errors = memo(move |_| {
        let of_reason = |reason: Reason| {
            let count =
                |day: &DeliveryReportDay| day.errors.iter().find(|one| one.reason == reason).map_or(0, |one| one.count);
            Series { name: (texts.reason)(reason), class: class(reason), values: values(&count), below: false }
        };
        Reason::ALL.into_iter().map(of_reason).filter(happened).collect()
    });
    let size = memo(move |_| {
        let values = values(&|day| day.list_count);
        vec![Series { name: words.on_list, class: "chart-list", values, below: false }]
    });
    let changes = memo(move |_| {
        let (blocked, released) = (values(&|day| day.blocked), values(&|day| day.released));
        let changes = [
            Series { name: words.blocked, class: "chart-blocked", values: blocked, below: false },
            Series { name: words.released, class: "chart-released", values: released, below: true },
            Series {
                name: words.cancelled,
                class: "chart-cancelled",
                values: values(&|day| day.cancelled),
                below: true,
            },
        ];
        changes.into_iter().filter(happened).collect()
    });
    view! {
        {card(words.errors_by_reason, ChartKind::Bars, days, errors, words.no_errors)}
        <div class="pair">
            {card(words.growth, ChartKind::Line, days, size, "")}
            {card(words.changes, ChartKind::Bars, days, changes, words.no_changes)}
        </div>
    }
    .into_any()
}

fn happened(series: &Series) -> bool {
    series.values.iter().any(|value| *value != 0)
}

/// A chart, or the words that there is nothing to draw.
fn card(
    title: &'static str,
    kind: ChartKind,
    days: Memo<ChartDays>,
    series: Memo<Vec<Series>>,
    nothing: &'static str,
) -> AnyView {
    let words = &texts().report;
    let words = ChartWords { show_table: words.show_table, day: words.day, choose: words.choose };
    let empty = move || view! { <h2>{title}</h2><p class="soft">{nothing}</p> };
    view! {
        <section class="card">
            <Show when=move || !series.with(Vec::is_empty) fallback=empty><Chart title kind days series words/></Show>
        </section>
    }
    .into_any()
}
