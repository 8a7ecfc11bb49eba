//! Downloading what a search finds.

use super::{FormError, Refusal, SearchWords};
use crate::{
    api::Search,
    i18n::{Language, Texts},
    paths,
    state::{Configuration, Pending, Preferences, Session, Url, client, texts},
    ui::{Button, Check, Dialog, Icon, Kind, Shape, Toasts, save},
};
use leptos::prelude::*;
use shared::{download::DownloadList, inquiry::InquiryCategory};

/// The button, and the dialog that it opens.
#[component]
pub fn Download(
    /// Which list of the server configuration; absent: the audit log, which need not be enabled.
    #[prop(optional)]
    list: Option<DownloadList>,
    /// What the list is called.
    name: &'static str,
    /// The parameters of the URL that narrow the list.
    filters: &'static [&'static str],
    /// The search of the page.
    #[prop(into)]
    search: Callback<(), Search>,
) -> impl IntoView {
    let (texts, session, open) = (texts(), expect_context::<Session>(), Url::current().dialog("download"));
    let content = move || {
        if list.is_none() || session.may_download() {
            view! { <Form list name filters search open/> }.into_any()
        } else {
            let ask = move || {
                let href = paths::new_inquiry(Some(InquiryCategory::EnableDownload));
                view! { <a href=href class="button button-primary">{texts.inquiries.ask_downloads}</a> }
            };
            view! {
                <Refusal title=texts.downloads_off text=texts.downloads_off_text open>
                    {session.may_inquire().then(ask)}
                </Refusal>
            }
            .into_any()
        }
    };
    view! {
        <Button press=move |()| open.set(true)><Icon shape=Shape::Download/>{texts.download}</Button>
        <Dialog open title=texts.download_title close=texts.close>{content}</Dialog>
    }
    .into_any()
}

/// Has the browser save what a link leads to, and says that it began. The texts are the caller's: an answer that was waited
/// for is outside every context.
pub fn save_link(url: &str, texts: &Texts, toasts: Toasts) {
    // Making a link of valid text and pressing it cannot fail.
    drop(save(url, ""));
    toasts.good(texts.download_begun);
}

/// Says what will be in the file, and has the browser save it.
#[component]
fn Form(
    list: Option<DownloadList>,
    name: &'static str,
    filters: &'static [&'static str],
    search: Callback<(), Search>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let (texts, client, toasts) = (texts(), client(), Toasts::here());
    let source = list.map(|list| (Configuration::open().id, list));
    let language = expect_context::<Preferences>().language;
    let (excel, error, asking) = (RwSignal::new(false), RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        asking.start(async move {
            let mut parameters = search.run(());
            if excel.get_untracked() {
                parameters = parameters.with("bom", true);
            }
            if language.get_untracked() == Language::Japanese {
                parameters = parameters.with("language", Language::Japanese.tag());
            }
            let link = match source {
                Some((id, list)) => client.download_link(id.get_untracked(), list, parameters).await,
                None => client.audit_log_link(parameters).await,
            };
            match link {
                Ok(url) => {
                    save_link(&url, texts, toasts);
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <div class="stack-tight"><h3>{name}</h3><p class="soft">{texts.download_text}</p></div>
            <SearchWords names=filters contains=if list.is_some() { texts.address_contains } else { texts.audit.contains }/>
            <Check id="download-excel" label=texts.download_excel value=excel hint=texts.download_excel_hint/>
            <div class="dialog-foot">
                <Button press=move |()| open.set(false)>{texts.cancel}</Button>
                <Button kind=Kind::Primary submit=true busy=asking.busy()>
                    {move || if asking.busy().get() { texts.download_preparing } else { texts.download }}
                </Button>
            </div>
        </form>
    }
    .into_any()
}
