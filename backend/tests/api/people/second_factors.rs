//! The second factor: enrolling, signing in with it, losing it.

use super::{audited, change, me, reset_link, sign_in, user};
use crate::support::{
    PASSWORD, TestApp,
    client::{Client, Response},
    secret_of,
};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use shared::{
    RefusalCode,
    second_factor::{RecoveryCodes, SecondFactorNeeded, SecondFactorSecret, SecondFactorState},
    session::AccessToken,
};

const FACTOR: &str = "/api/v1/me/second-factor";
const CONFIRM: &str = "/api/v1/me/second-factor/confirm";
const DISABLE: &str = "/api/v1/me/second-factor/disable";
const RENEW: &str = "/api/v1/me/second-factor/recovery-codes";
const SECOND_STEP: &str = "/api/v1/sessions/second-factor";
const EMAIL: &str = "administrator@first.example";

/// An authenticator app: reads the secret as people type it, and computes codes by itself (RFC 6238).
pub struct App(Vec<u8>);

impl App {
    /// Enrolled with a secret.
    pub fn new(secret: &str) -> Self {
        let bits = secret.bytes().flat_map(|letter| {
            let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
            (0..5).rev().map(move |bit| value >> bit & 1)
        });
        let bits: Vec<u8> = bits.collect();
        Self(bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect())
    }

    /// Its code at a time.
    pub fn code(&self, now: DateTime<Utc>) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &(now.timestamp() / 30).to_be_bytes());
        let offset = usize::from(tag.as_ref()[19] % 16);
        let four: [u8; 4] = tag.as_ref()[offset..offset + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
    }

    /// A code that is not right now.
    fn wrong(&self, now: DateTime<Utc>) -> String {
        let right: Vec<_> = [-30, 0, 30].map(|seconds| self.code(now + TimeDelta::seconds(seconds))).into();
        let mut codes = (0..4).map(|n| format!("{n:06}"));
        codes.find(|code| !right.contains(code)).expect("a wrong code")
    }
}

/// Enrols a user's app, and moves the clock past the code that confirmed it.
async fn enrol(app: &TestApp, client: &Client) -> (App, Vec<String>) {
    let made = client.post(FACTOR, &json!({ "password": PASSWORD })).await.expect(201).json::<SecondFactorSecret>();
    let authenticator = App::new(&made.secret);
    let code = authenticator.code(app.clock.now());
    let codes = client.post(CONFIRM, &json!({ "code": code })).await.expect(200).json::<RecoveryCodes>();
    pass(app, 60);
    (authenticator, codes.recovery_codes)
}

fn pass(app: &TestApp, seconds: i64) {
    app.clock.set(app.clock.now() + TimeDelta::seconds(seconds));
}

/// The first step, which has to ask for the second.
async fn first_step(app: &TestApp) -> String {
    sign_in(app, EMAIL, PASSWORD).await.expect(202).json::<SecondFactorNeeded>().second_factor_token
}

