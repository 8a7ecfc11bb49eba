//! Tables, pages of them, and charts.

use super::Piece;
use crate::{
    i18n::Texts,
    reactive::memo,
    state::{Preferences, now, texts},
    ui::{
        Badge, Button, Chart, ChartData, ChartDays, ChartKind, ChartWords, Drawn, Pager, Series, Table, Tone,
        mail_address, time,
    },
};
use chrono::{DateTime, TimeDelta};
use leptos::prelude::*;
use shared::Reason;

const DAYS: i64 = 30;

/// Tables, pagers and charts.
pub fn pieces() -> Vec<Piece> {
    let texts = texts();
    vec![
        Piece { name: "Table", states: vec![("rest", table(texts, false)), ("read again", table(texts, true))] },
        pagers(texts),
        Piece {
            name: "Chart",
            states: vec![
                ("Bars", bars(texts)),
                ("Bars, below too", changes(texts)),
                ("Line", line(texts)),
                ("nothing but zeros", list_size(texts, vec![0; 30])),
                ("one day", list_size(texts, vec![1_204])),
            ],
        },
    ]
}

fn table(texts: &'static Texts, busy: bool) -> AnyView {
    let head = vec![texts.mail_address, texts.error_reason, texts.state, texts.operation];
    let rows = [
        ("taro@example.com", Reason::UnknownUser, Tone::Good, texts.enabled),
        ("taro.yamada.2026.newsletter@mail.example.co.jp", Reason::ResendTimeout, Tone::Working, texts.run_working),
        ("abc..def@docomo.ne.jp", Reason::Registered, Tone::Warn, texts.waiting_contact),
    ];
    let row = move |(address, reason, tone, text)| {
        view! {
            <tr>
                <td class="address">{mail_address(address)}</td>
                <td>{(texts.reason)(reason)}</td>
                <td><Badge tone text/></td>
                <td class="actions"><Button small=true>{texts.release}</Button></td>
            </tr>
        }
    };
    view! { <Table label=texts.blocked_list head busy=Signal::stored(busy)>{rows.into_iter().map(row).drawn()}</Table> }
        .into_any()
}

fn pagers(texts: &'static Texts) -> Piece {
    let pager = |more: bool, next: bool, later: bool| {
        let next = next.then(|| "cursor".to_owned());
        view! {
            <Pager
                total=Signal::stored((texts.total)(10_000, more)) next=Signal::stored(next) later=Signal::stored(later)
                words=(texts.first_page, texts.next_page) go=|_: String| {}
            />
        }
        .into_any()
    };
    Piece {
        name: "Pager",
        states: vec![
            ("the only page", pager(false, false, false)),
            ("first", pager(true, true, false)),
            ("in the middle", pager(true, true, true)),
            ("last", pager(false, false, true)),
        ],
    }
}

/// Numbers that look like life, the same every time.
fn values(height: i64, step: i64) -> Vec<i64> {
    (0..DAYS).map(|day| (day * step + day * day) % height).collect()
}

fn chart(texts: &'static Texts, title: &'static str, kind: ChartKind, series: Vec<Series>) -> AnyView {
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let today = DateTime::from_timestamp_millis(now() as i64).unwrap_or_default().date_naive();
    let length = series.first().map_or(0, |series| series.values.len());
    let days: Vec<_> = (0..length as i64).rev().map(|ago| today - TimeDelta::days(ago)).collect();
    let written = |write: fn(chrono::NaiveDate, &str) -> String| days.iter().map(|day| write(*day, language)).collect();
    let days = ChartDays { short: written(time::short_day), long: written(time::day) };
    let words = &texts.report;
    let words = ChartWords { show_table: words.show_table, day: words.day, choose: words.choose };
    let data = ChartData { days, series };
    view! { <Chart title kind data=memo(move |_| data.clone()) words/> }.into_any()
}

fn bars(texts: &'static Texts) -> AnyView {
    let reasons = [
        ("chart-unknown-host", Reason::UnknownHost, 9),
        ("chart-unknown-user", Reason::UnknownUser, 40),
        ("chart-resend-timeout", Reason::ResendTimeout, 13),
        ("chart-reception-rejected", Reason::ReceptionRejected, 21),
        ("chart-address-format", Reason::AddressFormat, 4),
        ("chart-blocked-address", Reason::BlockedAddress, 60),
        ("chart-other", Reason::Other, 7),
    ];
    let one = |(class, reason, height)| Series {
        name: (texts.reason)(reason),
        class,
        values: values(height, height / 2 + 1),
        below: false,
    };
    chart(texts, texts.report.errors_by_reason, ChartKind::Bars, reasons.into_iter().map(one).collect())
}

fn changes(texts: &'static Texts) -> AnyView {
    let words = &texts.report;
    let series = vec![
        Series { name: words.blocked, class: "chart-blocked", values: values(12, 5), below: false },
        Series { name: words.released, class: "chart-released", values: values(4, 3), below: true },
        Series { name: words.cancelled, class: "chart-cancelled", values: values(3, 2), below: true },
    ];
    chart(texts, words.changes, ChartKind::Bars, series)
}

fn line(texts: &'static Texts) -> AnyView {
    list_size(texts, (0..DAYS).map(|day| 1_000_000 + day * 37 + (day * day) % 90).collect())
}

fn list_size(texts: &'static Texts, values: Vec<i64>) -> AnyView {
    let series = vec![Series { name: texts.report.on_list, class: "chart-list", values, below: false }];
    chart(texts, texts.report.growth, ChartKind::Line, series)
}
