//! The run settings dialog: reading, asking for the delivery timing, saving.

use super::{
    settings_form::{Form, SettingsFields},
    timing::{TimingChoice, timing},
};
use crate::{
    api::{ApiError, Versioned},
    pages::{FormError, show_error, unread},
    reactive::memo,
    state::{Configuration, Pending, Preferences, Session, client, effect, load, texts},
    ui::{Button, Dialog, Kind, Notice, Toasts, Tone, time},
};
use leptos::{html, prelude::*};
use shared::{
    plan::Capability,
    run_settings::{DeliveryTiming, RunSettings},
    session::Role,
};

/// The dialog.
#[component]
pub fn RunSettingsDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let texts = texts();
    view! {
        <Dialog open title=texts.run_settings close=texts.close wide=true><Content open/></Dialog>
    }
}

#[component]
fn Content(open: RwSignal<bool>) -> impl IntoView {
    let (client, configuration) = (client(), Configuration::open());
    let live = configuration.live;
    let loader =
        load(move || configuration.id.get(), move || live.run_settings.get(), move |id, _| client.run_settings(id));
    // What is being changed stays when somebody else saves meanwhile.
    let shown = RwSignal::new(None::<Versioned<RunSettings>>);
    effect(move || {
        let read = loader.data.get();
        if shown.with_untracked(Option::is_none) {
            shown.set(read);
        }
    });
    let etag = |settings: &Option<Versioned<RunSettings>>| settings.as_ref().map(|settings| settings.etag.clone());
    let replaced = memo(move |_| loader.data.with(etag) != shown.with(etag));
    let reload = move |()| {
        loader.data.set(None);
        shown.set(None);
        loader.reload();
    };
    move || match shown.get() {
        Some(settings) => view! { <Editor settings open replaced reload/> }.into_any(),
        None => unread(loader, None),
    }
}

#[component]
fn Editor(
    settings: Versioned<RunSettings>,
    open: RwSignal<bool>,
    replaced: Memo<bool>,
    #[prop(into)] reload: Callback<()>,
) -> impl IntoView {
    let (texts, client, toasts, session) = (texts(), client(), Toasts::here(), expect_context::<Session>());
    let configuration = Configuration::open();
    let Versioned { value: settings, etag } = settings;
    let form = Form::of(&settings);
    let (error, asking, saving) = (RwSignal::new(None), RwSignal::new(false), Pending::new());
    let refused = move || error.with(|error: &Option<ApiError>| error.as_ref().is_some_and(|e| e.is_conflict()));
    // What is being saved here is news, too.
    let conflict = move || refused() || (replaced.get() && !saving.busy().get());
    let (next, when, summary) = (RwSignal::new(true), RwSignal::new(String::new()), NodeRef::<html::Div>::new());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let zone = StoredValue::new(settings.time_zone.clone());
    effect(move || {
        if refused() {
            show_error(summary);
        }
    });
    let fixed = if session.includes(Capability::ChangeRunSettings) {
        (!session.may(Role::Administrator)).then_some(texts.only_administrators)
    } else {
        Some(texts.standard_fixed)
    };
    let etag = StoredValue::new(etag);
    let save = Callback::new(move |timing: DeliveryTiming| {
        let Some(update) = form.update(timing) else { return };
        saving.start(async move {
            let saved = client.save_run_settings(configuration.id.get_untracked(), &etag.get_value(), &update).await;
            asking.set(false);
            match saved {
                Ok(_) => {
                    let now = timing == DeliveryTiming::Now;
                    toasts.good(if now { texts.settings_saved_now } else { texts.settings_saved });
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !form.check() {
            return show_error(summary);
        }
        if form.immediate.get_untracked() {
            return save.run(DeliveryTiming::Now);
        }
        // Today's run may have been, and clocks change: the service knows.
        saving.start(async move {
            let timing = form.execute_timing.get_untracked();
            match client.preview_execute_timing(configuration.id.get_untracked(), timing).await {
                Ok(at) => {
                    when.set(time::date_time(at, language, Some(&zone.get_value())));
                    error.set(None);
                    next.set(true);
                    asking.set(true);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate=true>
            <div node_ref=summary>
                {move || if conflict() {
                    view! {
                        <div role="alert">
                            <Notice tone=Tone::Warn>
                                <strong>{texts.conflict_title}</strong>
                                <p>{texts.conflict_text}</p>
                                <Button small=true press=reload>{texts.load_new}</Button>
                            </Notice>
                        </div>
                    }
                    .into_any()
                } else {
                    view! { <FormError error/> }.into_any()
                }}
            </div>
            {fixed.map(|why| view! { <Notice tone=Tone::Plain><p>{why}</p></Notice> })}
            <SettingsFields settings form error fixed=fixed.is_some()/>
            <div class="dialog-foot sticky-foot">
                <Button press=move |()| open.set(false)>{texts.cancel}</Button>
                {fixed.is_none().then(|| {
                    view! { <Button kind=Kind::Primary submit=true busy=saving.busy()>{texts.save}</Button> }
                })}
            </div>
        </form>
        <Dialog open=asking title=texts.confirm_timing_title close=texts.close>
            <TimingChoice question=texts.confirm_timing_text next when/>
            <div class="dialog-foot">
                <Button press=move |()| asking.set(false)>{texts.cancel}</Button>
                <Button kind=Kind::Primary busy=saving.busy() press=move |()| save.run(timing(next))>{texts.confirm}</Button>
            </div>
        </Dialog>
    }
    .into_any()
}
