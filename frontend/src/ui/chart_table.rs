//! A chart's values as a table.

use super::{ChartDays, Drawn, Series, Table};
use crate::{i18n::number::grouped, reactive::memo};
use leptos::prelude::*;

/// Every day with its values, the newest first.
#[component]
pub fn DayTable(
    /// Its name.
    title: &'static str,
    /// The head of the days.
    day: &'static str,
    /// The days, oldest first.
    days: Signal<ChartDays>,
    /// What is shown of them.
    series: Signal<Vec<Series>>,
) -> impl IntoView {
    let names = memo(move |_| series.with(|series| series.iter().map(|one| one.name).collect::<Vec<_>>()));
    let rows = move || {
        let row = |(place, day): (usize, String)| {
            let value = |one: &Series| {
                let value = grouped(one.values.get(place).copied().unwrap_or(0));
                view! { <td data-label=one.name>{value}</td> }
            };
            view! { <tr><th scope="row">{day}</th>{series.with(|series| series.iter().map(value).drawn())}</tr> }
        };
        days.get().long.into_iter().enumerate().rev().map(row).drawn()
    };
    (move || {
        let head = std::iter::once(day).chain(names.get()).collect();
        view! { <Table label=title head busy=false>{rows}</Table> }
    })
    .into_any()
}
