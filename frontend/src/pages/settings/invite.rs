//! Inviting somebody, and links that are shown once.

use crate::{
    i18n::Texts,
    pages::{FormError, FormFoot, field_error, opened_by},
    state::{Pending, Session, client, texts},
    ui::{Button, Dialog, Field, Kind, Notice, Secret, Select, Toasts, Tone},
};
use leptos::prelude::*;
use shared::{session::Role, user::NewInvitation};

/// For so many days an invitation works.
const INVITATION_DAYS: u8 = 7;
/// For so many days a link to a new password works.
pub const PASSWORD_DAYS: u8 = 1;

/// A link that was just made.
#[derive(Clone, PartialEq)]
pub struct Made {
    /// For whom.
    pub email: String,
    /// Relative to the service's address.
    pub link: String,
    /// For so many days it works.
    pub days: u8,
}

/// Shows the link of an invitation, or says that it was sent by mail.
pub fn show(email: String, link: Option<String>, made: RwSignal<Option<Made>>, texts: &Texts, toasts: Toasts) {
    match link {
        Some(link) => made.set(Some(Made { email, link, days: INVITATION_DAYS })),
        None => toasts.good((texts.people.link_mailed)(&email)),
    }
}

/// Asks whom to invite, and as what.
#[component]
pub fn InviteDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Takes the link.
    made: RwSignal<Option<Made>>,
    /// Called when it is made.
    #[prop(into)]
    reload: Callback<()>,
) -> impl IntoView {
    let texts = texts();
    view! { <Dialog open title=texts.people.invite_title close=texts.close><InviteForm open made reload/></Dialog> }
}

#[component]
fn InviteForm(open: RwSignal<bool>, made: RwSignal<Option<Made>>, reload: Callback<()>) -> impl IntoView {
    let (texts, client, session, toasts) = (texts(), client(), expect_context::<Session>(), Toasts::here());
    let roles = roles(session);
    let (email, role) = (RwSignal::new(String::new()), RwSignal::new(roles[0]));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let new = NewInvitation { email: email.get_untracked(), role: role.get_untracked() };
            match client.invite(&new).await {
                Ok(link) => {
                    reload.run(());
                    open.set(false);
                    show(new.email, link, made, texts, toasts);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field
                id="invite-email" label=texts.email value=email kind="email" required=true
                error=field_error(error, "/email")
            />
            <RoleChoice id="invite-role" role roles/>
            <FormFoot open confirm=texts.people.invite busy=saving.busy()/>
        </form>
    }
    .into_any()
}

/// The roles that can be given: in an account all but the provider's, outside of all accounts that only.
pub fn roles(session: Session) -> Vec<Role> {
    let inside = session.me().is_some_and(|me| me.account_id.is_some());
    Role::ALL.into_iter().filter(|role| (*role == Role::Provider) != inside).collect()
}

/// A choice of roles, with what each may do.
#[component]
pub fn RoleChoice(
    /// Unique in the page.
    id: &'static str,
    /// What is chosen.
    role: RwSignal<Role>,
    /// What can be chosen.
    roles: Vec<Role>,
) -> impl IntoView {
    let words = &texts().people;
    let options = roles.into_iter().map(|role| (role.as_str(), (words.role)(role))).collect();
    let choose = move |name: String| {
        if let Some(chosen) = Role::ALL.into_iter().find(|role| role.as_str() == name) {
            role.set(chosen);
        }
    };
    view! {
        <div class="stack-tight">
            <Select
                id label=words.role_label options choose value=Signal::derive(move || role.get().as_str().to_owned())
            />
            <p class="hint" aria-live="polite">{move || (words.role_hint)(role.get())}</p>
        </div>
    }
    .into_any()
}

/// Shows a link once.
#[component]
pub fn LinkDialog(
    /// The link; gone when the dialog closes.
    made: RwSignal<Option<Made>>,
) -> impl IntoView {
    let texts = texts();
    let open = opened_by(made);
    view! {
        <Dialog open title=texts.people.link close=texts.close>
            {move || made.get().map(|made| view! { <ShownOnce made open/> })}
        </Dialog>
    }
    .into_any()
}

#[component]
fn ShownOnce(made: Made, open: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    let words = &texts.people;
    let link = format!("{}{}", window().location().origin().unwrap_or_default(), made.link);
    view! {
        <div class="stack">
            <h3 class="break">{made.email}</h3>
            <Notice tone=Tone::Warn><p>{words.link_once}</p></Notice>
            <Secret label=words.link text=link words=texts.copying()/>
            <p class="soft">{words.link_next}" "{(words.works_for)(made.days)}</p>
            <div class="dialog-foot">
                <Button kind=Kind::Primary press=move |()| open.set(false)>{texts.done}</Button>
            </div>
        </div>
    }
    .into_any()
}
