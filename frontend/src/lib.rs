//! The Stoplist console.

mod api;
#[cfg(any(feature = "gallery", not(target_family = "wasm")))]
mod gallery;
mod i18n;
mod layout;
mod pages;
mod paths;
mod reactive;
mod state;
mod ui;

use futures::future::FutureExt;
use leptos::{prelude::*, wasm_split::wasm_split};
use leptos_router::{
    components::{ParentRoute, Route, Router, Routes},
    path,
};
use wasm_bindgen::prelude::wasm_bindgen;

/// Starts the console in the page's body.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    mount_to_body(App);
    ui::keep_focus();
}

/// The whole console.
#[component]
fn App() -> impl IntoView {
    let client = api::Client::new();
    let preferences = state::Preferences::restore();
    provide_context(client);
    provide_context(preferences);
    provide_context(state::Clock::start());
    provide_context(ui::Toasts::new());
    provide_context(state::Session::start(client));
    provide_context(state::Newer::watch(client));
    provide_context(state::Outbox::open(client));
    provide_context(state::Returning::new());
    provide_context(state::Kept::nothing());
    provide_context(layout::OpenName(RwSignal::new(None)));
    view! {
        <Router>
            // Another language or time zone draws everything anew; what matters is in the URL, or kept.
            {move || {
                let language = preferences.language.get();
                preferences.zone.track();
                view! { <Pages/><ui::ToastRegion close=language.texts().close/> }
            }}
        </Router>
    }
}

/// A page as what draws it. Of one type, all routes of a shape are compiled once, which keeps the console small.
macro_rules! page {
    ($page:path) => {{
        let draw: fn() -> AnyView = || $page().into_any();
        draw
    }};
}

/// The same for a page of a part of the console that is loaded when one of its pages is first opened: what only they use
/// is not in the first load. `cargo xtask console` makes a file of each part.
macro_rules! later {
    ($part:ident, $page:ident) => {{
        #[wasm_split($part, wasm_split_path = leptos::wasm_split, preload(load), fallible)]
        fn draw() -> layout::Loaded<AnyView> {
            Ok(pages::$page().into_any())
        }
        let page: fn() -> AnyView = || layout::part(|| load().boxed_local(), || draw().boxed_local());
        page
    }};
}

/// What is drawn where no page is. In builds for development the gallery of all building blocks is there.
fn elsewhere() -> AnyView {
    #[cfg(any(feature = "gallery", not(target_family = "wasm")))]
    if leptos_router::hooks::use_location().pathname.with_untracked(|path| gallery::is_at(path)) {
        return gallery::Gallery().into_any();
    }
    pages::NotFound().into_any()
}

/// Which address shows what.
#[component]
fn Pages() -> impl IntoView {
    layout::entitle();
    view! {
        <Routes fallback=elsewhere>
            <Route path=path!("/sign-in") view=page!(pages::SignIn)/>
            <Route path=path!("/forgot-password") view=page!(pages::ForgotPassword)/>
            <Route path=path!("/set-up") view=page!(pages::SetUp)/>
            <Route path=path!("/invitation") view=page!(pages::AcceptInvitation)/>
            <Route path=path!("/password-reset") view=page!(pages::ResetPassword)/>
            <ParentRoute path=path!("") view=page!(layout::Shell)>
                <Route path=path!("/") view=page!(pages::Home)/>
                <Route path=path!("/inquiries") view=later!(administration, InquiryList)/>
                <Route path=path!("/inquiries/new") view=later!(administration, NewInquiryPage)/>
                <Route path=path!("/inquiries/:inquiry") view=later!(administration, InquiryPage)/>
                <Route path=path!("/provider") view=later!(administration, Accounts)/>
                <Route path=path!("/provider/accounts/:account") view=later!(administration, AccountPage)/>
                <Route path=path!("/provider/inquiries") view=later!(administration, InquiryList)/>
                <Route path=path!("/provider/inquiries/:inquiry") view=later!(administration, InquiryPage)/>
                <ParentRoute path=path!("/settings") view=page!(layout::SettingsFrame)>
                    <Route path=path!("account") view=later!(administration, MyAccount)/>
                    <Route path=path!("users") view=later!(administration, Users)/>
                    <Route path=path!("tokens") view=later!(administration, Tokens)/>
                    <Route path=path!("audit-log") view=later!(administration, AuditLog)/>
                </ParentRoute>
                <ParentRoute path=path!("/configurations/:configuration") view=page!(layout::ConfigurationFrame)>
                    <Route path=path!("") view=page!(pages::ToBlockedList)/>
                    <Route path=path!("blocked/list") view=page!(pages::BlockedList)/>
                    <Route path=path!("blocked/stop-cancellation") view=page!(pages::StopCancellation)/>
                    <Route path=path!("blocked/uploads") view=later!(uploads, Uploads)/>
                    <Route path=path!("blocked/uploads/history") view=later!(uploads, BulkChanges)/>
                    <Route path=path!("blocked/uploads/:upload") view=later!(uploads, UploadPage)/>
                    <Route path=path!("blocked/distributions") view=page!(pages::Distributions)/>
                    <Route path=path!("blocked/mail-servers") view=page!(pages::MailServers)/>
                    <Route path=path!("blocked/address") view=later!(report, AddressPage)/>
                    <Route path=path!("delivery-report/overview") view=later!(report, ReportOverview)/>
                    <Route path=path!("delivery-report/error-log") view=later!(report, ErrorLog)/>
                    <Route path=path!("delivery-report/delivery-log") view=later!(report, DeliveryLog)/>
                </ParentRoute>
            </ParentRoute>
        </Routes>
    }
    .into_any()
}
