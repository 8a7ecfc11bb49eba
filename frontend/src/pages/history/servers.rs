//! An address on every mail server.

use crate::{
    state::{Preferences, texts, ticking},
    ui::{Badge, Drawn, Moment, Tone},
};
use leptos::prelude::*;
use shared::address_history::{AddressOnMailServer, Holding};

/// Which mail server holds the address, since when, and by which version.
pub fn servers(servers: Vec<AddressOnMailServer>) -> AnyView {
    let words = &texts().history;
    let content = if servers.is_empty() {
        view! { <p class="soft">{words.no_servers}</p> }.into_any()
    } else {
        view! { <ul class="receipts" role="list">{servers.into_iter().map(server).drawn()}</ul> }.into_any()
    };
    view! { <section class="card"><h3>{words.on_servers}</h3>{content}</section> }.into_any()
}

fn server(server: AddressOnMailServer) -> AnyView {
    let texts = texts();
    let words = &texts.history;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let tone = match server.holding {
        Holding::Held => Tone::Bad,
        Holding::NotHeld => Tone::Good,
        Holding::Unknown => Tone::Warn,
    };
    view! {
        <li>
            <span class="row">
                <span class="break">{server.mail_server_name}</span>
                {(!server.active).then(|| view! { <Badge tone=Tone::Plain text=texts.inactive/> })}
            </span>
            <span class="row">
                {server.version.map(|version| view! { <span class="soft">{(texts.version_number)(version)}</span> })}
                {server.since.map(|at| view! {
                    <span class="soft">{words.since}" "<Moment at language now=Some(ticking())/></span>
                })}
                <Badge tone text=(words.holding)(server.holding)/>
            </span>
        </li>
    }
    .into_any()
}
