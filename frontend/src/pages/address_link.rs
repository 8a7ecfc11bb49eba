//! Addresses of lists, which lead to their histories.

use crate::{
    paths,
    state::{Configuration, Returning, texts},
    ui::{focus, mail_address},
};
use leptos::{html, prelude::*};

/// An address that leads to its history. Who comes back from there finds it focused, and so in sight.
#[component]
pub fn AddressLink(
    /// The address.
    address: String,
) -> impl IntoView {
    let (returning, link) = (expect_context::<Returning>(), NodeRef::<html::A>::new());
    if returning.is_back_at(&address) {
        focus(link);
    }
    let href = paths::address(Configuration::open().id.get_untracked(), &address);
    let (shown, name) = (mail_address(&address), (texts().history.opens)(&address));
    view! {
        <a node_ref=link class="item" href=href title=name on:click=move |_| returning.leave(&address)>{shown}</a>
    }
    .into_any()
}