async fn second_step(app: &TestApp, token: &str, code: &str) -> Response {
    let body = json!({ "second_factor_token": token, "code": code });
    app.anonymous().post(SECOND_STEP, &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_app_is_needed_to_sign_in() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let client = &place.administrator;
    let state = async || client.get(FACTOR).await.expect(200).json::<SecondFactorState>();
    assert!(!state().await.enabled);
    client.post(CONFIRM, &json!({ "code": "123456" })).await.expect(409);
    client.post(FACTOR, &json!({ "password": "wrong wrong wrong" })).await.expect_problem(422, "/password");

    let made = client.post(FACTOR, &json!({ "password": PASSWORD })).await.expect(201).json::<SecondFactorSecret>();
    assert_eq!(made.secret.len(), 32, "160 bits");
    let uri = format!("otpauth://totp/Stoplist:administrator%40first.example?secret={}&issuer=Stoplist", made.secret);
    assert!(made.otpauth_uri.starts_with(&uri), "{}", made.otpauth_uri);
    assert!(made.qr_code.contains("<svg"), "{}", made.qr_code);
    // Not confirmed, it does nothing; begun again, it is another one.
    sign_in(&app, EMAIL, PASSWORD).await.expect(201);
    let again = client.post(FACTOR, &json!({ "password": PASSWORD })).await.expect(201).json::<SecondFactorSecret>();
    let (old, authenticator) = (App::new(&made.secret), App::new(&again.secret));
    client.post(CONFIRM, &json!({ "code": old.code(app.clock.now()) })).await.expect_problem(422, "/code");
    let code = authenticator.code(app.clock.now());
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let codes = client.post(CONFIRM, &json!({ "code": spaced })).await.expect(200).json::<RecoveryCodes>();
    assert_eq!(codes.recovery_codes.len(), 10);
    let enabled = state().await;
    assert_eq!((enabled.enabled, enabled.recovery_codes_left, enabled.enabled_at), (true, 10, Some(app.clock.now())));
    client.post(FACTOR, &json!({ "password": PASSWORD })).await.expect(409);
    client.post(CONFIRM, &json!({ "code": code })).await.expect(409);
    assert!(user(client, EMAIL).await.second_factor);

    // The code that confirmed it is used up.
    let token = first_step(&app).await;
    app.client(Some(token.clone())).get("/api/v1/me").await.expect(401);
    second_step(&app, &token, &code).await.expect_problem(422, "/code");
    pass(&app, 30);
    let code = authenticator.code(app.clock.now());
    let answer = second_step(&app, &token, &code).await.expect(201);
    assert!(answer.headers.contains_key("set-cookie"));
    let signed_in = app.client(Some(answer.json::<AccessToken>().access_token));
    assert_eq!(me(&signed_in).await.email, EMAIL);
    sign_in(&app, EMAIL, "wrong wrong wrong").await.expect(401);

    let (acts, text) = audited(&app, me(client).await.account_id).await;
    for action in ["second_factor.begin", "second_factor.enable"] {
        assert!(acts.iter().any(|(did, who)| did == action && who == EMAIL), "{acts:?}");
    }
    assert!(!text.contains(&again.secret) && !text.contains(&codes.recovery_codes[0]), "the audit log has a secret");
    let connection = app.running.state.db.connection();
    let sql = "SELECT secret FROM second_factors";
    let row = sea_orm::ConnectionTrait::query_one_raw(connection, backend::store::statement(connection, sql, [])).await;
    let kept: String = row.expect("an answer").expect("a row").try_get("", "secret").expect("a text");
    assert!(!kept.contains(&again.secret) && kept.len() > 60, "the secret is not sealed: {kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_and_half_a_minute_around_its_time() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let (authenticator, _) = enrol(&app, &place.administrator).await;
    let token = first_step(&app).await;
    let code = authenticator.code(app.clock.now());
    let (one, two) = tokio::join!(second_step(&app, &token, &code), second_step(&app, &token, &code));
    let mut answers = [one.status.as_u16(), two.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [201, 422], "at the same moment, one of two");
    let before = authenticator.code(app.clock.now() - TimeDelta::seconds(30));
    second_step(&app, &token, &before).await.expect_problem(422, "/code");
    let next = authenticator.code(app.clock.now() + TimeDelta::seconds(30));
    second_step(&app, &token, &next).await.expect(201);
    let later = authenticator.code(app.clock.now() + TimeDelta::seconds(60));
    second_step(&app, &token, &later).await.expect_problem(422, "/code");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_step_needs_the_first_within_five_minutes() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let (authenticator, _) = enrol(&app, &place.administrator).await;
    let code = |app: &TestApp| authenticator.code(app.clock.now());
    second_step(&app, "no token", &code(&app)).await.expect(401);
    let token = first_step(&app).await;
    pass(&app, 300);
    second_step(&app, &token, &code(&app)).await.expect(410);

    // A changed password makes the first step worthless.
    let token = first_step(&app).await;
    let change = json!({ "present_password": PASSWORD, "new_password": "a new and longer password",
        "code": code(&app) });
    let request = place.administrator.request(reqwest::Method::PUT, "/api/v1/me/password").json(&change);
    place.administrator.send(request).await.expect(204);
    second_step(&app, &token, &code(&app)).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_slowed_down() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let known = app.anonymous();
    known.post("/api/v1/sessions", &json!({ "email": EMAIL, "password": PASSWORD })).await.expect(201);
    let (authenticator, recovery_codes) = enrol(&app, &place.administrator).await;
    let token = first_step(&app).await;
    for _ in 0..10 {
        second_step(&app, &token, &authenticator.wrong(app.clock.now())).await.expect_problem(422, "/code");
    }
    let right = authenticator.code(app.clock.now());
    let refused = second_step(&app, &token, &right).await.expect(429);
    assert!(refused.headers.contains_key("retry-after"));
    // Who is signed in already is not locked out by it, nor is the first step, nor a browser that the user is known by.
    place.administrator.get("/api/v1/me").await.expect(200);
    known.post(SECOND_STEP, &json!({ "second_factor_token": token, "code": right })).await.expect(201);
    pass(&app, 15 * 60);
    second_step(&app, &first_step(&app).await, &authenticator.code(app.clock.now())).await.expect(201);

    // From ever other places: after a hundred in a row only one an hour, but recovery codes go on working.
    guess_a_hundred_times(&app).await;
    pass(&app, 60);
    let token = first_step(&app).await;
    second_step(&app, &token, &authenticator.code(app.clock.now())).await.expect(429);
    second_step(&app, &token, &recovery_codes[0]).await.expect(201);
    pass(&app, 30);
    second_step(&app, &token, &authenticator.code(app.clock.now())).await.expect(201);
}

/// As from ever other places.
async fn guess_a_hundred_times(app: &TestApp) {
    let connection = app.running.state.db.connection();
    let sql = "UPDATE second_factors SET failures = 100, failed_at = $1";
    let values = [backend::store::millis(app.clock.now()).into()];
    sea_orm::ConnectionTrait::execute_raw(connection, backend::store::statement(connection, sql, values))
        .await
        .expect("an update");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_new_password_gives_no_new_guesses() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let second = app.member(&place.administrator, "second@first.example", "administrator").await;
    let (authenticator, recovery_codes) = enrol(&app, &place.administrator).await;
    guess_a_hundred_times(&app).await;
    let password = "a new and longer password";
    let link = reset_link(&second, user(&second, EMAIL).await.id).await;
    let new = json!({ "secret": secret_of(&link), "password": password });
    app.anonymous().post("/api/v1/password-resets/complete", &new).await.expect(204);
    let token = sign_in(&app, EMAIL, password).await.expect(202).json::<SecondFactorNeeded>().second_factor_token;
    second_step(&app, &token, &authenticator.code(app.clock.now())).await.expect(429);
    second_step(&app, &token, &recovery_codes[0]).await.expect(201);
    second_step(&app, &token, &authenticator.code(app.clock.now())).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_sign_in_once_each() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let (authenticator, codes) = enrol(&app, &place.administrator).await;
    let token = first_step(&app).await;
    second_step(&app, &token, "ABCD-EFGH-JKLM-NPQR").await.expect_problem(422, "/code");
    let typed = codes[0].to_lowercase().replace('-', " ");
    second_step(&app, &token, &typed).await.expect(201);
    second_step(&app, &token, &codes[0]).await.expect_problem(422, "/code");
    let left = place.administrator.get(FACTOR).await.expect(200).json::<SecondFactorState>().recovery_codes_left;
    assert_eq!(left, 9);
    let (acts, _) = audited(&app, me(&place.administrator).await.account_id).await;
    assert!(acts.iter().any(|(action, _)| action == "second_factor.use_recovery_code"), "{acts:?}");

    let proof = json!({ "password": PASSWORD, "code": authenticator.code(app.clock.now()) });
    let renewed = place.administrator.post(RENEW, &proof).await.expect(200).json::<RecoveryCodes>().recovery_codes;
    second_step(&app, &token, &codes[1]).await.expect_problem(422, "/code");
    second_step(&app, &token, &renewed[1]).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_it_takes_password_and_code() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let client = &place.administrator;
    client.post(DISABLE, &json!({ "password": PASSWORD, "code": "123456" })).await.expect(409);
    let (authenticator, codes) = enrol(&app, client).await;
    let now = app.clock.now();
    let proof = |password: &str, code: &str| -> Value { json!({ "password": password, "code": code }) };
    client.post(DISABLE, &proof("wrong wrong wrong", &authenticator.code(now))).await.expect_problem(422, "/password");
    client.post(DISABLE, &proof(PASSWORD, &authenticator.wrong(now))).await.expect_problem(422, "/code");
    sign_in(&app, EMAIL, PASSWORD).await.expect(202);
    client.post(DISABLE, &proof(PASSWORD, &codes[3])).await.expect(204);
    sign_in(&app, EMAIL, PASSWORD).await.expect(201);
    let state = client.get(FACTOR).await.expect(200).json::<SecondFactorState>();
    assert_eq!((state.enabled, state.recovery_codes_left), (false, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_password_takes_a_code_too() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let client = &place.administrator;
    let (authenticator, _) = enrol(&app, client).await;
    let change = async |code: Option<String>| {
        let mut body = json!({ "present_password": PASSWORD, "new_password": "another long password" });
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        client.send(client.request(Method::PUT, "/api/v1/me/password").json(&body)).await
    };
    let missing = change(None).await.expect_problem(422, "/code");
    assert_eq!(missing.errors[0].code, Some(RefusalCode::CodeMissing));
    change(Some(authenticator.wrong(app.clock.now()))).await.expect_problem(422, "/code");
    sign_in(&app, EMAIL, PASSWORD).await.expect(202);
    change(Some(authenticator.code(app.clock.now()))).await.expect(204);
    sign_in(&app, EMAIL, "another long password").await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_one_is_taken_away_by_somebody_else() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    enrol(&app, &place.administrator).await;
    let path = |id: uuid::Uuid| format!("/api/v1/users/{id}/second-factor");
    let lost = user(&place.administrator, EMAIL).await;
    place.administrator.delete(&path(lost.id)).await.expect(409);
    let second = app.member(&place.administrator, "second@first.example", "administrator").await;
    let operator = app.member(&place.administrator, "hana@first.example", "operator").await;
    operator.delete(&path(lost.id)).await.expect(403);
    let stranger = app.administrator(&place.provider, "stranger").await;
    stranger.delete(&path(lost.id)).await.expect(404);
    second.delete(&path(user(&second, "hana@first.example").await.id)).await.expect(404);

    // A link sets the password only: the second factor is still needed.
    let new =
        json!({ "secret": secret_of(&reset_link(&second, lost.id).await), "password": "a new and longer password" });
    app.anonymous().post("/api/v1/password-resets/complete", &new).await.expect(204);
    sign_in(&app, EMAIL, "a new and longer password").await.expect(202);
    second.delete(&path(lost.id)).await.expect(204);
    sign_in(&app, EMAIL, "a new and longer password").await.expect(201);
    let account = me(&second).await.account_id;
    let (acts, _) = audited(&app, account).await;
    let removed = ("second_factor.remove".to_owned(), "second@first.example".to_owned());
    assert!(acts.contains(&removed), "{acts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deactivated_between_the_steps_stays_out() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let email = "hana@first.example";
    let hana = app.member(&place.administrator, email, "operator").await;
    let (authenticator, codes) = enrol(&app, &hana).await;
    let token = sign_in(&app, email, PASSWORD).await.expect(202).json::<SecondFactorNeeded>().second_factor_token;
    let before = user(&place.administrator, email).await;
    let after = change(&place.administrator, &before, json!({ "active": false })).await.expect(200).json();
    for code in [&authenticator.code(app.clock.now()), &codes[0]] {
        second_step(&app, &token, code).await.expect(401);
    }
    // Back again, the same step counts: nothing of it was used up.
    change(&place.administrator, &after, json!({ "active": true })).await.expect(200);
    second_step(&app, &token, &authenticator.code(app.clock.now())).await.expect(201);
}
