//! Signing in, staying signed in, signing out.

mod own;

pub use own::{list, revoke, revoke_others};

use super::{
    Actor, Error, Result, accounts,
    authentication::{Identity, Origin},
    devices::{self, Device, Place},
    keys,
    second_factors::{self, Verdict},
    signing_keys::Claims,
    users,
};
use crate::{
    state::AppState,
    store::{
        self, DatabaseTransaction,
        audit::NewAuditEntry,
        sessions::{NewSession, Rotation, Session},
        users::User,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    Address, RefusalCode,
    second_factor::{SecondFactorNeeded, SecondFactorSignIn},
    session::{AccessToken, Me, Role, SignInRequest},
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long an access token is valid. Short, because it travels with every request.
const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How long a session lasts without being refreshed.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(14);
/// However often it is refreshed, a session ends after this, and takes the password again (NIST SP 800-63B-4, AAL1).
const LONGEST_SESSION: TimeDelta = TimeDelta::days(30);
/// How long the refresh token before the present one is honoured: two tabs may refresh at the same moment.
const ROTATION_GRACE: TimeDelta = TimeDelta::seconds(30);

/// How long the second step may take after the first.
const SECOND_STEP_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// What the first step's answer is sealed for.
const SECOND_STEP: &str = "second step of signing in";

/// A session that began or went on.
pub struct Begun {
    /// For the caller's requests.
    pub access_token: AccessToken,
    /// For the cookie; `None`: the cookie stays as it is.
    pub refresh_token: Option<String>,
    /// For the cookie by which the browser is known; `None`: as above.
    pub device_token: Option<String>,
}

/// What a right password leads to.
pub enum SignedIn {
    /// A session.
    Begun(Begun),
    /// The second step.
    SecondFactorNeeded(SecondFactorNeeded),
}

/// What the second step is told of the first.
#[derive(Serialize, Deserialize)]
struct PasswordProven {
    user_id: Uuid,
    /// Which password it was: after a change, the first step is asked for again.
    password: String,
    /// Unix seconds.
    expires_at: i64,
}

/// Signs in, or says that a second factor is needed. Unknown users, wrong passwords and users who may not sign in any more
/// get the same answer after the same time.
///
/// # Errors
/// [`Error::Unauthorized`]; [`Error::TooMany`] after too many wrong passwords, or when too many sign in at once.
pub async fn sign_in(
    state: &AppState,
    request: SignInRequest,
    origin: Origin,
    device: Option<Device>,
) -> Result<SignedIn> {
    let now = state.clock.now();
    let key = Address::parse(&request.email).map_or(request.email, |email| email.key().to_string());
    let user = store::users::find_by_email(state.db.connection(), &key).await?;
    let (hash, known) = (user.as_ref().map(|user| user.password_hash.clone()), user.as_ref().map(|user| user.id));
    let place = Place::of(device, &origin, known);
    let attempt = state.attempts.begin_at(&key, &place, now)?;
    let matches = state.keys.verify(&place.queue(known), request.password, hash).await?;
    let Some(user) = user.filter(|user| matches && user.active) else {
        attempt.wrong();
        tracing::warn!(user = ?known, client = origin.client_address, "a sign-in failed");
        return Err(Error::Unauthorized);
    };
    attempt.right();
    let tx = state.db.begin().await?;
    // While the password was being checked it may have been changed, or the user deactivated: their sessions have ended.
    let unchanged = |now: &User| now.active && now.password_hash == user.password_hash;
    let user = store::users::lock(&tx, user.id).await?.filter(unchanged).ok_or(Error::Unauthorized)?;
    if second_factors::is_enabled(&tx, user.id).await? {
        let expires_at = now + SECOND_STEP_LIFETIME;
        let proven = PasswordProven {
            user_id: user.id,
            password: keys::token_hash(&user.password_hash),
            expires_at: expires_at.timestamp(),
        };
        let second_factor_token = state.keys.seal_json(SECOND_STEP, &proven)?;
        return Ok(SignedIn::SecondFactorNeeded(SecondFactorNeeded { second_factor_token, expires_at }));
    }
    let begun = begin(state, &tx, &user, origin, Proof::Password).await?;
    tx.commit().await?;
    Ok(SignedIn::Begun(begun))
}

/// The second step of signing in.
///
/// # Errors
/// [`Error::Unauthorized`]: the first step was not ours, or does not hold any more. [`Error::Gone`]: it was too long ago.
/// [`Error::Invalid`]: a wrong code. [`Error::TooMany`] after too many of them.
pub async fn sign_in_with_second_factor(
    state: &AppState,
    request: SecondFactorSignIn,
    origin: Origin,
    device: Option<Device>,
) -> Result<Begun> {
    let now = state.clock.now();
    let proven: Option<PasswordProven> = state.keys.unseal_json(SECOND_STEP, &request.second_factor_token);
    let proven = proven.ok_or(Error::Unauthorized)?;
    if proven.expires_at <= now.timestamp() {
        return Err(Error::gone(RefusalCode::TooLate, "this took too long: sign in again"));
    }
    let place = Place::of(device, &origin, Some(proven.user_id));
    let attempt = second_factors::attempt_from(state, proven.user_id, place.as_str(), now)?;
    let tx = state.db.begin().await?;
    let unchanged = |now: &User| now.active && keys::token_hash(&now.password_hash) == proven.password;
    let user = store::users::lock(&tx, proven.user_id).await?.filter(unchanged).ok_or(Error::Unauthorized)?;
    let verdict = second_factors::verify(state, &tx, user.id, &request.code, now).await?;
    let Verdict::Right { recovery_codes_left } = verdict else {
        tx.commit().await?;
        tracing::warn!(user = %user.id, client = origin.client_address, "a second factor was wrong");
        return Err(second_factors::wrong(attempt));
    };
    if let Some(left) = recovery_codes_left {
        let entry = NewAuditEntry {
            after: Some(json!({ "email": user.email, "recovery_codes_left": left })),
            ..users::audit_by(&user, &origin, now, "second_factor.use_recovery_code", user.id.to_string())
        };
        tx.audit(entry);
    }
    let proof = if recovery_codes_left.is_some() { Proof::RecoveryCode } else { Proof::App };
    let begun = begin(state, &tx, &user, origin, proof).await?;
    tx.commit().await?;
    attempt.right();
    Ok(begun)
}

/// By what somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The password alone.
    Password,
    /// The password and a code of an authenticator app.
    App,
    /// The password and a recovery code.
    RecoveryCode,
    /// A link, or the set-up code, that came with a new password.
    Link,
}

impl Proof {
    /// The name in the audit log.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::App => "password and app",
            Self::RecoveryCode => "password and recovery code",
            Self::Link => "link",
        }
    }
}

