//! One list operation: how far it has come, what it did, and what can be done about it.

use super::ask::AskDialog;
use crate::{
    api::Asked,
    i18n::Texts,
    i18n::number::grouped,
    pages::trouble,
    paths::{self, Section},
    reactive::memo,
    state::{Configuration, Preferences, Session, client, followed, load, texts, ticking},
    ui::{Badge, Button, Drawn, Kind, Moment, Notice, Progress, Show, Tone, focus, time},
};
use leptos::{html, prelude::*};
use shared::{
    list_operation::{BlockFilter, ListOperation, ListOperationKind, ListOperationState},
    run_settings::DeliveryTiming,
    session::Role,
};
use uuid::Uuid;

/// One list operation, kept up to date.
#[component]
pub fn OperationCard(
    /// The operation as it is known.
    operation: ListOperation,
    /// Whether it stands on the page of its upload.
    #[prop(optional)]
    beside_upload: bool,
) -> impl IntoView {
    let (texts, session, Configuration { id, .. }) = (texts(), expect_context::<Session>(), Configuration::open());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (words, about) = (&texts.uploads, about(texts, &operation, language));
    let (kind, created_at, upload) =
        (operation.kind, operation.created_at, operation.upload_id.filter(|_| !beside_upload));
    let operation = followed(operation);
    let heading = NodeRef::<html::H2>::new();
    let shown = memo(move |_| operation.with(|operation| (operation.state, operation.undone_by)));
    let badge = move || match shown.get() {
        (ListOperationState::Done, Some(undo)) => view! { <UndoBadge undo/> }.into_any(),
        (state, _) => state_badge(texts, state),
    };
    let going = memo(move |_| operation.with(|operation| !operation.state.is_final()));
    let share = move || operation.with(|one| one.total.map(|total| one.done as f64 / total.max(1) as f64));
    let rows =
        move || operation.with(|one| one.total.map(|total| (words.rows_of)(one.done, total)).unwrap_or_default());
    let trouble = move || {
        let (state, cause, error) = operation.with(|one| (one.state, one.error_cause, one.error.clone()));
        let going = matches!(state, ListOperationState::Queued | ListOperationState::Running);
        let meaning = if going { texts.tried_again } else { words.taken_back };
        error.map(|error| view! { <Notice tone=Tone::Bad>{trouble(meaning, cause, error)}</Notice> })
    };
    let (cancelling, undoing) = (RwSignal::new(false), RwSignal::new(false));
    let may = move |asked| session.may(Role::Operator) && operation.with(|operation| allows(operation, asked));
    let (may_cancel, may_undo) = (memo(move |_| may(Asked::Cancel)), memo(move |_| may(Asked::Undo)));
    // The button that was pressed is gone: the focus goes to what it was about.
    let done = move |()| focus(heading);
    view! {
        <article class="card" aria-label=(words.kind)(kind)>
            <header>
                <div class="row">
                    <h2 tabindex="-1" node_ref=heading>{(words.kind)(kind)}</h2>
                    <span aria-live="polite">{badge}</span>
                </div>
                <Moment at=created_at language now=Some(ticking())/>
            </header>
            <p class="meta">
                {about.into_iter().map(|text| view! { <span class="break">{text}</span> }).drawn()}
                {upload.map(|upload| view! { <a href=move || paths::upload(id.get(), upload)>{words.of_file}</a> })}
            </p>
            <Show when=move || going.get()>
                <Progress label=(words.kind)(kind) value=Signal::derive(share) text=Signal::derive(rows)/>
            </Show>
            <div class="stack" role="alert">{trouble}</div>
            {move || operation.with(|operation| counts(texts, operation))}
            {move || operation.with(|operation| where_it_went(texts, operation, id.get()))}
            <Show when=move || may_cancel.get()>
                <div class="row">
                    <Button small=true press=move |()| cancelling.set(true)>{words.cancel_operation}</Button>
                </div>
            </Show>
            <Show when=move || may_undo.get()>
                <div class="row">
                    <Button small=true kind=Kind::Plain press=move |()| undoing.set(true)>{words.undo}</Button>
                </div>
            </Show>
            <AskDialog open=cancelling asked=Asked::Cancel operation done/>
            <AskDialog open=undoing asked=Asked::Undo operation done/>
        </article>
    }
    .into_any()
}

fn allows(operation: &ListOperation, asked: Asked) -> bool {
    match asked {
        Asked::Cancel => matches!(operation.state, ListOperationState::Queued | ListOperationState::Running),
        Asked::Undo => {
            operation.state == ListOperationState::Done
                && operation.kind != ListOperationKind::Undo
                && operation.undone_by.is_none()
        }
    }
}

