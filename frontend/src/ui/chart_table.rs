//! A chart's values as a table.

use super::{Drawn, Series, Table};
use crate::i18n::number::grouped;
use leptos::prelude::*;

/// Every day with its values, the newest first.
#[component]
pub fn DayTable(
    /// Its name.
    title: &'static str,
    /// The head of the days.
    day: &'static str,
    /// The days, oldest first.
    days: Vec<String>,
    /// What is shown of them.
    series: Vec<Series>,
) -> impl IntoView {
    let head = std::iter::once(day).chain(series.iter().map(|one| one.name)).collect();
    let row = |(place, day): (usize, String)| {
        let value = |one: &Series| {
            let value = grouped(one.values.get(place).copied().unwrap_or(0));
            view! { <td data-label=one.name>{value}</td> }
        };
        view! { <tr><th scope="row">{day}</th>{series.iter().map(value).drawn()}</tr> }
    };
    let rows = days.into_iter().enumerate().rev().map(row).drawn();
    view! { <Table label=title head busy=false>{rows}</Table> }
}
