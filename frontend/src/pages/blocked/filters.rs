//! Search and filters of the two lists, kept in the URL.

use crate::{
    api::ListQuery,
    pages::{Day, Domain, MoreFilters, STATES},
    state::{Url, debounced, texts},
    ui::{Search, Select, time},
};
use leptos::prelude::*;
use shared::{Reason, list::Origin};

/// The query of the page's URL.
pub fn list_query(url: Url) -> ListQuery {
    ListQuery {
        q: url.get("q"),
        domain: url.get("domain"),
        reason: url.get("reason"),
        origin: url.get("origin"),
        state: url.get("state"),
        from: time::start_of_day(&url.get("from"), 0).unwrap_or_default(),
        to: time::start_of_day(&url.get("to"), 1).unwrap_or_default(),
        sort: url.get("sort"),
        direction: url.get("direction"),
        cursor: url.get("cursor"),
    }
}

/// Every reason as a choice, after "all".
pub fn reason_options() -> Vec<(&'static str, &'static str)> {
    let texts = texts();
    let reasons = Reason::ALL.into_iter().map(|reason| (reason.as_str(), (texts.reason)(reason)));
    std::iter::once(("", texts.any)).chain(reasons).collect()
}

/// Search, sort, reason, domain and days; origin and state too where `block` says that the rows have them.
#[component]
pub fn Filters(
    /// Whether the rows are blocks.
    block: bool,
    /// What can be done with what is found.
    children: Children,
) -> impl IntoView {
    let (texts, url) = (texts(), Url::current());
    let value = move |name: &'static str| Signal::derive(move || url.get(name));
    let choose = move |name: &'static str| Callback::new(move |text: String| url.choose(name, &text));
    let sort = Signal::derive(move || match (url.get("sort").as_str(), url.get("direction").as_str()) {
        ("address", "descending") => "address-descending".to_owned(),
        ("address", _) => "address".to_owned(),
        (_, "ascending") => "oldest".to_owned(),
        _ => String::new(),
    });
    let choose_sort = move |text: String| {
        let (sort, direction) = match text.as_str() {
            "address" => ("address", "ascending"),
            "address-descending" => ("address", "descending"),
            "oldest" => ("date", "ascending"),
            _ => ("", ""),
        };
        url.choose_all(&[("sort", sort), ("direction", direction)]);
    };
    let sorts = vec![
        ("", texts.newest_first),
        ("oldest", texts.oldest_first),
        ("address", texts.address_ascending),
        ("address-descending", texts.address_descending),
    ];
    let origins = std::iter::once(("", texts.any))
        .chain(Origin::ALL.into_iter().map(|origin| (origin.as_str(), (texts.origin)(origin))))
        .collect::<Vec<_>>();
    let states = std::iter::once(("", texts.any))
        .chain(STATES.into_iter().map(|(name, state)| (name, (texts.block_state)(state))))
        .collect::<Vec<_>>();
    view! {
        <div class="stack-tight">
            <div class="filters">
                <Search id="q" label=texts.search_address value=value("q") typed=debounced(move |text| url.typed("q", &text))/>
                <Select id="sort" label=texts.sort compact=true value=sort options=sorts choose=choose_sort/>
                {children()}
            </div>
            <MoreFilters names=&["reason", "origin", "state", "domain", "from", "to"]>
                <Select
                    id="reason" label=texts.filter_reason value=value("reason") options=reason_options()
                    choose=choose("reason")
                />
                {block.then(|| view! {
                    <Select id="origin" label=texts.filter_origin value=value("origin") options=origins choose=choose("origin")/>
                    <Select id="state" label=texts.filter_state value=value("state") options=states choose=choose("state")/>
                })}
                <Domain/>
                <Day id="from" label=texts.from_day/>
                <Day id="to" label=texts.to_day/>
            </MoreFilters>
        </div>
    }
    .into_any()
}
