//! The Stoplist console.

mod api;
#[cfg(any(feature = "gallery", not(target_family = "wasm")))]
mod gallery;
mod i18n;
mod layout;
mod pages;
mod paths;
mod reactive;
mod router;
mod state;
mod ui;

use futures::future::FutureExt;
use leptos::{prelude::*, wasm_split::wasm_split};
use router::{Outlet, Route, Router};
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
    provide_context(Router::start(ROUTES));
    provide_context(state::Clock::start());
    provide_context(ui::Toasts::new());
    provide_context(state::Session::start(client));
    provide_context(state::Newer::watch(client));
    provide_context(state::Outbox::open(client));
    provide_context(state::Returning::new());
    provide_context(state::Kept::nothing());
    provide_context(layout::OpenName(RwSignal::new(None)));
    // Another language or time zone draws everything anew; what matters is in the URL, kept, or in the same fields again.
    move || {
        let language = preferences.language.get();
        preferences.zone.track();
        ui::remember_written();
        layout::entitle();
        view! { <Outlet otherwise=elsewhere/><ui::ToastRegion close=language.texts().close/> }
    }
}

/// A page at an address, or a frame around pages. What draws them is of one type, which keeps the console small.
macro_rules! page {
    ($path:literal, $page:path) => {
        page!($path, $page, [])
    };
    ($path:literal, $frame:path, [$($inside:expr,)*]) => {
        Route { path: $path, view: || $frame().into_any(), inside: &[$($inside,)*] }
    };
}

/// The same for a page of a part of the console that is loaded when one of its pages is first opened: what only they use
/// is not in the first load. `cargo xtask console` makes a file of each part.
macro_rules! later {
    ($path:literal, $part:ident, $page:ident) => {{
        #[wasm_split($part, wasm_split_path = leptos::wasm_split, preload(load), fallible)]
        fn draw() -> layout::Loaded<AnyView> {
            Ok(pages::$page().into_any())
        }
        Route { path: $path, view: || layout::part(|| load().boxed_local(), || draw().boxed_local()), inside: &[] }
    }};
}

/// What is drawn where no page is. In builds for development the gallery of all building blocks is there.
fn elsewhere() -> AnyView {
    #[cfg(any(feature = "gallery", not(target_family = "wasm")))]
    if Router::here().path.with_untracked(|path| gallery::is_at(path)) {
        return gallery::Gallery().into_any();
    }
    pages::NotFound().into_any()
}

/// Which address shows what.
static ROUTES: &[Route] = &[
    page!("/sign-in", pages::SignIn),
    page!("/forgot-password", pages::ForgotPassword),
    page!("/set-up", pages::SetUp),
    page!("/invitation", pages::AcceptInvitation),
    page!("/password-reset", pages::ResetPassword),
    page!(
        "",
        layout::Shell,
        [
            page!("/", pages::Home),
            later!("/inquiries", administration, InquiryList),
            later!("/inquiries/new", administration, NewInquiryPage),
            later!("/inquiries/:inquiry", administration, InquiryPage),
            later!("/provider", administration, Accounts),
            later!("/provider/accounts/:account", administration, AccountPage),
            later!("/provider/inquiries", administration, InquiryList),
            later!("/provider/inquiries/:inquiry", administration, InquiryPage),
            page!(
                "/settings",
                layout::SettingsFrame,
                [
                    later!("account", administration, MyAccount),
                    later!("users", administration, Users),
                    later!("tokens", administration, Tokens),
                    later!("audit-log", administration, AuditLog),
                ]
            ),
            page!(
                "/configurations/:configuration",
                layout::ConfigurationFrame,
                [
                    page!("", pages::ToBlockedList),
                    page!("blocked/list", pages::BlockedList),
                    page!("blocked/stop-cancellation", pages::StopCancellation),
                    later!("blocked/uploads", uploads, Uploads),
                    later!("blocked/uploads/history", uploads, BulkChanges),
                    later!("blocked/uploads/:upload", uploads, UploadPage),
                    page!("blocked/distributions", pages::Distributions),
                    page!("blocked/mail-servers", pages::MailServers),
                    later!("blocked/address", report, AddressPage),
                    later!("delivery-report/overview", report, ReportOverview),
                    later!("delivery-report/error-log", report, ErrorLog),
                    later!("delivery-report/delivery-log", report, DeliveryLog),
                ]
            ),
        ]
    ),
];
