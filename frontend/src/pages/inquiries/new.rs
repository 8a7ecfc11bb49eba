//! Making an inquiry.

use crate::{
    pages::{FormError, field_error},
    paths,
    reactive::memo,
    router::Router,
    state::{Kept, Pending, Session, Url, client, effect, texts},
    ui::{Button, Field, Kind, Notice, Select, Show, TextArea, Toasts, Tone},
};
use leptos::prelude::*;
use shared::inquiry::{InquiryCategory, InquirySide, NewInquiry};
use std::mem;

/// Asks the provider something.
#[component]
pub fn NewInquiryPage() -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let words = &texts.inquiries;
    view! {
        <div class="stack">
            <a href=paths::inquiries(InquirySide::Account) class="back">{words.inquiries}</a>
            <h1>{words.new}</h1>
            <Show
                when=move || session.may_inquire()
                fallback=move || view! { <Notice tone=Tone::Plain><p>{words.inside_text}</p></Notice> }
            >
                <Form/>
            </Show>
        </div>
    }
    .into_any()
}

#[component]
fn Form() -> impl IntoView {
    let (texts, client, toasts, url, router) = (texts(), client(), Toasts::here(), Url::current(), Router::here());
    let words = &texts.inquiries;
    let category = memo(move |_| {
        let named = url.get("category");
        InquiryCategory::ALL.into_iter().find(|one| one.as_str() == named).unwrap_or(InquiryCategory::Other)
    });
    // Who comes to ask for downloads need only send it.
    let beginning = move |about: InquiryCategory| match about {
        InquiryCategory::EnableDownload => [("subject", (words.category_name)(about)), ("text", words.please_enable)],
        InquiryCategory::Release | InquiryCategory::Other => [("subject", ""), ("text", "")],
    };
    let kept = expect_context::<Kept>();
    let mut about = category.get_untracked();
    let [subject, text] = beginning(about).map(|(field, begun)| kept.draft(field, about.as_str(), begun));
    effect(move || {
        let before = mem::replace(&mut about, category.get());
        if about != before {
            for (field, begun) in beginning(about) {
                kept.turn(field, (before.as_str(), about.as_str()), begun);
            }
        }
    });
    let (error, sending) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        sending.start(async move {
            let new = NewInquiry {
                category: category.get_untracked(),
                subject: subject.get_untracked(),
                text: text.get_untracked(),
            };
            match client.create_inquiry(&new).await {
                Ok(made) => {
                    toasts.good(words.sent);
                    [subject, text].into_iter().for_each(|field| field.set(String::new()));
                    // Going back leads to the list, not to sending it again.
                    router.go_instead(&paths::inquiry(InquirySide::Account, made.inquiry.id));
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    let options = InquiryCategory::ALL.into_iter().map(|one| (one.as_str(), (words.category_name)(one))).collect();
    view! {
        <form class="card narrow" on:submit=submit>
            <FormError error/>
            <Select
                id="category" label=words.category options choose=move |name: String| url.typed("category", &name)
                value=Signal::derive(move || category.get().as_str().to_owned())
            />
            <Field id="subject" label=words.subject value=subject required=true error=field_error(error, "/subject")/>
            <TextArea id="text" label=words.text value=text error=field_error(error, "/text")/>
            <div class="row">
                <Button kind=Kind::Primary submit=true busy=sending.busy()>{words.send}</Button>
                <a href=paths::inquiries(InquirySide::Account) class="button">{texts.cancel}</a>
            </div>
        </form>
    }
    .into_any()
}
