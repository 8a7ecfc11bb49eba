//! Signing in again on the page where a session ended, so that nothing that was typed is lost.

use crate::{
    api::SignedIn,
    pages::SignInForm,
    reactive::memo,
    state::{Session, effect, texts},
    ui::{Button, Kind, Show},
};
use leptos::{html, prelude::*};

/// Above everything while the session has ended: without one nothing on the page can be done.
#[component]
pub fn SignInAgain() -> impl IntoView {
    let (texts, session, element) = (texts(), expect_context::<Session>(), NodeRef::<html::Dialog>::new());
    let ended = memo(move |_| session.signed_in() == SignedIn::Ended);
    let show = move || {
        let Some(dialog) = element.get_untracked().filter(|dialog| !dialog.open()) else { return };
        // Fails only where it is open already or not in the page; neither is so here.
        drop(dialog.show_modal());
    };
    effect(move || {
        let Some(dialog) = element.get() else { return };
        if ended.get() { show() } else { dialog.close() }
    });
    // A browser closes a dialog at the Escape key, whatever the page says.
    let closed = move |_| {
        if ended.get_untracked() {
            show();
        }
    };
    let otherwise = move || {
        view! {
            <Button kind=Kind::Quiet wide=true press=move |()| session.leave()>{texts.people.leave_page}</Button>
        }
    };
    let email = move || untrack(|| session.me()).map(|me| me.email).unwrap_or_default();
    view! {
        <dialog node_ref=element aria-labelledby="sign-in-again" on:close=closed>
            <Show when=move || ended.get()>
                <div class="dialog-body">
                    <SignInForm class="stack" email=email() otherwise>
                        <h2 id="sign-in-again">{texts.people.session_over}</h2>
                        <p>{texts.people.session_over_text}</p>
                    </SignInForm>
                </div>
            </Show>
        </dialog>
    }
    .into_any()
}