/// Begins a session of a user whose right to it is proven.
///
/// # Errors
/// The database refused.
pub async fn begin(
    state: &AppState,
    tx: &DatabaseTransaction,
    user: &User,
    origin: Origin,
    proof: Proof,
) -> Result<Begun> {
    let now = state.clock.now();
    let id = Uuid::now_v7();
    let (family, secret) = (keys::random_text(), keys::random_text());
    store::sessions::delete_expired(tx, user.id, now).await?;
    let session = NewSession {
        id,
        user_id: user.id,
        family_hash: keys::token_hash(&family),
        refresh_hash: keys::token_hash(&secret),
        created_at: now,
        expires_at: now + SESSION_LIFETIME,
        client_address: origin.client_address.clone(),
        user_agent: origin.user_agent.clone(),
    };
    store::sessions::insert(tx, session).await?;
    let entry = users::audit_by(user, &origin, now, "session.begin", id.to_string());
    let client = own::session_client(origin.user_agent);
    let after = json!({ "email": user.email, "proven_by": proof.as_str(), "client": client });
    tx.audit(NewAuditEntry { after: Some(after), ..entry });
    let access_token = access_token(state, user.id, id, user.account_id, now)?;
    let device_token = Some(devices::issue(state, user.id, &user.password_hash, now)?);
    Ok(Begun { access_token, refresh_token: Some(format!("{id}.{family}.{secret}")), device_token })
}

