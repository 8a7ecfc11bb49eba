//! One's own second factor.

use crate::{
    api::ApiError,
    pages::{FormError, FormFoot, field_error, unread},
    reactive::memo,
    state::{Kept, Loader, Pending, client, texts},
    ui::{Badge, Button, Dialog, Field, Kind, Secret, Show, Toasts, Tone},
};
use futures::future::{FutureExt, LocalBoxFuture};
use leptos::prelude::*;
use shared::second_factor::{
    BeginSecondFactor, ConfirmSecondFactor, RecoveryCodes, SecondFactorProof, SecondFactorSecret, SecondFactorState,
};

/// Setting up, and what is set up.
#[component]
pub fn SecondFactor(
    /// What is set up.
    loader: Loader<SecondFactorState>,
) -> impl IntoView {
    let texts = texts();
    let words = &texts.people;
    let reload = Callback::new(move |()| loader.reload());
    let codes = expect_context::<Kept>().recovery_codes;
    let made = memo(move |_| codes.get());
    view! {
        <section class="card narrow">
            <header><h2>{words.second_factor}</h2>
                <Show when=move || loader.data.get().is_some_and(|state| state.enabled)>
                    <Badge tone=Tone::Good text=words.factor_on/>
                </Show>
            </header>
            {move || match (made.get(), loader.data.get()) {
                (Some(made), _) => view! { <Codes made codes/> }.into_any(),
                (None, Some(state)) if state.enabled => view! { <Enabled state codes reload/> }.into_any(),
                (None, Some(_)) => view! { <SetUp codes reload/> }.into_any(),
                (None, None) => unread(loader, None),
            }}
        </section>
    }
    .into_any()
}

/// The recovery codes, this once.
#[component]
fn Codes(made: RecoveryCodes, codes: RwSignal<Option<RecoveryCodes>>) -> impl IntoView {
    let texts = texts();
    let words = &texts.people;
    view! {
        <p>{words.recovery_text}</p>
        <Secret label=words.recovery_codes text=made.recovery_codes.join("\n") words=texts.copying()/>
        <div class="row"><Button kind=Kind::Primary press=move |()| codes.set(None)>{texts.done}</Button></div>
    }
    .into_any()
}

/// First the password, then the app.
#[component]
fn SetUp(codes: RwSignal<Option<RecoveryCodes>>, reload: Callback<()>) -> impl IntoView {
    let (texts, client) = (texts(), client());
    let words = &texts.people;
    let secret = RwSignal::new(None::<SecondFactorSecret>);
    let (password, code) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, acting) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        acting.start(async move {
            let answer = if secret.with_untracked(Option::is_none) {
                let begun = client.begin_second_factor(&BeginSecondFactor { password: password.get_untracked() }).await;
                begun.map(|begun| secret.set(Some(begun)))
            } else {
                let confirmed = client.confirm_second_factor(&ConfirmSecondFactor { code: code.get_untracked() }).await;
                confirmed.map(|made| {
                    codes.set(Some(made));
                    reload.run(());
                })
            };
            error.set(answer.err());
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            {move || match secret.get() {
                None => view! {
                    <p class="soft">{words.factor_text}</p>
                    <Field
                        id="factor-password" label=texts.password value=password kind="password"
                        autocomplete="current-password" required=true error=field_error(error, "/password")
                    />
                    <div class="row">
                        <Button kind=Kind::Primary submit=true busy=acting.busy()>{words.factor_begin}</Button>
                    </div>
                }
                .into_any(),
                Some(made) => view! {
                    <p>{words.factor_scan}</p>
                    <div class="qr" role="img" aria-label=words.qr_code inner_html=made.qr_code></div>
                    <Secret label=words.factor_secret text=made.secret words=texts.copying()/>
                    <Field
                        id="factor-code" label=words.code value=code autocomplete="one-time-code" required=true
                        error=field_error(error, "/code")
                    />
                    <div class="row">
                        <Button kind=Kind::Primary submit=true busy=acting.busy()>{words.factor_confirm}</Button>
                    </div>
                }
                .into_any(),
            }}
        </form>
    }
    .into_any()
}

#[component]
fn Enabled(state: SecondFactorState, codes: RwSignal<Option<RecoveryCodes>>, reload: Callback<()>) -> impl IntoView {
    let (texts, client, toasts) = (texts(), client(), Toasts::here());
    let words = &texts.people;
    let (renewing, disabling) = (RwSignal::new(false), RwSignal::new(false));
    let renew = move |proof: SecondFactorProof| {
        async move {
            codes.set(Some(client.renew_recovery_codes(&proof).await?));
            reload.run(());
            Ok(())
        }
        .boxed_local()
    };
    let disable = move |proof: SecondFactorProof| {
        async move {
            client.disable_second_factor(&proof).await?;
            toasts.good(words.factor_disabled);
            reload.run(());
            Ok(())
        }
        .boxed_local()
    };
    view! {
        <p class="soft">{words.factor_text}</p>
        <p>{(words.recovery_left)(state.recovery_codes_left)}</p>
        <div class="row">
            <Button press=move |()| renewing.set(true)>{words.recovery_renew}</Button>
            <Button press=move |()| disabling.set(true)>{words.factor_disable}</Button>
        </div>
        <Dialog open=renewing title=words.recovery_renew close=texts.close>
            <Proof open=renewing confirm=words.recovery_renew kind=Kind::Primary act=renew/>
        </Dialog>
        <Dialog open=disabling title=words.factor_disable close=texts.close>
            <Proof open=disabling confirm=words.factor_disable kind=Kind::Danger act=disable/>
        </Dialog>
    }
    .into_any()
}

/// Asks for password and code.
#[component]
fn Proof(
    open: RwSignal<bool>,
    confirm: &'static str,
    kind: Kind,
    #[prop(into)] act: Callback<SecondFactorProof, LocalBoxFuture<'static, Result<(), ApiError>>>,
) -> impl IntoView {
    let texts = texts();
    let (password, code) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, acting) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        acting.start(async move {
            let proof = SecondFactorProof { password: password.get_untracked(), code: code.get_untracked() };
            match act.run(proof).await {
                Ok(()) => open.set(false),
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field
                id="proof-password" label=texts.password value=password kind="password" autocomplete="current-password"
                required=true error=field_error(error, "/password")
            />
            <Field
                id="proof-code" label=texts.people.code value=code autocomplete="one-time-code" required=true
                hint=texts.people.code_hint error=field_error(error, "/code")
            />
            <FormFoot open confirm=confirm kind busy=acting.busy()/>
        </form>
    }
    .into_any()
}
