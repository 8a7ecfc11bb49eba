//! The overview of the delivery report.

use super::charts::charts;
use crate::{
    i18n::{Texts, number::grouped},
    pages::whole::whole,
    paths,
    reactive::memo,
    state::{Configuration, Url, client, load, texts},
    ui::{Drawn, Empty, Show, anew},
};
use leptos::prelude::*;
use shared::delivery_report::{DEFAULT_REPORT_DAYS, DeliveryReport, DeliveryReportDay, DomainErrors, REPORT_DAYS};
use uuid::Uuid;

/// Errors, blocks and releases in charts, and the domains with the most errors.
#[component]
pub fn ReportOverview() -> impl IntoView {
    let (client, url) = (client(), Url::current());
    let Configuration { id, live } = Configuration::open();
    // Anything else than one of the ranges is the default one.
    let days = memo(move |_| {
        let named = url.get("days").parse().ok().filter(|days| REPORT_DAYS.contains(days));
        named.unwrap_or(DEFAULT_REPORT_DAYS)
    });
    let loader = load(
        move || id.get(),
        move || (days.get(), live.lists.get(), live.delivery_events.get()),
        move |id, (days, ..)| client.delivery_report(id, days),
    );
    view! {
        <div class="stack">
            <Ranges days url/>
            {whole(loader, move |report| drawn(report, id.get_untracked()))}
        </div>
    }
    .into_any()
}

/// How many days are shown.
#[component]
fn Ranges(days: Memo<u16>, url: Url) -> impl IntoView {
    let words = &texts().report;
    let range = |(range, name): (u16, &'static str)| {
        let choose = move |_| {
            let text = if range == DEFAULT_REPORT_DAYS { String::new() } else { range.to_string() };
            url.choose("days", &text);
        };
        view! {
            <button
                type="button" class="button button-small" aria-pressed=move || (days.get() == range).to_string()
                on:click=choose
            >
                {name}
            </button>
        }
    };
    let names = [words.days_7, words.days_30, words.days_90];
    view! {
        <div class="ranges" role="group" aria-label=words.range>
            {REPORT_DAYS.into_iter().zip(names).map(range).drawn()}
        </div>
    }
    .into_any()
}

fn drawn(report: Memo<DeliveryReport>, configuration: Uuid) -> AnyView {
    let texts = texts();
    let words = &texts.report;
    let happened = memo(move |_| {
        report.with(|report| {
            let moved = |day: &DeliveryReportDay| day.list_count + day.blocked + day.released + day.cancelled > 0;
            delivered(report) + errors(report) > 0 || report.days.iter().any(moved)
        })
    });
    let figures = move || report.with(|report| figures(texts, report));
    let domains = move || report.with(|report| domains(texts, report, configuration));
    let zone = move || report.with(|report| (words.zone)(&report.time_zone));
    let nothing = move || {
        view! { <div class="table-frame"><Empty title=words.nothing text=words.nothing_text/></div> }
    };
    view! {
        <Show when=move || happened.get() fallback=nothing>
            {anew(figures)}
            {charts(report)}
            {anew(domains)}
            <p class="hint">{zone}</p>
        </Show>
    }
    .into_any()
}

fn figures(texts: &Texts, report: &DeliveryReport) -> AnyView {
    let words = &texts.report;
    let (delivered, errors) = (delivered(report), errors(report));
    let on_list = report.days.last().map_or(0, |day| day.list_count);
    view! {
        <dl class="card figures">
            {figure(words.delivered, grouped(delivered))}
            {figure(words.errors, grouped(errors))}
            {figure(words.error_rate, rate(errors, delivered + errors))}
            {figure(words.on_list, grouped(on_list))}
        </dl>
    }
    .into_any()
}

fn domains(texts: &Texts, report: &DeliveryReport, configuration: Uuid) -> AnyView {
    let words = &texts.report;
    let worst = report.domains.first().map_or(1, |worst| worst.errors.max(1));
    let domains = report.domains.iter().map(|one| domain(one, worst, configuration)).drawn();
    (!domains.is_empty())
        .then(|| {
            view! {
                <section class="card">
                    <div><h2>{words.domains}</h2><p class="soft small">{words.domains_text}</p></div>
                    <ol class="domains" role="list">{domains}</ol>
                </section>
            }
            .into_any()
        })
        .into_any()
}

fn delivered(report: &DeliveryReport) -> i64 {
    report.days.iter().map(|day| day.delivered).sum()
}

fn errors(report: &DeliveryReport) -> i64 {
    report.days.iter().flat_map(|day| &day.errors).map(|one| one.count).sum()
}

fn figure(name: &'static str, value: String) -> AnyView {
    view! { <div class="fact"><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}

/// A domain with its errors as a bar, which leads to them.
fn domain(one: &DomainErrors, worst: i64, configuration: Uuid) -> AnyView {
    let href = paths::errors_of(configuration, &one.domain);
    view! {
        <li>
            <a class="break" href=href aria-label=(texts().report.errors_of)(&one.domain, one.errors)>{one.domain.clone()}</a>
            <span class="number" aria-hidden="true">{grouped(one.errors)}</span>
            <svg aria-hidden="true" viewBox="0 0 1000 1" preserveAspectRatio="none">
                <rect class="chart-errors" width=one.errors * 1_000 / worst height="1"/>
            </svg>
        </li>
    }
    .into_any()
}

/// A part of something in percent, with one digit behind the point.
fn rate(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = (part * 1_000 + whole / 2) / whole;
    format!("{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn a_rate_is_rounded_to_tenths() {
        for (part, whole, text) in [(0, 0, "–"), (0, 7, "0.0%"), (1, 3, "33.3%"), (2, 3, "66.7%"), (5, 5, "100.0%")] {
            assert_eq!(rate(part, whole), text);
        }
    }
}
