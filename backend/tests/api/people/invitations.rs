//! Invitations by link: once, for a week, for one address.

use super::{audited, me, said, sign_in, user};
use crate::support::{PASSWORD, TestApp, client::Client, secret_of};
use chrono::TimeDelta;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use shared::{
    session::{AccessToken, Role},
    user::{Invitation, InvitationLink, InvitationPreview},
};
use uuid::Uuid;

const INVITATIONS: &str = "/api/v1/invitations";
const ACCEPT: &str = "/api/v1/invitations/accept";
const PREVIEW: &str = "/api/v1/invitations/preview";

async fn invite(manager: &Client, email: &str, role: &str) -> InvitationLink {
    manager.post(INVITATIONS, &json!({ "email": email, "role": role })).await.expect(201).json()
}

/// The service of this test sends no mail.
fn link(made: &InvitationLink) -> &str {
    made.link.as_deref().expect("a link")
}

fn with_password(made: &InvitationLink) -> Value {
    json!({ "secret": secret_of(link(made)), "password": PASSWORD })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_chooses_a_password_and_is_in() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let anonymous = app.anonymous();
    let made = invite(&place.administrator, "Hana@First.example", "operator").await;
    assert_eq!(made.invitation.invited_by, "administrator@first.example");
    assert_eq!(made.invitation.expires_at, app.clock.now() + TimeDelta::days(7));
    assert!(link(&made).starts_with("/invitation#"), "{made:?}");
    let waiting: Vec<Invitation> = place.administrator.items(INVITATIONS).await;
    assert_eq!(waiting, std::slice::from_ref(&made.invitation));

    let secret = json!({ "secret": secret_of(link(&made)) });
    let preview = anonymous.post(PREVIEW, &secret).await.expect(200).json::<InvitationPreview>();
    assert_eq!((preview.email.as_str(), preview.role), ("Hana@First.example", Role::Operator));
    assert_eq!(preview.account_name.as_deref(), Some("first"));
    for (password, field) in [("short", "/password"), ("manchesterunited", "/password")] {
        let body = json!({ "secret": secret_of(link(&made)), "password": password });
        anonymous.post(ACCEPT, &body).await.expect_problem(422, field);
    }
    let accepted = anonymous.post(ACCEPT, &with_password(&made)).await.expect(201);
    let cookie = accepted.headers[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly"), "{cookie}");
    let hana = app.client(Some(accepted.json::<AccessToken>().access_token));
    let hana = me(&hana).await;
    assert_eq!((hana.role, hana.account_name.as_deref()), (Role::Operator, Some("first")));
    assert_eq!(place.administrator.items::<Invitation>(INVITATIONS).await, []);
    sign_in(&app, "hana@first.example", PASSWORD).await.expect(201);

    // A second click, and looking again.
    anonymous.post(ACCEPT, &with_password(&made)).await.expect(410);
    anonymous.post(PREVIEW, &secret).await.expect(410);
    let (acts, text) = audited(&app, hana.account_id).await;
    let named: Vec<_> = acts.iter().map(|(action, who)| (action.as_str(), who.as_str())).collect();
    let expected = [
        ("invitation.create", "administrator@first.example"),
        ("invitation.accept", "Hana@First.example"),
        ("session.begin", "Hana@First.example"),
    ];
    assert!(named.windows(3).any(|acts| acts == expected), "{named:?}");
    assert!(!text.contains(&secret_of(link(&made))), "the audit log has the link");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_two_tabs_at_the_same_moment_one_accepts() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    for round in 0..4 {
        let made = invite(&place.administrator, &format!("hana{round}@first.example"), "viewer").await;
        let (one, two) = (app.anonymous(), app.anonymous());
        let body = with_password(&made);
        let (one, two) = tokio::join!(one.post(ACCEPT, &body), two.post(ACCEPT, &body));
        let mut answers = [one.status.as_u16(), two.status.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [201, 410]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_after_a_week_and_can_be_renewed() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let made = invite(&place.administrator, "hana@first.example", "viewer").await;
    app.clock.set(app.clock.now() + TimeDelta::days(7));
    let administrator = app.sign_in("administrator@first.example").await;
    let anonymous = app.anonymous();
    anonymous.post(ACCEPT, &with_password(&made)).await.expect(410);

    let path = format!("{INVITATIONS}/{}/renew", made.invitation.id);
    let renewed = administrator.post(&path, &json!({})).await.expect(200).json::<InvitationLink>();
    assert_eq!(renewed.invitation.id, made.invitation.id);
    assert_eq!(renewed.invitation.expires_at, app.clock.now() + TimeDelta::days(7));
    anonymous.post(ACCEPT, &with_password(&made)).await.expect(404);
    anonymous.post(ACCEPT, &with_password(&renewed)).await.expect(201);
    administrator.post(&path, &json!({})).await.expect(404);
    administrator.delete(&format!("{INVITATIONS}/{}", made.invitation.id)).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_taken_back_leads_nowhere() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let made = invite(&place.administrator, "hana@first.example", "viewer").await;
    let path = format!("{INVITATIONS}/{}", made.invitation.id);
    place.administrator.delete(&path).await.expect(204);
    place.administrator.delete(&path).await.expect(404);
    app.anonymous().post(ACCEPT, &with_password(&made)).await.expect(410);
    assert_eq!(place.administrator.items::<Invitation>(INVITATIONS).await, []);
    // The address can be invited again.
    invite(&place.administrator, "hana@first.example", "viewer").await;
    let secret = json!({ "secret": "no such secret" });
    app.anonymous().post(PREVIEW, &secret).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_invited_twice_or_above_what_the_account_has() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let post = async |client: &Client, email: &str, role: &str| {
        client.post(INVITATIONS, &json!({ "email": email, "role": role })).await
    };
    let hana = app.member(&place.administrator, "hana@first.example", "operator").await;
    post(&place.administrator, "HANA@first.example", "viewer").await.expect(409);
    post(&place.administrator, "new@first.example", "viewer").await.expect(201);
    post(&place.administrator, "New@first.example", "viewer").await.expect(409);
    post(&place.administrator, "boss@first.example", "provider").await.expect_problem(422, "/role");
    post(&place.administrator, "nobody", "viewer").await.expect_problem(422, "/email");
    post(&place.provider, "staff@example.com", "administrator").await.expect_problem(422, "/role");
    post(&hana, "friend@first.example", "viewer").await.expect(403);
    hana.get(INVITATIONS).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_does_not_tell_who_signs_in_elsewhere() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let stranger = app.administrator(&place.provider, "stranger").await;
    // The same answer as for an address that nobody has; only who holds the link learns that it is in use.
    let made = invite(&place.administrator, "administrator@stranger.example", "viewer").await;
    app.anonymous().post(ACCEPT, &with_password(&made)).await.expect(409);
    let user = user(&stranger, "administrator@stranger.example").await;
    assert_eq!((user.role, user.revision), (Role::Administrator, 1));

    let theirs = invite(&stranger, "new@stranger.example", "viewer").await.invitation.id;
    for act in ["", "/renew"] {
        let ask = async |id: Uuid| {
            let path = format!("{INVITATIONS}/{id}{act}");
            if act.is_empty() {
                place.administrator.delete(&path).await
            } else {
                place.administrator.post(&path, &json!({})).await
            }
        };
        let (other, nobody) = (ask(theirs).await.expect(404), ask(Uuid::nil()).await.expect(404));
        assert_eq!(said(&other), said(&nobody));
    }
    assert_eq!(stranger.items::<Invitation>(INVITATIONS).await.len(), 1);
}
