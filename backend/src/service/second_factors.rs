//! The second factor of a user: codes of an authenticator app, each good for once, and ten recovery codes for when it is
//! lost (NIST SP 800-63B-4 sections 3.1.4 and 4.2.1.1).

use super::{
    Actor, Error, Result,
    attempts::Attempt,
    authentication::Identity,
    keys,
    mails::{self, Letter},
    passwords, totp,
    users::{self, Realm},
};
use crate::{
    state::AppState,
    store::{self, ConnectionTrait, audit::NewAuditEntry, users::User},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use qrcode::{QrCode, render::svg};
use serde_json::json;
use shared::{
    RefusalCode,
    second_factor::{
        BeginSecondFactor, ConfirmSecondFactor, RecoveryCodes, SecondFactorProof, SecondFactorSecret, SecondFactorState,
    },
};
use uuid::Uuid;

/// What apps show beside the user's address.
const ISSUER: &str = "Stoplist";
/// How many recovery codes are made.
const RECOVERY_CODES: usize = 10;
/// After so many wrong codes in a row, from wherever, one is tried each [`PAUSE`] (NIST SP 800-63B-4 section 3.2.2). Only
/// who knows the password comes so far, and recovery codes, which nobody guesses, go on working.
const MAX_FAILURES: i64 = 100;
/// How long the app's codes are refused then.
const PAUSE: TimeDelta = TimeDelta::hours(1);

/// What a user's code was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Right; so many recovery codes are left if it was one of them.
    Right {
        /// Of those.
        recovery_codes_left: Option<i64>,
    },
    /// Wrong, or used already.
    Wrong,
}

/// Whether one's own account has a second factor.
///
/// # Errors
/// The database refused.
pub async fn show(state: &AppState, identity: &Identity) -> Result<SecondFactorState> {
    let id = own_id(identity)?;
    let connection = state.db.connection();
    let factor = store::second_factors::find(connection, id).await?;
    let left = store::second_factors::recovery_codes_left(connection, id).await?;
    let enabled_at = factor.and_then(|factor| factor.confirmed_at);
    Ok(SecondFactorState {
        enabled: enabled_at.is_some(),
        enabled_at,
        recovery_codes_left: u32::try_from(left).unwrap_or(0),
    })
}

/// Makes a secret for one's authenticator app. It has no effect until a code of it is confirmed.
///
/// # Errors
/// [`Error::Invalid`]: a wrong password. [`Error::Conflict`]: there is a second factor already.
pub async fn begin(state: &AppState, identity: &Identity, request: BeginSecondFactor) -> Result<SecondFactorSecret> {
    let (user, _) = passwords::prove(state, identity, request.password, "/password").await?;
    let now = state.clock.now();
    let secret = rand::random();
    let tx = state.db.begin().await?;
    passwords::still_proven(&tx, &user, "/password").await?;
    let sealed = state.keys.seal(&purpose(user.id), &BASE64.encode(secret))?;
    if !store::second_factors::put(&tx, user.id, &sealed, now).await? {
        return Err(Error::conflict(RefusalCode::DoneAlready, "you have a second factor already: remove it first"));
    }
    let entry = identity.audit(user.account_id, now, "second_factor.begin", user.id.to_string());
    tx.audit(users::about(&user, entry));
    tx.commit().await?;
    let secret = totp::base32(&secret);
    let otpauth_uri = totp::uri(&secret, ISSUER, &user.email);
    let qr_code = QrCode::new(&otpauth_uri).map_err(|error| Error::Internal(error.into()))?;
    let qr_code = qr_code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(SecondFactorSecret { secret, otpauth_uri, qr_code })
}

