//! The first provider account, protected by a one-time code that only the server's operator sees.

use super::{
    Error, Result,
    authentication::Origin,
    keys, passwords,
    sessions::{self, Begun, Proof},
    users,
};
use crate::{
    state::AppState,
    store::{self, Db, audit::NewAuditEntry, service_settings},
};
use serde_json::json;
use shared::{
    RefusalCode,
    session::{Role, SetupRequest, SetupState},
};
use subtle::ConstantTimeEq;

/// Whether the service waits for its first provider account.
///
/// # Errors
/// The database refused.
pub async fn state(db: &Db) -> Result<SetupState> {
    Ok(SetupState { required: !store::users::provider_exists(db.connection()).await? })
}

/// Makes a new one-time code, if one is needed. Only its hash is kept, so each start makes another.
///
/// # Errors
/// The database refused.
pub async fn new_code(db: &Db) -> Result<Option<String>> {
    if !state(db).await?.required {
        return Ok(None);
    }
    let code = keys::new_code();
    service_settings::set(db.connection(), service_settings::SETUP_CODE_HASH, keys::token_hash(&code)).await?;
    Ok(Some(code))
}

/// Makes the first provider and signs it in; the code works once.
///
/// # Errors
/// [`Error::Conflict`]: a provider exists. [`Error::Invalid`]: wrong code or address.
pub async fn complete(state: &AppState, request: SetupRequest, origin: Origin) -> Result<Begun> {
    let email = users::email(&request.email, "/email")?;
    let done = || Error::conflict(RefusalCode::DoneAlready, "the service is set up already: sign in");
    if !self::state(&state.db).await?.required {
        return Err(done());
    }
    let typed = keys::token_hash(&request.code.trim().to_uppercase());
    let expected = service_settings::get(state.db.connection(), service_settings::SETUP_CODE_HASH).await?;
    if !expected.is_some_and(|expected| bool::from(expected.as_bytes().ct_eq(typed.as_bytes()))) {
        return Err(Error::field(
            "/code",
            RefusalCode::WrongSetUpCode,
            "this is not the set-up code that the service printed when it started",
        ));
    }
    passwords::check(&request.password, &email, "/password")?;
    let password_hash = state.keys.hash(&origin.network(), request.password).await?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    // Whoever removes the code has used it: of two at the same time one finds it gone.
    if !service_settings::remove(&tx, service_settings::SETUP_CODE_HASH, &typed).await? {
        return Err(done());
    }
    let user = users::insert(&tx, None, &email, password_hash, Role::Provider, now).await?;
    let entry = users::audit_by(&user, &origin, now, "provider.create", user.id.to_string());
    tx.audit(NewAuditEntry { after: Some(json!({ "email": user.email })), ..entry });
    let begun = sessions::begin(state, &tx, &user, origin, Proof::Link).await?;
    tx.commit().await?;
    Ok(begun)
}
