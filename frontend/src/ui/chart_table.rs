//! A chart's values as a table.

use super::{ChartData, Drawn, Series, Table};
use crate::i18n::number::grouped;
use leptos::prelude::*;

/// Every day with its values, the newest first; `day` is the head of the days.
pub fn day_table(title: &'static str, day: &'static str, data: &ChartData) -> AnyView {
    let head = std::iter::once(day).chain(data.series.iter().map(|one| one.name)).collect();
    let row = |(place, day): (usize, &String)| {
        let value = |one: &Series| {
            let value = grouped(one.values.get(place).copied().unwrap_or(0));
            view! { <td data-label=one.name>{value}</td> }
        };
        view! { <tr><th scope="row">{day.clone()}</th>{data.series.iter().map(value).drawn()}</tr> }
    };
    let rows = data.days.long.iter().enumerate().rev().map(row).drawn();
    view! { <Table label=title head busy=false>{rows}</Table> }.into_any()
}