/// Puts one's second factor in effect with a code of the app, and makes recovery codes.
///
/// # Errors
/// [`Error::Invalid`]: a wrong code. [`Error::Conflict`]: nothing was begun, or it is in effect already.
pub async fn confirm(state: &AppState, identity: &Identity, request: ConfirmSecondFactor) -> Result<RecoveryCodes> {
    let id = own_id(identity)?;
    let now = state.clock.now();
    let attempt = attempt(state, identity, now)?;
    let tx = state.db.begin().await?;
    let user = store::users::lock(&tx, id).await?.ok_or(Error::Unauthorized)?;
    let factor = store::second_factors::find(&tx, id).await?;
    if factor.is_none_or(|factor| factor.confirmed_at.is_some()) {
        return Err(Error::conflict(RefusalCode::NotReady, "begin with the second factor first"));
    }
    if !matches!(check_app(state, &tx, id, &request.code, now).await?, Verdict::Right { .. }) {
        tx.commit().await?;
        return Err(wrong(attempt));
    }
    store::second_factors::confirm(&tx, id, now).await?;
    let codes = new_recovery_codes(&tx, id).await?;
    let entry = identity.audit(user.account_id, now, "second_factor.enable", id.to_string());
    tx.audit(users::about(&user, entry));
    tx.commit().await?;
    attempt.right();
    Ok(codes)
}

/// Makes new recovery codes; the ones until now stop working.
///
/// # Errors
/// [`Error::Invalid`]: a wrong password or code. [`Error::Conflict`]: there is no second factor.
pub async fn renew_recovery_codes(
    state: &AppState,
    identity: &Identity,
    proof: SecondFactorProof,
) -> Result<RecoveryCodes> {
    let change = async |tx: &store::DatabaseTransaction, user: &User| new_recovery_codes(tx, user.id).await;
    change_own(state, identity, proof, "second_factor.renew_recovery_codes", change).await
}

/// Removes one's own second factor.
///
/// # Errors
/// As [`renew_recovery_codes`].
pub async fn disable(state: &AppState, identity: &Identity, proof: SecondFactorProof) -> Result<()> {
    let change = async |tx: &store::DatabaseTransaction, user: &User| {
        store::second_factors::remove(tx, user.id).await?;
        Ok(())
    };
    change_own(state, identity, proof, "second_factor.disable", change).await
}

/// Changes one's own second factor after password and code.
async fn change_own<T>(
    state: &AppState,
    identity: &Identity,
    proof: SecondFactorProof,
    action: &'static str,
    change: impl AsyncFnOnce(&store::DatabaseTransaction, &User) -> Result<T>,
) -> Result<T> {
    let (user, _) = passwords::prove(state, identity, proof.password, "/password").await?;
    let now = state.clock.now();
    let attempt = attempt(state, identity, now)?;
    let tx = state.db.begin().await?;
    passwords::still_proven(&tx, &user, "/password").await?;
    if !is_enabled(&tx, user.id).await? {
        return Err(Error::conflict(RefusalCode::DoneAlready, "you have no second factor"));
    }
    if verify(state, &tx, user.id, &proof.code, now).await? == Verdict::Wrong {
        tx.commit().await?;
        return Err(wrong(attempt));
    }
    let changed = change(&tx, &user).await?;
    tx.audit(users::about(&user, identity.audit(user.account_id, now, action, user.id.to_string())));
    tx.commit().await?;
    attempt.right();
    Ok(changed)
}

/// Takes away the second factor of a user who has lost it.
///
/// # Errors
/// [`Error::NotFound`]: none of these users, or no second factor. [`Error::Conflict`]: one's own takes password and code.
pub async fn remove(state: &AppState, realm: &Realm, user_id: Uuid) -> Result<()> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let user = realm.lock(&tx).await?.into_iter().find(|user| user.id == user_id).ok_or(Error::NotFound)?;
    if realm.manager_id() == Some(user_id) {
        return Err(Error::conflict(
            RefusalCode::OwnUser,
            "remove your own second factor in your account, with password and code",
        ));
    }
    if !store::second_factors::remove(&tx, user_id).await? {
        return Err(Error::NotFound);
    }
    let entry = NewAuditEntry {
        before: Some(json!({ "email": user.email, "second_factor": user.second_factor })),
        ..realm.audit(now, "second_factor.remove", user_id.to_string())
    };
    tx.audit(entry);
    mails::post(state, &tx, &user.email, &Letter::SecondFactorRemoved).await?;
    mails::commit(state, tx).await
}

