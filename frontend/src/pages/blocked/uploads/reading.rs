//! How a file was read, and having it read in another way.

use crate::{
    i18n::Texts,
    pages::FormError,
    reactive::memo,
    state::{Configuration, Pending, Session, client, texts},
    ui::{Button, Drawn, Show},
};
use leptos::prelude::*;
use shared::{
    session::Role,
    upload::{Analysis, Column, Delimiter, Encoding, ReadingRequest, Upload, UploadState},
};

const ENCODINGS: [Encoding; 6] =
    [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::ShiftJis, Encoding::EucJp, Encoding::Iso2022Jp];
const DELIMITERS: [Delimiter; 3] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab];
const HEADERS: [bool; 2] = [true, false];

/// What is chosen: the place in the constants above, or the column's number; empty is automatic.
#[derive(Clone, Copy)]
struct Chosen {
    encoding: RwSignal<String>,
    delimiter: RwSignal<String>,
    header: RwSignal<String>,
    column: RwSignal<String>,
}

impl Chosen {
    fn of(wanted: &ReadingRequest, analysis: &Analysis) -> Self {
        let column = analysis.reading.column_number.map(|number| number.to_string());
        Self {
            encoding: RwSignal::new(place(&ENCODINGS, wanted.encoding)),
            delimiter: RwSignal::new(place(&DELIMITERS, wanted.delimiter)),
            header: RwSignal::new(place(&HEADERS, wanted.header)),
            column: RwSignal::new(column.unwrap_or_default()),
        }
    }

    /// The reading to ask for. With another delimiter columns have other numbers: then the column is looked for again,
    /// unless it was chosen too.
    fn request(self, wanted: &ReadingRequest, analysis: Option<&Analysis>) -> ReadingRequest {
        let (encoding, delimiter, header) = (
            at(&ENCODINGS, &self.encoding.get_untracked()),
            at(&DELIMITERS, &self.delimiter.get_untracked()),
            at(&HEADERS, &self.header.get_untracked()),
        );
        let number = self.column.get_untracked().parse().ok();
        let found = analysis.and_then(|analysis| analysis.reading.column_number);
        let was_chosen = wanted.column.is_some() || wanted.column_number.is_some();
        let same = (encoding, delimiter, header) == (wanted.encoding, wanted.delimiter, wanted.header);
        let column_number = number.filter(|_| number != found || (was_chosen && same));
        ReadingRequest { encoding, delimiter, header, column: None, column_number }
    }
}

fn place<T: PartialEq>(all: &[T], wanted: Option<T>) -> String {
    let place = wanted.and_then(|wanted| all.iter().position(|one| *one == wanted));
    place.map(|place| place.to_string()).unwrap_or_default()
}

fn at<T: Copy>(all: &[T], place: &str) -> Option<T> {
    all.get(place.parse::<usize>().ok()?).copied()
}

