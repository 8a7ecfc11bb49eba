//! Cancelling and undoing a list operation.

use crate::{
    api::Asked,
    pages::Confirm,
    state::{Configuration, client, learn, texts},
    ui::{Field, Kind},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::list_operation::{ListOperation, ListOperationComment, ListOperationKind};

/// Asks before a list operation is cancelled or undone.
#[component]
pub fn AskDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What is asked.
    asked: Asked,
    /// Of which operation.
    operation: RwSignal<ListOperation>,
    /// Called when it is done.
    #[prop(into)]
    done: Callback<()>,
) -> impl IntoView {
    let (texts, client, Configuration { id, live }) = (texts(), client(), Configuration::open());
    let (words, comment) = (&texts.uploads, RwSignal::new(String::new()));
    let registration = operation.with_untracked(|operation| operation.kind == ListOperationKind::RegisterUpload);
    let (title, confirm, text) = match asked {
        Asked::Cancel => (words.cancel_title, words.cancel_operation, words.cancel_text),
        Asked::Undo if registration => (words.undo_title, words.undo, words.undo_registration_text),
        Asked::Undo => (words.undo_title, words.undo, words.undo_release_text),
    };
    let act = move |()| {
        async move {
            let request = ListOperationComment { comment: written(comment) };
            let of = operation.with_untracked(|operation| operation.id);
            let answer = client.ask_operation(id.get_untracked(), of, asked, &request).await?;
            match asked {
                Asked::Cancel => learn(operation, answer),
                Asked::Undo => {
                    operation.update(|operation| operation.undone_by = Some(answer.id));
                    live.answered(answer);
                }
            }
            comment.set(String::new());
            done.run(());
            Ok(())
        }
        .boxed_local()
    };
    view! {
        <Confirm open title confirm kind=Kind::Danger act>
            <p>{text}</p>
            <CommentField value=comment/>
        </Confirm>
    }
    .into_any()
}

/// Why, for the audit log.
#[component]
pub fn CommentField(
    /// What is written.
    value: RwSignal<String>,
) -> impl IntoView {
    let texts = texts();
    view! { <Field id="operation-comment" label=texts.comment value hint=texts.comment_hint/> }
}

/// A comment, if there is one.
pub fn written(comment: RwSignal<String>) -> Option<String> {
    let comment = comment.get_untracked();
    Some(comment.trim()).filter(|words| !words.is_empty()).map(str::to_owned)
}