/// Makes an access token of a session.
///
/// # Errors
/// Signing failed.
pub fn access_token(
    state: &AppState,
    user_id: Uuid,
    session_id: Uuid,
    account_id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<AccessToken> {
    let expires_at = now + ACCESS_LIFETIME;
    let claims = Claims {
        sub: user_id,
        sid: session_id,
        account: account_id,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    Ok(AccessToken { access_token: state.signer.sign(&claims)?, expires_at })
}

/// Goes on with a session. Each refresh token works once; one that is used again later was stolen, from whomever, so
/// the session ends. It is known again however often it was replaced: all tokens of a session have its family in common.
///
/// It counts for its session, and not for where it comes from: who shares an address with somebody who asks too often is not
/// signed out by that.
///
/// # Errors
/// [`Error::Unauthorized`]: no such session, or it has ended. [`Error::TooMany`].
pub async fn refresh(state: &AppState, refresh_token: &str, origin: Origin) -> Result<Begun> {
    let (id, rest) = refresh_token.split_once('.').ok_or(Error::Unauthorized)?;
    // A token from before there were families has none.
    let (family, secret) = rest.split_once('.').map_or((None, rest), |(family, secret)| (Some(family), secret));
    let id: Uuid = id.parse().map_err(|_| Error::Unauthorized)?;
    let now = state.clock.now();
    // Read outside of a transaction: what is no session of ours does not make others wait for their turn to write.
    let session = store::sessions::find(state.db.connection(), id).await?.ok_or(Error::Unauthorized)?;
    let longest = session.created_at + LONGEST_SESSION;
    if session.expires_at.min(longest) <= now || !session.user.active {
        return Err(Error::Unauthorized);
    }
    let is = |stored: &str, hash: &str| bool::from(stored.as_bytes().ct_eq(hash.as_bytes()));
    let (hash, family_hash) = (keys::token_hash(secret), family.map(keys::token_hash));
    let is_family = session.family_hash.as_deref().zip(family_hash.as_deref()).is_some_and(|(own, its)| is(own, its));
    let is_current = is(&session.refresh_hash, &hash) && (is_family || session.family_hash.is_none());
    let is_previous = session.previous_refresh_hash.as_deref().is_some_and(|previous| is(previous, &hash));
    if !is_current && !is_previous && !is_family {
        return Err(Error::Unauthorized);
    }
    state.limits.session(id)?;
    let refresh_token = if is_current {
        let new_secret = keys::random_text();
        let family = family.map_or_else(keys::random_text, ToOwned::to_owned);
        let rotation = Rotation {
            old_hash: &hash,
            new_hash: &keys::token_hash(&new_secret),
            family_hash: &keys::token_hash(&family),
            now,
            expires_at: longest.min(now + SESSION_LIFETIME),
            client_address: origin.client_address,
            user_agent: origin.user_agent,
        };
        let tx = state.db.begin().await?;
        let is_rotated = store::sessions::rotate(&tx, id, rotation).await?;
        tx.commit().await?;
        // Otherwise another request rotated it between our read and our write: that tab has the new cookie.
        is_rotated.then(|| format!("{id}.{family}.{new_secret}"))
    } else if !is_previous || now - session.rotated_at > ROTATION_GRACE {
        end_reused(state, session, origin, now).await?;
        return Err(Error::Unauthorized);
    } else {
        None
    };
    let account_id = if session.user.role == Role::Provider { session.account_id } else { session.user.account_id };
    let access_token = access_token(state, session.user.id, id, account_id, now)?;
    Ok(Begun { access_token, refresh_token, device_token: None })
}

/// Ends a session whose refresh token was used twice. Nobody knows who was the thief: the log has whose session it was, and
/// from where the token came again.
async fn end_reused(state: &AppState, session: Session, origin: Origin, now: DateTime<Utc>) -> Result<()> {
    let Session { id, user, account_id, is_suspended, .. } = session;
    let tx = state.db.begin().await?;
    if let Some(before) = own::end(&tx, &user, id, now).await? {
        let actor = Actor::User { id: user.id, session_id: id, email: user.email, role: user.role };
        let identity = Identity { account_id, is_suspended, actor, origin };
        if user.role == Role::Provider {
            accounts::record_leaving(&tx, &identity, now).await?;
        }
        let entry = identity.audit(user.account_id, now, "session.end_reused", id.to_string());
        tx.audit(NewAuditEntry { before: Some(before), ..entry });
    }
    tx.commit().await?;
    tracing::warn!(session_id = %id, "a refresh token was used twice: the session is ended");
    Ok(())
}

/// Ends the session.
///
/// # Errors
/// The database refused.
pub async fn sign_out(state: &AppState, identity: &Identity) -> Result<()> {
    let Actor::User { id, session_id, role, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let tx = state.db.begin().await?;
    let user = store::users::find(&tx, id).await?.ok_or(Error::Unauthorized)?;
    store::sessions::delete(&tx, session_id).await?;
    let now = state.clock.now();
    if role == Role::Provider {
        accounts::record_leaving(&tx, identity, now).await?;
    }
    tx.audit(users::about(&user, identity.audit(user.account_id, now, "session.end", session_id.to_string())));
    tx.commit().await?;
    Ok(())
}

/// Says who is signed in.
///
/// # Errors
/// [`Error::Unauthorized`]: nobody.
pub async fn me(state: &AppState, identity: Identity) -> Result<Me> {
    let Actor::User { id, email, role, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let account = match identity.account_id {
        Some(account_id) => store::accounts::find(state.db.connection(), account_id).await?,
        None => None,
    };
    Ok(Me {
        user_id: id,
        email,
        role,
        account_id: account.as_ref().map(|account| account.id),
        downloads_enabled: account.as_ref().is_some_and(|account| account.downloads_enabled),
        plan: account.as_ref().map(|account| account.plan),
        account_suspended: account.as_ref().is_some_and(|account| account.suspended_at.is_some()),
        account_name: account.map(|account| account.name),
    })
}
