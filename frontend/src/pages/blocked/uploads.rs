//! Uploads: files with addresses, from choosing one to its registration.

mod delete;
mod page;
mod reading;
mod register;
mod release;
mod sending;
mod stage;
mod summary;

pub use page::UploadPage;

use self::{
    delete::DeleteDialog,
    sending::{explain_trouble, fraction},
    stage::{Stage, badge, staged},
};
use crate::{
    i18n::number::bytes,
    pages::listing::listing,
    paths,
    reactive::memo,
    router::Router,
    state::{Configuration, Outbox, Preferences, Session, Url, client, load, repeat, texts, ticking},
    ui::{Button, Drawn, FilePicker, Moment, Notice, Progress, Show, Table, Tone},
};
use leptos::{prelude::*, task::spawn_local};
use shared::{
    session::Role,
    upload::{Upload, UploadState},
};
use std::time::Duration;
use web_sys::File;

/// How often what goes on is asked for: bytes that another window sends are no live event.
const PAUSE: Duration = Duration::from_secs(3);

/// Whether the service still does something with it.
fn goes_on(upload: &Upload) -> bool {
    matches!(upload.state, UploadState::Uploading | UploadState::Analysing | UploadState::Registering)
}

/// Choosing a file, and the uploads that are there.
#[component]
pub fn Uploads() -> impl IntoView {
    let (texts, client, url, session) = (texts(), client(), Url::current(), expect_context::<Session>());
    let words = &texts.uploads;
    let Configuration { id, live } = Configuration::open();
    let loader = load(
        move || id.get(),
        move || (url.get("cursor"), live.uploads.get(), live.missed.get()),
        move |id, (cursor, ..)| async move { client.uploads(id, &cursor).await },
    );
    loader.keep_up(live.upload, url, |upload| upload.id);
    let going =
        memo(move |_| loader.data.with(|page| page.as_ref().is_some_and(|page| page.items.iter().any(goes_on))));
    repeat(PAUSE, going, move || loader.reload());
    let chosen = RwSignal::new(None::<Upload>);
    let table = move |rows: Memo<Vec<Upload>>| {
        let head = vec![words.file, texts.state, words.uploaded_by, texts.date, texts.operation];
        view! {
            <Table label=words.uploads head busy=Signal::from(false)>
                <For each=move || rows.get() key=|row| row.id let:row><Row first=row rows chosen/></For>
            </Table>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <div class="row spread">
                <p class="soft">{words.uploads_text}</p>
                <a href=move || paths::bulk_changes(id.get())>{words.history}</a>
            </div>
            <Show when=move || session.may(Role::Operator)><Choose/></Show>
            {listing(loader, url, &[], (words.uploads_empty, words.uploads_empty_text), table)}
        </div>
        <DeleteDialog chosen deleted=move |()| loader.reload()/>
    }
    .into_any()
}

/// Takes files and begins to send them. One alone is followed on its own page.
#[component]
fn Choose() -> impl IntoView {
    let (texts, outbox, router) = (texts(), Outbox::here(), Router::here());
    let (Configuration { id, .. }, troubles) = (Configuration::open(), RwSignal::new(Vec::<(String, String)>::new()));
    // How many files were taken since nothing was waited for, and how many of them are waited for.
    let (taken, waited) = (StoredValue::new(0_usize), StoredValue::new(0_usize));
    let take = move |files: Vec<File>| {
        let (configuration, several) = (id.get_untracked(), files.len());
        let before = if waited.get_value() == 0 { 0 } else { taken.get_value() };
        taken.set_value(before + several);
        waited.update_value(|waited| *waited += several);
        for file in files {
            let name = file.name();
            // Who takes a file again has seen what was wrong with it.
            troubles.update(|all| all.retain(|(of, _)| *of != name));
            let begun = outbox.begin(configuration, file);
            spawn_local(async move {
                let begun = begun.await;
                // Who has left the page is not led away from another one.
                if waited.try_update_value(|waited| *waited -= 1).is_none() {
                    return;
                }
                match begun {
                    Some(Ok(upload)) if taken.get_value() == 1 => {
                        router.go(&paths::upload(configuration, upload.id));
                    }
                    Some(Err(trouble)) => {
                        let why = explain_trouble(texts, &trouble);
                        troubles.update(|all| all.push((name, why)));
                    }
                    _ => {}
                }
            });
        }
    };
    let said = move || {
        let line = |(name, why): (String, String)| format!("{name}: {why}");
        let notice = |text: String| view! { <Notice tone=Tone::Bad><p>{text}</p></Notice> };
        troubles.get().into_iter().map(line).map(notice).drawn()
    };
    view! {
        <FilePicker label=texts.uploads.choose_file hint=texts.uploads.drop_hint several=true take/>
        <div class="stack-tight" role="alert">{said}</div>
    }
    .into_any()
}

#[component]
fn Row(first: Upload, rows: Memo<Vec<Upload>>, chosen: RwSignal<Option<Upload>>) -> impl IntoView {
    let (texts, session, Configuration { id, .. }) = (texts(), expect_context::<Session>(), Configuration::open());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (key, name, size) = (first.id, first.file_name.clone(), bytes(first.size));
    let (created_by, created_at) = (first.created_by.clone(), first.created_at);
    let upload = memo(move |_| {
        rows.with(|rows| rows.iter().find(|row| row.id == key).cloned()).unwrap_or_else(|| first.clone())
    });
    let stage = staged(upload);
    let share = memo(move |_| fraction(&upload.get(), &stage.get()));
    let here = memo(move |_| matches!(stage.get(), Stage::Here(_)));
    let percent = move || share.get().map(|share| format!("{}%", (share * 100.0).floor() as i64)).unwrap_or_default();
    let registering = memo(move |_| upload.with(|upload| upload.state == UploadState::Registering));
    let asked = name.clone();
    let delete = move || {
        let word = if here.get() { texts.uploads.stop } else { texts.delete };
        view! {
            <Button small=true name=format!("{word}: {asked}") press=move |()| chosen.set(Some(upload.get_untracked()))>
                {word}
            </Button>
        }
    };
    view! {
        <tr>
            <td class="address">
                <a href=move || paths::upload(id.get(), key)>{name}</a>" "<span class="soft small nowrap">{size}</span>
            </td>
            <td class="wrap">
                <div class="stack-tight">
                    {move || badge(texts, &stage.get())}
                    <Show when=move || share.get().is_some()>
                        <Progress label=texts.state value=share text=Signal::derive(percent)/>
                    </Show>
                </div>
            </td>
            <td class="break">{created_by}</td>
            <td><Moment at=created_at language now=Some(ticking())/></td>
            <td class="actions">
                <Show when=move || session.may(Role::Operator) && !registering.get()>{delete()}</Show>
            </td>
        </tr>
    }
    .into_any()
}