/// What was found in the file, and a preview.
#[component]
pub fn ReadingCard(
    /// The upload.
    upload: Memo<Upload>,
    /// Called when the file is being read again.
    #[prop(into)]
    changed: Callback<()>,
) -> impl IntoView {
    let (texts, client, session) = (texts(), client(), expect_context::<Session>());
    let (words, Configuration { id, .. }) = (&texts.uploads, Configuration::open());
    let (error, asking) = (RwSignal::new(None), Pending::new());
    // While the file is read again, what was found before stays.
    let analysis = memo(move |before: Option<&Option<Analysis>>| {
        upload.with(|upload| upload.analysis.clone()).or_else(|| before.cloned().flatten())
    });
    let may_change = memo(move |_| {
        let changeable = matches!(
            upload.with(|upload| upload.state),
            UploadState::Analysing | UploadState::Ready | UploadState::Failed
        );
        changeable && session.may(Role::Operator)
    });
    let chosen = StoredValue::new(None::<Chosen>);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        asking.start(async move {
            let (key, wanted) = upload.with_untracked(|upload| (upload.id, upload.wanted.clone()));
            let request = match chosen.get_value() {
                Some(chosen) => analysis.with_untracked(|analysis| chosen.request(&wanted, analysis.as_ref())),
                // Nothing was found yet that could be changed.
                None => wanted,
            };
            match client.read_upload_again(id.get_untracked(), key, &request).await {
                Ok(_) => {
                    error.set(None);
                    // Not what was answered: the file may be read by now.
                    changed.run(());
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    let busy = Signal::derive(move || asking.busy().get() || upload.with(|one| one.state == UploadState::Analysing));
    let drawn = move |analysis: Analysis| {
        let now = Chosen::of(&upload.with_untracked(|upload| upload.wanted.clone()), &analysis);
        chosen.set_value(Some(now));
        view! { <Fields analysis chosen=now may_change/> }.into_any()
    };
    view! {
        <Show when=move || analysis.with(Option::is_some) || upload.with(|one| one.state == UploadState::Failed)>
            <form class="card" on:submit=submit aria-label=words.reading>
                <div class="stack-tight">
                    <h2>{words.reading}</h2>
                    <Show when=move || may_change.get()><p class="soft">{words.reading_text}</p></Show>
                </div>
                <FormError error/>
                {move || analysis.get().map(drawn)}
                <Show when=move || may_change.get()>
                    <div class="row"><Button submit=true busy>{words.read_again}</Button></div>
                </Show>
            </form>
        </Show>
    }
    .into_any()
}

#[component]
fn Fields(analysis: Analysis, chosen: Chosen, may_change: Memo<bool>) -> impl IntoView {
    let texts = texts();
    let (words, reading) = (&texts.uploads, analysis.reading);
    let header = |header: bool| if header { words.header_yes } else { words.header_no };
    let columns = analysis.columns.iter().map(|column| (column.number.to_string(), share(texts, column))).collect();
    let none = reading.column_number.is_none().then(|| words.column_none.to_owned());
    let named = |all: Vec<&'static str>| {
        all.into_iter().enumerate().map(|(place, words)| (place.to_string(), words.to_owned())).collect::<Vec<_>>()
    };
    // What is found by itself is not known where something else was chosen.
    let automatic = |chosen: RwSignal<String>, found: &str| {
        let unchosen = chosen.with_untracked(String::is_empty);
        Some(if unchosen { format!("{}: {found}", words.automatic) } else { words.automatic.to_owned() })
    };
    view! {
        <fieldset class="two" disabled=move || !may_change.get()>
            <Choice id="reading-column" label=words.column value=chosen.column first=none options=columns/>
            <Choice
                id="reading-encoding" label=words.encoding value=chosen.encoding
                first=automatic(chosen.encoding, (words.encoding_name)(reading.encoding))
                options=named(ENCODINGS.into_iter().map(words.encoding_name).collect())
            />
            <Choice
                id="reading-delimiter" label=words.delimiter value=chosen.delimiter
                first=automatic(chosen.delimiter, (words.delimiter_name)(reading.delimiter))
                options=named(DELIMITERS.into_iter().map(words.delimiter_name).collect())
            />
            <Choice
                id="reading-header" label=words.header value=chosen.header
                first=automatic(chosen.header, header(reading.header))
                options=named(HEADERS.into_iter().map(header).collect())
            />
        </fieldset>
        <Preview analysis column=chosen.column/>
    }
    .into_any()
}

/// A column's name and how many of its values are addresses.
fn share(texts: &'static Texts, column: &Column) -> String {
    let name = column_name(texts, column);
    (texts.uploads.column_share)(&name, (column.address_share * 100.0).round() as i64)
}

fn column_name(texts: &'static Texts, column: &Column) -> String {
    let named = column.name.clone().filter(|name| !name.trim().is_empty());
    named.unwrap_or_else(|| (texts.uploads.column_number)(column.number))
}

/// A choice among texts of the file.
#[component]
fn Choice(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    first: Option<String>,
    options: Vec<(String, String)>,
) -> impl IntoView {
    let all = first.map(|words| (String::new(), words)).into_iter().chain(options);
    let option = |(name, words): (String, String)| {
        let selected = value.with_untracked(|value| *value == name);
        view! { <option value=name selected=selected>{words}</option> }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select id=id class="input" on:change=move |event| value.set(event_target_value(&event))>
                {all.map(option).drawn()}
            </select>
        </div>
    }
    .into_any()
}

/// The first rows, with the chosen column marked.
#[component]
fn Preview(analysis: Analysis, column: RwSignal<String>) -> impl IntoView {
    let texts = texts();
    let Analysis { columns, preview, .. } = analysis;
    let marked = move |number: u32| move || column.with(|column| column.parse() == Ok(number));
    let head = columns.iter().map(|column| {
        view! { <th scope="col" class:marked=marked(column.number)>{column_name(texts, column)}</th> }
    });
    let head = head.drawn();
    let shown = columns.len();
    let row = move |row: Vec<String>| {
        let cells = row
            .into_iter()
            .take(shown)
            .zip(1..)
            .map(|(text, number)| view! { <td class:marked=marked(number)>{text}</td> });
        view! { <tr>{cells.drawn()}</tr> }
    };
    (!preview.is_empty()).then(|| {
        view! {
            <div class="preview" role="region" aria-label=texts.uploads.preview tabindex="0">
                <table>
                    <caption class="visually-hidden">{texts.uploads.preview}</caption>
                    <thead><tr>{head}</tr></thead>
                    <tbody>{preview.into_iter().map(row).drawn()}</tbody>
                </table>
            </div>
        }
        .into_any()
    })
}
