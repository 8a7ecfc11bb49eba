//! One inquiry: what both sides wrote, and writing more.

use super::{badge, side};
use crate::{
    api::ApiError,
    i18n::Texts,
    pages::{FormError, field_error, single::single},
    paths,
    reactive::memo,
    state::{Inquiries, Kept, Loader, Pending, Preferences, Session, client, effect, id_in_path, load, texts, ticking},
    ui::{Badge, Button, Kind, Moment, Notice, Show, TextArea, Toasts, Tone, focus},
};
use futures::future::{FutureExt, LocalBoxFuture};
use leptos::{ev, html, prelude::*};
use shared::inquiry::{
    InquiryCategory, InquiryDownloads, InquiryMessage, InquiryRead, InquirySide, InquiryState, InquiryThread,
    NewInquiryMessage,
};
use uuid::Uuid;

/// The inquiry that the page's URL names.
#[component]
pub fn InquiryPage() -> impl IntoView {
    let (side, client) = (side(), client());
    let changed = expect_context::<Inquiries>().changed;
    let texts = texts();
    let words = &texts.inquiries;
    let key = id_in_path("inquiry");
    let loader = load(move || key.get(), move || changed.get(), move |id, _| client.inquiry(side, id));
    let heading = NodeRef::<html::H1>::new();
    let inquiry = memo(move |_| loader.data.with(|thread| thread.as_ref().map(|thread| thread.inquiry.clone())));
    let subject = move || inquiry.get().map_or_else(|| words.inquiries.to_owned(), |inquiry| inquiry.subject);
    let about = move || {
        inquiry.get().map(|inquiry| {
            view! {
                {badge(texts, inquiry.state, side)}
                {inquiry.account.map(|account| view! { <span class="break">{account.name}</span> })}
                <span>{(words.category_name)(inquiry.category)}</span>
            }
        })
    };
    let draw = move |first| view! { <Thread first side loader heading/> }.into_any();
    view! {
        <div class="stack">
            <a href=paths::inquiries(side) class="back">{words.inquiries}</a>
            <div class="stack-tight">
                <h1 tabindex="-1" node_ref=heading>{subject}</h1>
                <p class="meta" aria-live="polite">{about}</p>
            </div>
            {single(loader, |thread| thread.inquiry.id, (words.unknown, words.unknown_text), draw)}
        </div>
    }
    .into_any()
}

#[component]
fn Thread(
    first: InquiryThread,
    side: InquirySide,
    loader: Loader<InquiryThread>,
    heading: NodeRef<html::H1>,
) -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let words = &texts.inquiries;
    let id = first.inquiry.id;
    let thread = memo(move |_| loader.data.get().unwrap_or_else(|| first.clone()));
    mark_read(thread, side);
    // What the console offers follows what the provider has just enabled.
    effect(move || {
        let enabled = thread.with(|thread| thread.messages.iter().any(|message| message.enabled_downloads));
        if enabled && !untrack(|| session.may_download()) {
            session.look_again();
        }
    });
    view! {
        <div class="thread">
            <ul role="list" class="cards" aria-label=words.messages aria-live="polite">
                <For each=move || thread.get().messages key=|message| message.number let:one>{message(texts, one)}</For>
            </ul>
            <Show
                when=move || session.may_inquire()
                fallback=move || view! { <Notice tone=Tone::Plain><p>{words.inside_text}</p></Notice> }
            >
                <Acts id side thread loader heading/>
            </Show>
        </div>
    }
    .into_any()
}

fn message(texts: &'static Texts, message: InquiryMessage) -> AnyView {
    let words = &texts.inquiries;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let staff = message.side == InquirySide::Provider;
    let text = if message.text.is_empty() { words.downloads_now.to_owned() } else { message.text };
    view! {
        <li class=if staff { "card staff" } else { "card" }>
            <header>
                <div class="row">
                    <strong class="break">{message.author}</strong>
                    {staff.then(|| view! { <Badge tone=Tone::Plain text=words.provider/> })}
                    {message.enabled_downloads.then(|| view! { <Badge tone=Tone::Good text=words.downloads_enabled/> })}
                </div>
                <span class="soft small"><Moment at=message.created_at language now=Some(ticking())/></span>
            </header>
            <p class="written">{text}</p>
        </li>
    }
    .into_any()
}

