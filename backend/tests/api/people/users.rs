//! Roles, leaving, and who is left.

use super::{audited, change, me, reset_link, said, sign_in, user};
use crate::support::{PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::{
    session::{ApiTokenSecret, Role},
    user::User,
};
use uuid::Uuid;

const USERS: &str = "/api/v1/users";
const ADMINISTRATOR: &str = "administrator@first.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_role_changes_with_the_next_request() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let hana = app.member(&place.administrator, "hana@first.example", "viewer").await;
    let run = place.path("/runs");
    hana.get(&place.path("/runs")).await.expect(200);
    hana.post(&run, &json!({})).await.expect(403);
    hana.get(USERS).await.expect(403);

    let before = user(&place.administrator, "hana@first.example").await;
    assert_eq!((before.role, before.active, before.revision), (Role::Viewer, true, 1));
    let changed = change(&place.administrator, &before, json!({ "role": "administrator" })).await.expect(200);
    let tag = changed.headers["etag"].to_str().expect("a tag").to_owned();
    let after = changed.json::<User>();
    assert_eq!((after.role, after.revision), (Role::Administrator, 2));
    hana.post(&run, &json!({})).await.expect(202);
    hana.get(USERS).await.expect(200);

    // Read at the same time by two.
    change(&place.administrator, &before, json!({ "role": "operator" })).await.expect(412);
    let shown = place.administrator.get(&format!("{USERS}/{}", after.id)).await.expect(200);
    assert_eq!(shown.headers["etag"].to_str().expect("a tag"), tag);
    assert_eq!(shown.json::<User>(), after);
    place
        .administrator
        .send(place.administrator.request(Method::PATCH, &format!("{USERS}/{}", after.id)).json(&json!({})))
        .await
        .expect(428);
    let same = change(&place.administrator, &after, json!({ "role": "administrator" })).await.expect(200);
    assert_eq!(same.json::<User>(), after, "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deactivated_is_out_at_once_and_signs_in_like_a_stranger() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let email = "hana@first.example";
    let hana = app.member(&place.administrator, email, "operator").await;
    let other_device = app.sign_in(email).await;
    let before = user(&place.administrator, email).await;
    assert!(before.last_seen_at.is_some());

    let changed = change(&place.administrator, &before, json!({ "active": false })).await.expect(200).json::<User>();
    assert_eq!((changed.active, changed.last_seen_at), (false, None));
    hana.get("/api/v1/me").await.expect(401);
    other_device.get("/api/v1/me").await.expect(401);
    let right = sign_in(&app, email, PASSWORD).await.expect(401);
    let wrong = sign_in(&app, email, "wrong wrong wrong").await.expect(401);
    let nobody = sign_in(&app, "nobody@first.example", PASSWORD).await.expect(401);
    assert_eq!(said(&right), said(&wrong));
    assert_eq!(said(&right), said(&nobody));
    let path = format!("{USERS}/{}/password-reset", before.id);
    place.administrator.post(&path, &json!({})).await.expect(409);

    change(&place.administrator, &changed, json!({ "active": true })).await.expect(200);
    hana.get("/api/v1/me").await.expect(401);
    sign_in(&app, email, PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    app.member(&place.administrator, "hana@first.example", "operator").await;
    let last = user(&place.administrator, ADMINISTRATOR).await;
    for leaves in
        [json!({ "role": "operator" }), json!({ "active": false }), json!({ "role": "viewer", "active": false })]
    {
        change(&place.administrator, &last, leaves).await.expect(409);
    }
    // A deactivated administrator is none.
    let second = "second@first.example";
    app.member(&place.administrator, second, "administrator").await;
    change(&place.administrator, &user(&place.administrator, second).await, json!({ "active": false }))
        .await
        .expect(200);
    change(&place.administrator, &last, json!({ "role": "operator" })).await.expect(409);
    change(&place.administrator, &user(&place.administrator, second).await, json!({ "active": true }))
        .await
        .expect(200);
    change(&place.administrator, &last, json!({ "role": "operator" })).await.expect(200);
    place.administrator.get(USERS).await.expect(403);

    // Of the provider's staff likewise.
    let provider = user(&place.provider, "provider@example.com").await;
    change(&place.provider, &provider, json!({ "active": false })).await.expect(409);
    let staff = app.member(&place.provider, "staff@example.com", "provider").await;
    assert_eq!(me(&staff).await.role, Role::Provider);
    change(&staff, &provider, json!({ "active": false })).await.expect(200);
    place.provider.get(USERS).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_who_demote_each_other_leave_one() {
    let app = TestApp::start().await;
    let provider = app.provider().await;
    for round in 0..8 {
        let account = format!("account{round}");
        let first = app.administrator(&provider, &account).await;
        let second_email = format!("second@{account}.example");
        let second = app.member(&first, &second_email, "administrator").await;
        let first_user = user(&first, &format!("administrator@{account}.example")).await;
        let second_user = user(&first, &second_email).await;
        let (one, two) = tokio::join!(
            change(&first, &second_user, json!({ "role": "viewer" })),
            change(&second, &first_user, json!({ "active": false })),
        );
        let mut answers = [one.status.as_u16(), two.status.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers[0], 200, "one of them is first");
        assert!([401, 403, 409].contains(&answers[1]), "{answers:?}");
        let left = if one.status == 200 { &first } else { &second };
        let users: Vec<User> = left.items(USERS).await;
        let manage = users.iter().filter(|user| user.active && user.role == Role::Administrator);
        assert_eq!(manage.count(), 1, "{users:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_a_role_above_their_own() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let hana = app.member(&place.administrator, "hana@first.example", "operator").await;
    let viewer = user(&place.administrator, "hana@first.example").await;
    change(&place.administrator, &viewer, json!({ "role": "provider" })).await.expect_problem(422, "/role");
    change(&hana, &viewer, json!({ "role": "administrator" })).await.expect(403);
    let own = user(&place.provider, "provider@example.com").await;
    change(&place.provider, &own, json!({ "role": "administrator" })).await.expect_problem(422, "/role");

    // A token could outlive the revocation of who made it.
    let token = json!({ "name": "script", "scopes": ["read", "lists", "events", "manage"] });
    let token = place.administrator.post("/api/v1/tokens", &token).await.expect(201).json::<ApiTokenSecret>();
    let script = app.client(Some(token.secret));
    script.get(USERS).await.expect(403);
    change(&script, &viewer, json!({ "role": "administrator" })).await.expect(403);
    app.anonymous().get(USERS).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_another_account_are_not_there() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let stranger = app.administrator(&place.provider, "stranger").await;
    let theirs = user(&stranger, "administrator@stranger.example").await;
    let nobody = User { id: Uuid::nil(), ..theirs.clone() };
    let own = user(&place.provider, "provider@example.com").await;
    for (manager, other) in [(&place.administrator, &theirs), (&place.administrator, &own), (&place.provider, &theirs)]
    {
        let path = |user: &User| format!("{USERS}/{}", user.id);
        let reset = |user: &User| format!("{}/password-reset", path(user));
        let shown = manager.get(&path(other)).await.expect(404);
        assert_eq!(said(&shown), said(&manager.get(&path(&nobody)).await.expect(404)));
        let changed = change(manager, other, json!({ "active": false })).await.expect(404);
        assert_eq!(said(&changed), said(&change(manager, &nobody, json!({ "active": false })).await.expect(404)));
        let made = manager.post(&reset(other), &json!({})).await.expect(404);
        assert_eq!(said(&made), said(&manager.post(&reset(&nobody), &json!({})).await.expect(404)));
    }
    let emails = |users: Vec<User>| users.into_iter().map(|user| user.email).collect::<Vec<_>>();
    let users = async |manager: &crate::support::client::Client| emails(manager.items(USERS).await);
    assert_eq!(users(&place.administrator).await, [ADMINISTRATOR]);
    assert_eq!(users(&place.provider).await, ["provider@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_inside_an_account_manages_its_users() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let account = me(&place.administrator).await.account_id.expect("an account");
    let entered =
        place.provider.post(&format!("/api/v1/provider/accounts/{account}/enter"), &json!({})).await.expect(200);
    let inside = app.client(Some(entered.json::<shared::session::AccessToken>().access_token));
    app.member(&inside, "hana@first.example", "viewer").await;
    let hana = user(&inside, "hana@first.example").await;
    change(&inside, &hana, json!({ "role": "operator" })).await.expect(200);
    assert!(inside.items::<User>(USERS).await.iter().all(|user| user.role < Role::Provider));
    let (acts, _) = audited(&app, Some(account)).await;
    let by_provider = |action: &str| (action.to_owned(), "provider@example.com".to_owned());
    for action in ["invitation.create", "user.update"] {
        assert!(acts.contains(&by_provider(action)), "{action} is not in {acts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_who_may_no_longer_make_them_stop_working() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let leaving = app.member(&place.administrator, "leaving@first.example", "administrator").await;
    let invited = json!({ "email": "friend@first.example", "role": "administrator" });
    let invited: serde_json::Value = leaving.post("/api/v1/invitations", &invited).await.expect(201).json();
    let invitation = json!({ "secret": crate::support::secret_of(invited["link"].as_str().expect("a link")) });
    let victim = user(&leaving, ADMINISTRATOR).await;
    let reset = json!({ "secret": crate::support::secret_of(&reset_link(&leaving, victim.id).await) });
    let anonymous = app.anonymous();
    anonymous.post("/api/v1/invitations/preview", &invitation).await.expect(200);
    anonymous.post("/api/v1/password-resets/preview", &reset).await.expect(200);

    let user = user(&place.administrator, "leaving@first.example").await;
    change(&place.administrator, &user, json!({ "role": "operator" })).await.expect(200);
    anonymous.post("/api/v1/invitations/preview", &invitation).await.expect(410);
    anonymous.post("/api/v1/password-resets/preview", &reset).await.expect(404);
}
