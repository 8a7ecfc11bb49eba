//! Inquiries, for the users of an account and for the provider.

mod new;
mod thread;

pub use new::NewInquiryPage;
pub use thread::InquiryPage;

use super::listing::listing;
use crate::{
    i18n::Texts,
    paths,
    router::Router,
    state::{Inquiries, Preferences, Session, Url, client, load, texts, ticking},
    ui::{Badge, Dot, Icon, Moment, Select, Shape, Show, Table, Tone},
};
use leptos::prelude::*;
use shared::inquiry::{Inquiry, InquirySide, InquiryState};

/// The parameters of the URL that narrow the list.
const FILTERS: &[&str] = &["state"];

/// Whose eyes the page shows inquiries with.
fn side() -> InquirySide {
    let path = Router::here().path;
    path.with_untracked(|path| paths::inquiries_at(path)).unwrap_or(InquirySide::Account)
}

/// The inquiries that a side sees, last changed first.
#[component]
pub fn InquiryList() -> impl IntoView {
    let side = side();
    let (texts, client, url, session) = (texts(), client(), Url::current(), expect_context::<Session>());
    let (words, changed) = (&texts.inquiries, expect_context::<Inquiries>().changed);
    let loader = load(
        || (),
        move || (url.get("state"), url.get("cursor"), changed.get()),
        move |(), (state, cursor, _)| client.inquiries(side, state, cursor),
    );
    let staff = side == InquirySide::Provider;
    let table = move |rows: Memo<Vec<Inquiry>>| {
        let mut head = vec![words.subject, words.category, texts.state, words.changed];
        if staff {
            head.insert(1, texts.account_name);
        }
        let key = |one: &Inquiry| (one.id, one.state, one.unread, one.changed_at);
        view! {
            <Table label=words.inquiries head busy=loader.busy>
                <For each=move || rows.get() key let:inquiry>{row(texts, inquiry, side)}</For>
            </Table>
        }
        .into_any()
    };
    let states = std::iter::once(("", texts.any))
        .chain(InquiryState::ALL.into_iter().map(|state| (state.as_str(), (words.state)(state))))
        .collect::<Vec<_>>();
    let (text, empty) =
        if staff { (words.provider_text, words.provider_empty_text) } else { (words.inquiries_text, words.empty_text) };
    view! {
        <header class="page-head">
            <div class="stack-tight"><h1>{words.inquiries}</h1><p class="soft">{text}</p></div>
            <Show when=move || !staff && session.may_inquire()>
                <a href=paths::new_inquiry(None) class="button button-primary">
                    <Icon shape=Shape::Plus/>{words.new}
                </a>
            </Show>
        </header>
        <div class="stack">
            <div class="filters">
                <Select
                    id="state" label=texts.filter_state value=Signal::derive(move || url.get("state")) options=states
                    choose=move |state: String| url.choose("state", &state)
                />
            </div>
            {listing(loader, url, FILTERS, (words.empty, empty), table)}
        </div>
    }
    .into_any()
}

fn row(texts: &'static Texts, inquiry: Inquiry, side: InquirySide) -> AnyView {
    let words = &texts.inquiries;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    view! {
        <tr>
            <td class="address">
                <a href=paths::inquiry(side, inquiry.id) class=if inquiry.unread { "item unread" } else { "item" }>
                    {inquiry.subject}
                    {inquiry.unread.then(|| view! { <Dot text=words.unread/> })}
                </a>
            </td>
            {inquiry.account.map(|account| view! { <td class="wrap">{account.name}</td> })}
            <td>{(words.category_name)(inquiry.category)}</td>
            <td>{badge(texts, inquiry.state, side)}</td>
            <td class="soft"><Moment at=inquiry.changed_at language now=Some(ticking())/></td>
        </tr>
    }
    .into_any()
}

/// How far an inquiry has come: one that waits for the provider is something to do for it alone.
fn badge(texts: &'static Texts, state: InquiryState, side: InquirySide) -> AnyView {
    let tone = match (state, side) {
        (InquiryState::Open, InquirySide::Account) => Tone::Working,
        (InquiryState::Open, InquirySide::Provider) => Tone::Warn,
        (InquiryState::Answered, _) => Tone::Good,
        (InquiryState::Closed, _) => Tone::Plain,
    };
    view! { <Badge tone text=(texts.inquiries.state)(state)/> }.into_any()
}