/// Marks as read what the page shows, as soon as somebody looks at it.
fn mark_read(thread: Memo<InquiryThread>, side: InquirySide) {
    let (client, session, inquiries) = (client(), expect_context::<Session>(), expect_context::<Inquiries>());
    let (visible, marking) = (RwSignal::new(!document().hidden()), Pending::new());
    let watch = window_event_listener(ev::visibilitychange, move |_| visible.set(!document().hidden()));
    on_cleanup(move || watch.remove());
    effect(move || {
        let unread = thread.with(|thread| {
            let last = thread.messages.last().filter(|_| thread.inquiry.unread)?;
            Some((thread.inquiry.id, InquiryRead { until: last.number }))
        });
        let Some((id, read)) = unread.filter(|_| visible.get() && session.may_inquire()) else { return };
        marking.start(async move {
            // What fails is tried when it is looked at again.
            if client.mark_inquiry_read(side, id, &read).await.is_ok() {
                inquiries.look_again();
            }
        });
    });
}

type Act = LocalBoxFuture<'static, Result<(), ApiError>>;

/// Writing, closing, and enabling downloads.
#[component]
fn Acts(
    id: Uuid,
    side: InquirySide,
    thread: Memo<InquiryThread>,
    loader: Loader<InquiryThread>,
    heading: NodeRef<html::H1>,
) -> impl IntoView {
    let (texts, client, toasts, inquiries) = (texts(), client(), Toasts::here(), expect_context::<Inquiries>());
    let words = &texts.inquiries;
    let (text, error, acting) = (expect_context::<Kept>().draft("text", "", ""), RwSignal::new(None), Pending::new());
    let staff = side == InquirySide::Provider;
    let closed = memo(move |_| thread.with(|thread| thread.inquiry.state == InquiryState::Closed));
    let wanted = memo(move |_| {
        thread.with(|thread| {
            let inquiry = &thread.inquiry;
            inquiry.category == InquiryCategory::EnableDownload
                && inquiry.account.as_ref().is_some_and(|account| !account.downloads_enabled)
        })
    });
    let act = move |work: Act, done: &'static str| {
        acting.start(async move {
            let answer = work.await;
            if answer.is_ok() {
                toasts.good(done);
                inquiries.look_again();
            }
            error.set(answer.err());
        });
    };
    let show = move |answered: InquiryThread, sent: &str| {
        // What was written meanwhile stays.
        if text.with_untracked(|text| text == sent) {
            text.set(String::new());
        }
        loader.data.set(Some(answered));
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let new = NewInquiryMessage { text: text.get_untracked() };
        let work =
            async move { client.write_to_inquiry(side, id, &new).await.map(|answered| show(answered, &new.text)) };
        act(work.boxed_local(), words.sent);
    };
    let close = move |()| {
        // The button that was pressed goes.
        let work = async move { client.close_inquiry(side, id).await.map(|()| focus(heading)) };
        act(work.boxed_local(), words.closed);
    };
    let enable = move |()| {
        let sent = text.get_untracked();
        let answer = InquiryDownloads { text: Some(sent.clone()).filter(|text| !text.trim().is_empty()) };
        let work = async move {
            let answered = client.enable_downloads(id, &answer).await;
            answered.map(|answered| show(answered, &sent)).map(|()| focus(heading))
        };
        act(work.boxed_local(), words.enabled);
    };
    let busy = acting.busy();
    view! {
        <Show when=move || wanted.get()>
            <Notice tone=Tone::Warn>
                <strong>{words.downloads_disabled}</strong>
                <p>{words.enable_text}</p>
                <Button kind=Kind::Primary busy press=enable>{words.enable}</Button>
            </Notice>
        </Show>
        <form class="card" on:submit=submit>
            <FormError error/>
            <TextArea
                id="text" label=if staff { words.answer } else { words.text } value=text error=field_error(error, "/text")
            />
            <Show when=move || closed.get()><p class="soft small">{words.closed_text}</p></Show>
            <div class="row">
                <Button kind=Kind::Primary submit=true busy>{words.send}</Button>
                <Show when=move || !closed.get()><Button busy press=close>{words.close}</Button></Show>
            </div>
        </form>
    }
    .into_any()
}