/// Whether signing in takes a second factor.
///
/// # Errors
/// The database refused.
pub(super) async fn is_enabled(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<bool> {
    let factor = store::second_factors::find(connection, user_id).await?;
    Ok(factor.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Checks a code of the app or a recovery code of a user whose row is locked, and uses it up. Commit also after a wrong
/// one: it was counted.
///
/// # Errors
/// [`Error::TooMany`] after too many wrong codes of the app.
pub(super) async fn verify(
    state: &AppState,
    tx: &impl ConnectionTrait,
    user_id: Uuid,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Verdict> {
    let typed = typed(code);
    if is_of_app(&typed) {
        return check_app(state, tx, user_id, &typed, now).await;
    }
    if store::second_factors::spend_recovery_code(tx, user_id, &keys::token_hash(&typed)).await? {
        store::second_factors::forgive(tx, user_id).await?;
        let left = store::second_factors::recovery_codes_left(tx, user_id).await?;
        return Ok(Verdict::Right { recovery_codes_left: Some(left) });
    }
    Ok(Verdict::Wrong)
}

async fn check_app(
    state: &AppState,
    tx: &impl ConnectionTrait,
    user_id: Uuid,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Verdict> {
    let factor = store::second_factors::find(tx, user_id).await?.ok_or(Error::Unauthorized)?;
    let resumes_at = factor.failed_at + PAUSE;
    if factor.failures >= MAX_FAILURES && now < resumes_at {
        let retry_after = u32::try_from((resumes_at - now).num_seconds() + 1).unwrap_or(u32::MAX);
        return Err(Error::TooMany { retry_after });
    }
    let secret = state.keys.unseal(&purpose(user_id), &factor.secret).and_then(|text| BASE64.decode(text).ok());
    let secret = secret.ok_or_else(|| Error::Internal(anyhow::anyhow!("a second factor of another signing key")))?;
    let step = totp::step_of(&secret, &typed(code), now);
    if let Some(step) = step
        && store::second_factors::spend_step(tx, user_id, step).await?
    {
        return Ok(Verdict::Right { recovery_codes_left: None });
    }
    store::second_factors::fail(tx, user_id, now).await?;
    Ok(Verdict::Wrong)
}

/// A try of a code in a session.
fn attempt<'a>(state: &'a AppState, identity: &Identity, now: DateTime<Utc>) -> Result<Attempt<'a>> {
    let Actor::User { id, session_id, .. } = identity.actor else { return Err(Error::Unauthorized) };
    attempt_from(state, id, &session_id.to_string(), now)
}

/// A try of a code of a user from somewhere: wrong ones slow down only who sends them.
///
/// # Errors
/// [`Error::TooMany`] after too many wrong codes from there.
pub(super) fn attempt_from<'a>(
    state: &'a AppState,
    user_id: Uuid,
    from: &str,
    now: DateTime<Utc>,
) -> Result<Attempt<'a>> {
    state.attempts.begin(&format!("second factor of {user_id}"), from, now)
}

/// A code was wrong.
pub(super) fn wrong(attempt: Attempt<'_>) -> Error {
    attempt.wrong();
    Error::field("/code", RefusalCode::WrongCode, "this code is not right, or was used already: wait for the next one")
}

/// A code without the spaces and dashes, the case and the width that people type it with.
fn typed(code: &str) -> String {
    passwords::normalised(code).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

/// Whether a code is of the app, and not a recovery code.
fn is_of_app(typed: &str) -> bool {
    typed.len() == 6 && typed.bytes().all(|byte| byte.is_ascii_digit())
}

async fn new_recovery_codes(tx: &impl ConnectionTrait, user_id: Uuid) -> Result<RecoveryCodes> {
    let recovery_codes: Vec<String> = (0..RECOVERY_CODES).map(|_| keys::new_code()).collect();
    let hashes: Vec<String> = recovery_codes.iter().map(|code| keys::token_hash(&typed(code))).collect();
    store::second_factors::replace_recovery_codes(tx, user_id, &hashes).await?;
    Ok(RecoveryCodes { recovery_codes })
}

/// What a secret is sealed for: nobody can put it in the place of another user's.
fn purpose(user_id: Uuid) -> String {
    format!("second factor of {user_id}")
}

fn own_id(identity: &Identity) -> Result<Uuid> {
    identity.actor.id().filter(|_| identity.is_user()).ok_or(Error::Unauthorized)
}
