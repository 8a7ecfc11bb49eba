//! Releasing one address by name: all that the Standard plan needs of the lists.

use super::operations::written;
use crate::{
    pages::{FormError, field_error},
    reactive::memo,
    state::{Configuration, Pending, Session, client, texts},
    ui::{Button, Field, Kind, Notice, Tone},
};
use leptos::prelude::*;
use shared::{
    list::{ReleaseItem, ReleaseRequest, ReleaseStatus},
    session::Role,
};

/// Takes an address and says what became of it.
#[component]
pub fn RequestRelease() -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let may_release = memo(move |_| session.may(Role::Operator));
    view! {
        <section class="card narrow">
            <div class="stack-tight">
                <h2>{texts.request_release}</h2>
                <p class="soft">{texts.request_release_text}</p>
            </div>
            {move || if may_release.get() {
                view! { <Form/> }.into_any()
            } else {
                view! { <Notice tone=Tone::Plain><p>{texts.request_viewer}</p></Notice> }.into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Form() -> impl IntoView {
    let (texts, client, configuration) = (texts(), client(), Configuration::open());
    let (address, error, releasing) = (RwSignal::new(String::new()), RwSignal::new(None), Pending::new());
    let (comment, answer) = (RwSignal::new(String::new()), RwSignal::new(None::<ReleaseItem>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        releasing.start(async move {
            let sent = [(address, address.get_untracked()), (comment, comment.get_untracked())];
            let request = ReleaseRequest { addresses: vec![address.get_untracked()], comment: written(comment) };
            let result = client.release(configuration.id.get_untracked(), &request).await;
            answer.set(result.as_ref().ok().and_then(|result| result.items.first().cloned()));
            if answer.with_untracked(|item| item.as_ref().is_some_and(|item| item.status == ReleaseStatus::Released)) {
                // What was written meanwhile stays.
                for (field, sent) in sent {
                    if field.with_untracked(|text| *text == sent) {
                        field.set(String::new());
                    }
                }
            }
            error.set(result.err());
        });
    };
    let invalid = Signal::derive(move || {
        let refused = answer.with(|item| item.as_ref().is_some_and(|item| item.status == ReleaseStatus::NotValid));
        if refused { Some(texts.bad_address.to_owned()) } else { field_error(error, "/addresses/0").get() }
    });
    let said = move || {
        let item = answer.get()?;
        Some(match item.status {
            ReleaseStatus::Released => view! {
                <Notice tone=Tone::Good>
                    <strong>{(texts.released)(&item.address)}</strong>
                    <p>{texts.release_soon}</p>
                </Notice>
            }
            .into_any(),
            ReleaseStatus::NotBlocked => view! {
                <Notice tone=Tone::Plain>
                    <strong>{item.address}</strong>
                    <p>{texts.request_not_blocked}</p>
                </Notice>
            }
            .into_any(),
            ReleaseStatus::NotValid => return None,
        })
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field id="request-address" label=texts.mail_address value=address required=true error=invalid/>
            <Field
                id="request-comment" label=texts.comment value=comment hint=texts.comment_hint
                error=field_error(error, "/comment")
            />
            <div class="row"><Button kind=Kind::Primary submit=true busy=releasing.busy()>{texts.delete}</Button></div>
            <div aria-live="polite">{said}</div>
        </form>
    }
    .into_any()
}
