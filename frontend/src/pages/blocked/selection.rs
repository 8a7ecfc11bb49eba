//! Rows of the blocked list that are ticked, and what can be done with them.

use crate::{reactive::memo, state::texts, ui::Button};
use leptos::prelude::*;
use shared::list::{BlockState, BlockedAddress};
use uuid::Uuid;

/// Ticks every row of the page, and releases those that are ticked.
#[component]
pub fn Selection(
    /// The rows of the page.
    rows: Memo<Vec<BlockedAddress>>,
    /// Those that are ticked.
    ticked: RwSignal<Vec<Uuid>>,
    /// The addresses to ask about.
    chosen: RwSignal<Vec<String>>,
) -> impl IntoView {
    let texts = texts();
    // Rows go while they are ticked, when somebody else releases them for example.
    let releasable = move || rows.get().into_iter().filter(|row| row.state != BlockState::Releasing);
    let addresses = memo(move |_| {
        let ticked = ticked.get();
        releasable().filter(|row| ticked.contains(&row.id)).map(|row| row.address).collect::<Vec<_>>()
    });
    let count = move || addresses.with(Vec::len);
    let all = memo(move |_| count() > 0 && count() == releasable().count());
    let some = move || count() > 0 && !all.get();
    let change = move |event: leptos::ev::Event| {
        ticked.set(if event_target_checked(&event) { releasable().map(|row| row.id).collect() } else { Vec::new() });
    };
    view! {
        <div class="row selection">
            <label class="check">
                <input
                    type="checkbox" prop:checked=move || all.get() prop:indeterminate=some on:change=change
                />
                {texts.select_page}
            </label>
            <Button
                small=true busy=Signal::derive(move || count() == 0)
                press=move |()| chosen.set(addresses.get_untracked())
            >
                {move || (texts.release_selected)(count())}
            </Button>
        </div>
    }
    .into_any()
}

/// The tick of a row.
#[component]
pub fn Tick(
    /// The block.
    id: Uuid,
    /// Its address.
    address: String,
    /// The rows that are ticked.
    ticked: RwSignal<Vec<Uuid>>,
) -> impl IntoView {
    let change = move |event: leptos::ev::Event| {
        let on = event_target_checked(&event);
        ticked.update(|ticked| {
            ticked.retain(|other| *other != id);
            if on {
                ticked.push(id);
            }
        });
    };
    view! {
        <input
            type="checkbox" aria-label=(texts().select_address)(&address)
            prop:checked=move || ticked.with(|ticked| ticked.contains(&id)) on:change=change
        />
    }
}