fn state_badge(texts: &'static Texts, state: ListOperationState) -> AnyView {
    let tone = match state {
        ListOperationState::Queued | ListOperationState::Running | ListOperationState::Cancelling => Tone::Working,
        ListOperationState::Done => Tone::Good,
        ListOperationState::Cancelled => Tone::Plain,
        ListOperationState::Failed => Tone::Bad,
    };
    view! { <Badge tone text=(texts.uploads.operation_state)(state)/> }.into_any()
}

/// Says whether something is undone already, or is just being undone. An undo that fails is taken off what it was to undo.
#[component]
fn UndoBadge(undo: Uuid) -> impl IntoView {
    let (texts, client, Configuration { id, .. }) = (texts(), client(), Configuration::open());
    let words = &texts.uploads;
    let loader = load(|| (), || (), move |(), ()| client.list_operation(id.get_untracked(), undo));
    move || {
        let undo = followed(loader.data.get()?);
        let over = memo(move |_| undo.with(|undo| undo.state == ListOperationState::Done));
        Some(move || {
            let (tone, text) =
                if over.get() { (Tone::Plain, words.undone) } else { (Tone::Working, words.being_undone) };
            view! { <Badge tone text/> }
        })
    }
}

/// Who asked, and for what.
fn about(texts: &'static Texts, operation: &ListOperation, language: &str) -> Vec<String> {
    let parameters = &operation.parameters;
    let filter =
        parameters.filter.as_ref().map(|filter| (texts.uploads.filtered_by)(&filtered(texts, filter, language)));
    let exempt = parameters.block_exempt.then(|| texts.uploads.exempt_too.to_owned());
    let comment = operation.comment.as_ref().map(|comment| format!("{}: {comment}", texts.comment));
    [Some(operation.requested_by.clone()), filter, exempt, comment].into_iter().flatten().collect()
}

/// The conditions of a bulk release in words.
fn filtered(texts: &'static Texts, filter: &BlockFilter, language: &str) -> String {
    let limit = |last| move |at| time::limit(at, language, last);
    let parts = [
        (texts.mail_address, filter.q.clone()),
        (texts.domain, filter.domain.clone()),
        (texts.error_reason, filter.reason.map(|reason| (texts.reason)(reason).to_owned())),
        (texts.origin_label, filter.origin.map(|origin| (texts.origin)(origin).to_owned())),
        (texts.state, filter.state.map(|state| (texts.block_state)(state).to_owned())),
        (texts.from_day, filter.from.map(limit(false))),
        (texts.to_day, filter.to.map(limit(true))),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
    parts.collect::<Vec<_>>().join(", ")
}

/// What became of the rows, when it is done.
fn counts(texts: &'static Texts, operation: &ListOperation) -> Option<AnyView> {
    let (words, counts) = (&texts.uploads, operation.counts);
    if operation.state != ListOperationState::Done {
        return None;
    }
    let facts = [
        (words.added, counts.added, operation.kind == ListOperationKind::RegisterUpload),
        (words.removed, counts.removed, operation.kind == ListOperationKind::Release),
        (words.already, counts.already_blocked, false),
        (words.exempt_skipped, counts.exempt, false),
        (words.duplicates, counts.duplicates, false),
        (words.not_blocked, counts.not_blocked, false),
    ];
    Some(figures(
        facts.into_iter().filter(|(_, count, always)| *always || *count > 0).map(|(name, count, _)| (name, count)),
    ))
}

/// Numbers, each with its name.
pub fn figures(facts: impl Iterator<Item = (&'static str, i64)>) -> AnyView {
    let facts = facts.map(|(name, count)| view! { <div class="fact"><dt>{name}</dt><dd>{grouped(count)}</dd></div> });
    view! { <dl class="figures">{facts.drawn()}</dl> }.into_any()
}

/// When the mail servers hear of it, or where to see that they did.
fn where_it_went(texts: &'static Texts, operation: &ListOperation, configuration: Uuid) -> Option<AnyView> {
    if operation.state != ListOperationState::Done {
        return None;
    }
    let words = &texts.uploads;
    let changed = operation.counts.added + operation.counts.removed > 0;
    if let Some(distribution) = operation.distribution_id {
        let href = paths::distribution(configuration, distribution);
        return Some(view! { <p class="small"><a href=href>{words.in_distribution}</a></p> }.into_any());
    }
    let waits = match operation.parameters.delivery_timing {
        Some(DeliveryTiming::Now) => words.run_queued,
        Some(DeliveryTiming::NextExecution) if changed && operation.undone_by.is_none() => words.pending_distribution,
        _ => return None,
    };
    Some(
        view! {
            <p class="small soft">
                {waits}" "<a href=Section::Distributions.of(configuration)>{words.in_distribution}</a>
            </p>
        }
        .into_any(),
    )
}
