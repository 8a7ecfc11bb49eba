//! Files: taking some from the user, and handing one over.

use super::{Icon, Shape};
use leptos::{html, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, File, FileList, HtmlAnchorElement, Url};

/// A place to drop files on, with a button that lets the user choose them.
#[component]
pub fn FilePicker(
    /// The words on the button.
    label: &'static str,
    /// What else there is to know.
    #[prop(into)]
    hint: String,
    /// Takes the files.
    #[prop(into)]
    take: Callback<Vec<File>>,
    /// Whether several may be chosen.
    #[prop(optional)]
    several: bool,
) -> impl IntoView {
    let (over, input) = (RwSignal::new(false), NodeRef::<html::Input>::new());
    let chosen = move |_| {
        let Some(input) = input.get_untracked() else { return };
        let files = listed(input.files());
        // So that the same file can be chosen again.
        input.set_value("");
        if !files.is_empty() {
            take.run(files);
        }
    };
    let dropped = move |event: leptos::ev::DragEvent| {
        event.prevent_default();
        over.set(false);
        let files = listed(event.data_transfer().and_then(|data| data.files()));
        if !files.is_empty() {
            take.run(files);
        }
    };
    let dragged = move |event: leptos::ev::DragEvent| {
        event.prevent_default();
        over.set(true);
    };
    view! {
        <div
            class="drop" class:over=move || over.get() on:dragover=dragged on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            <Icon shape=Shape::Upload size=28/>
            <label class="button button-primary">
                <input
                    node_ref=input class="visually-hidden" type="file" accept=".csv,.tsv,.txt,text/csv,text/plain"
                    multiple=several on:change=chosen
                />
                {label}
            </label>
            <p class="small soft">{hint}</p>
        </div>
    }
    .into_any()
}

fn listed(files: Option<FileList>) -> Vec<File> {
    files.map(|files| (0..files.length()).filter_map(|place| files.get(place)).collect()).unwrap_or_default()
}

/// Saves what the browser holds as a file on the user's side.
///
/// # Errors
/// The browser refused.
pub fn save_blob(blob: &Blob, name: &str) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    save(&url, name)?;
    Url::revoke_object_url(&url)
}

/// Has the browser save what is at an address, under a name or, where that is empty, the one that comes with it. The page
/// stays, and the file does not pass through its memory.
///
/// # Errors
/// The browser refused.
pub fn save(url: &str, name: &str) -> Result<(), JsValue> {
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(url);
    link.set_download(name);
    link.click();
    Ok(())
}
