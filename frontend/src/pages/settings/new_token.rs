//! Making a token, and showing its secret once.

use crate::{
    api::ApiError,
    pages::{FormError, FormFoot, field_error, opened_by},
    state::{Configurations, Pending, Preferences, client, effect, now, texts},
    ui::{Button, Check, Dialog, Drawn, Field, Kind, Notice, Secret, Select, Show, Tone, time},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use shared::{
    mail_server::ServerConfiguration,
    session::{ApiTokenSecret, NewApiToken, Scope},
};
use uuid::Uuid;

/// What a script's token can be for, each with the id of its tick. Agents get theirs with their mail server.
const SCOPES: [(&str, Scope); 4] = [
    ("scope-read", Scope::Read),
    ("scope-events", Scope::Events),
    ("scope-lists", Scope::Lists),
    ("scope-manage", Scope::Manage),
];
/// After how many days a token can expire.
const DAYS: [(&str, u16); 4] = [("7", 7), ("30", 30), ("90", 90), ("365", 365)];
/// What is chosen at first: a forgotten token does not work for ever.
const FIRST_CHOICE: &str = "90";

/// Asks what the token is for.
#[component]
pub fn NewTokenDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Takes the token.
    made: RwSignal<Option<ApiTokenSecret>>,
    /// Called when it is made.
    #[prop(into)]
    reload: Callback<()>,
) -> impl IntoView {
    let texts = texts();
    view! { <Dialog open title=texts.tokens.new close=texts.close><Form open made reload/></Dialog> }
}

#[component]
fn Form(open: RwSignal<bool>, made: RwSignal<Option<ApiTokenSecret>>, reload: Callback<()>) -> impl IntoView {
    let (texts, client) = (texts(), client());
    let words = &texts.tokens;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (name, days) = (RwSignal::new(String::new()), RwSignal::new(FIRST_CHOICE.to_owned()));
    let ticked = SCOPES.map(|(_, scope)| RwSignal::new(scope == Scope::Read));
    let (limited, ids) = (RwSignal::new(false), RwSignal::new(Vec::<Uuid>::new()));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let expires_at = move || days.with(|days| end(days));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let wanted = SCOPES.into_iter().zip(ticked).filter(|(_, ticked)| ticked.get_untracked());
            let new = NewApiToken {
                name: name.get_untracked(),
                scopes: wanted.map(|((_, scope), _)| scope).collect(),
                server_configuration_ids: limited.get_untracked().then(|| ids.get_untracked()),
                expires_at: untrack(expires_at),
            };
            match client.create_token(&new).await {
                Ok(token) => {
                    reload.run(());
                    open.set(false);
                    made.set(Some(token));
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    let scopes = SCOPES.into_iter().zip(ticked).map(|((id, scope), value)| {
        view! { <Check id label=(words.scope)(scope) value hint=(words.scope_hint)(scope)/> }
    });
    let wrong = field_error(error, "/scopes");
    let lifetimes = DAYS.into_iter().map(|(name, days)| (name, (words.lifetime)(days)));
    let options = lifetimes.chain([("", words.never)]).collect();
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field
                id="token-name" label=words.name value=name required=true hint=words.name_hint
                error=field_error(error, "/name")
            />
            <fieldset>
                <legend class="label">{words.scopes}</legend>
                <div class="stack-tight">{scopes.drawn()}</div>
                <div role="alert">{move || wrong.get().map(|text| view! { <p class="field-error">{text}</p> })}</div>
            </fieldset>
            <Limit limited ids error/>
            <div class="stack-tight">
                <Select
                    id="token-days" label=words.expires options value=days choose=move |chosen: String| days.set(chosen)
                />
                <p class="hint" aria-live="polite">
                    {move || expires_at().map(|at| (words.until)(&time::date_time(at, language, None)))}
                </p>
            </div>
            <FormFoot open confirm=texts.create busy=saving.busy()/>
        </form>
    }
    .into_any()
}

/// The server configurations that the token is limited to, if it is.
#[component]
fn Limit(limited: RwSignal<bool>, ids: RwSignal<Vec<Uuid>>, error: RwSignal<Option<ApiError>>) -> impl IntoView {
    let texts = texts();
    let Configurations(loader) = expect_context();
    let wrong = field_error(error, "/server_configuration_ids");
    let choice = move |one: ServerConfiguration| {
        let value = RwSignal::new(ids.with_untracked(|ids| ids.contains(&one.id)));
        effect(move || {
            let ticked = value.get();
            ids.update(|ids| {
                ids.retain(|id| *id != one.id);
                if ticked {
                    ids.push(one.id);
                }
            });
        });
        view! { <Check id=format!("limit-{}", one.id) label=one.name value/> }
    };
    view! {
        <div class="stack-tight">
            <Check id="token-limited" label=texts.tokens.limit value=limited hint=texts.tokens.limit_hint/>
            <Show when=move || limited.get()>
                <fieldset class="limit">
                    <legend class="label">{texts.configurations}</legend>
                    <div class="limit-list">
                        {move || loader.data.get().unwrap_or_default().into_iter().map(choice).drawn()}
                    </div>
                    <div role="alert">{move || wrong.get().map(|text| view! { <p class="field-error">{text}</p> })}</div>
                </fieldset>
            </Show>
        </div>
    }
    .into_any()
}

/// When so many days are over; `None`: never.
fn end(days: &str) -> Option<DateTime<Utc>> {
    let days: u16 = days.parse().ok()?;
    DateTime::from_timestamp_millis(now() as i64 + i64::from(days) * 86_400_000)
}

/// Shows the secret once.
#[component]
pub fn SecretDialog(
    /// The token; gone when the dialog closes.
    made: RwSignal<Option<ApiTokenSecret>>,
) -> impl IntoView {
    let texts = texts();
    let words = &texts.tokens;
    let open = opened_by(made);
    let shown = move |token: ApiTokenSecret| {
        view! {
            <div class="stack">
                <h3 class="break">{token.token.name}</h3>
                <Notice tone=Tone::Warn><p>{words.once}</p></Notice>
                <Secret label=texts.token text=token.secret words=texts.copying()/>
                <p class="soft">{words.next}</p>
                <div class="dialog-foot">
                    <Button kind=Kind::Primary press=move |()| open.set(false)>{texts.done}</Button>
                </div>
            </div>
        }
        .into_any()
    };
    view! { <Dialog open title=texts.token close=texts.close>{move || made.get().map(shown)}</Dialog> }.into_any()
}
