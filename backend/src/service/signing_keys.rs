//! Signing and reading access tokens, and signing tokens of scripts. The key can be replaced while everybody stays signed in: tokens name their key, and
//! the one before is believed until what it signed has expired.

use super::{Error, Result, authentication::Identity, hs256, keys::random_text};
use crate::store::{
    Db,
    audit::NewAuditEntry,
    signing_keys::{self, StoredKey},
};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{PoisonError, RwLock};
use uuid::Uuid;

/// A key that was replaced so long ago signed nothing that is still valid: longer than an access token lives, and longer
/// than a node takes to hear of the new key.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// What an access token says. Everything else is read from the session at each request, so that a sign-out or a
/// change of rights takes effect at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The account that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Uuid>,
    /// When it was made, in unix seconds.
    pub iat: i64,
    /// Until when it is valid, in unix seconds.
    pub exp: i64,
}

/// The type of an access token, by which it is told from the other (RFC 9068, section 2.1).
const ACCESS: &str = "at+jwt";
/// The type of a script's token.
const SCRIPT: &str = "JWT";

/// What the token of a script says to whoever holds it. The service believes none of it: it finds the token by its hash,
/// so that one that is revoked ends at once, and one that lives for years outlives the key that signed it.
#[derive(Debug, Serialize)]
pub struct ScriptClaims {
    /// The token.
    pub jti: Uuid,
    /// What it may be used for, separated by spaces (RFC 8693, section 4.2).
    pub scope: String,
    /// When it was made, in unix seconds.
    pub iat: i64,
    /// Until when it is valid, in unix seconds; absent: until revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// What nobody can guess, also not with the key.
    pub secret: String,
}

/// The keys as this node knows them.
pub struct Signer(RwLock<Vec<Key>>);

struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// From when on it is not believed; `None`: nothing has replaced it.
    ends_at: Option<DateTime<Utc>>,
}

impl From<(StoredKey, Option<DateTime<Utc>>)> for Key {
    fn from((key, ends_at): (StoredKey, Option<DateTime<Utc>>)) -> Self {
        let secret = key.secret.as_bytes();
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Self { id: key.id, encoding, decoding, ends_at }
    }
}

impl Signer {
    fn new(keys: Vec<StoredKey>) -> Self {
        hs256::install();
        Self(RwLock::new(with_ends(keys).map(Key::from).collect()))
    }

    /// Reads the keys, and makes the first one at the first start.
    ///
    /// # Errors
    /// The database refused.
    pub async fn load(db: &Db, now: DateTime<Utc>) -> Result<Self> {
        if signing_keys::list(db.connection()).await?.is_empty() {
            signing_keys::insert(db.connection(), &new_key(now)).await?;
        }
        Ok(Self::new(signing_keys::list(db.connection()).await?))
    }

    /// Reads the keys again.
    ///
    /// # Errors
    /// The database refused.
    pub async fn reload(&self, db: &Db) -> Result<()> {
        let keys = with_ends(signing_keys::list(db.connection()).await?).map(Key::from).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Signs an access token with the newest key.
    ///
    /// # Errors
    /// There is no key, or signing failed.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        self.encode(ACCESS, claims)
    }

    /// Signs the token of a script with the newest key.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_for_script(&self, claims: &ScriptClaims) -> Result<String> {
        self.encode(SCRIPT, claims)
    }

    fn encode(&self, r#type: &str, claims: &impl Serialize) -> Result<String> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.first().ok_or_else(|| Error::Internal(anyhow::anyhow!("no key signs tokens")))?;
        let typ = Some(r#type.to_owned());
        let header = Header { kid: Some(key.id.clone()), typ, ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(|error| Error::Internal(error.into()))
    }

    /// Whether an access token names a key that this node does not know, and another may.
    pub fn is_unknown(&self, token: &str) -> bool {
        let named = access_header(token).and_then(|header| header.kid);
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        named.is_some_and(|id| keys.iter().all(|key| key.id != id))
    }

    /// Reads an access token; nothing but HS256 with a key of ours is accepted.
    ///
    /// # Errors
    /// [`Error::Unauthorized`]: not ours, changed, or at `now` expired, or of a key that has ended.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        let header = access_header(token).ok_or(Error::Unauthorized)?;
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = keys.iter().find(|key| header.kid.as_deref() == Some(&key.id));
        let key = named.filter(|key| !has_ended(key.ends_at, now)).ok_or(Error::Unauthorized)?;
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would compare with the machine's clock; ours is injected.
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|_| Error::Unauthorized)?.claims;
        if claims.exp <= now.timestamp() { Err(Error::Unauthorized) } else { Ok(claims) }
    }
}

/// Whether a token says that it is a person's access token.
pub fn is_access_token(token: &str) -> bool {
    access_header(token).is_some()
}

fn access_header(token: &str) -> Option<Header> {
    jsonwebtoken::decode_header(token).ok().filter(|header| header.typ.as_deref() == Some(ACCESS))
}

fn new_key(now: DateTime<Utc>) -> StoredKey {
    StoredKey { id: Uuid::now_v7().simple().to_string(), secret: random_text(), created_at: now }
}

/// Keys, newest first, with when they end: [`OVERLAP`] after the next one was made. It is looked at when a key is used, so
/// that it ends in time also where nobody removes it.
fn with_ends(keys: Vec<StoredKey>) -> impl Iterator<Item = (StoredKey, Option<DateTime<Utc>>)> {
    let mut ends_at = None;
    keys.into_iter().map(move |key| {
        let next_ends_at = key.created_at + OVERLAP;
        (key, ends_at.replace(next_ends_at))
    })
}

fn has_ended(ends_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    ends_at.is_some_and(|ends_at| ends_at <= now)
}

/// Removes the keys that have ended.
///
/// # Errors
/// The database refused.
pub async fn remove_ended(db: &Db, now: DateTime<Utc>) -> Result<()> {
    for (key, ends_at) in with_ends(signing_keys::list(db.connection()).await?) {
        if has_ended(ends_at, now) {
            signing_keys::remove(db.connection(), &key.id).await?;
        }
    }
    Ok(())
}

/// Makes a new key, with which every node signs within half a minute. Keys that have ended are removed; with
/// `at_once` all are, because somebody else may know them: every access token ends, and browsers get new ones for their
/// sessions by themselves.
///
/// # Errors
/// The database refused.
pub async fn rotate(db: &Db, now: DateTime<Utc>, at_once: bool) -> Result<()> {
    let transaction = db.begin().await?;
    let mut removed = 0;
    for (key, ends_at) in with_ends(signing_keys::list(&transaction).await?) {
        if at_once || has_ended(ends_at, now) {
            signing_keys::remove(&transaction, &key.id).await?;
            removed += 1;
        }
    }
    let key = new_key(now);
    signing_keys::insert(&transaction, &key).await?;
    transaction.audit(NewAuditEntry {
        actor_name: "command line".to_owned(),
        after: Some(json!({ "removed_keys": removed })),
        ..Identity::system().audit(None, now, "signing_key.rotate", key.id)
    });
    Ok(transaction.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::hmac::{self, HMAC_SHA256, HMAC_SHA512};

    fn signer(keys: &[(&str, &str)]) -> Signer {
        let key = |(id, secret): &(&str, &str)| StoredKey {
            id: (*id).to_owned(),
            secret: (*secret).to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        };
        Signer::new(keys.iter().map(key).collect())
    }

    fn claims(now: DateTime<Utc>) -> Claims {
        Claims {
            sub: Uuid::now_v7(),
            sid: Uuid::now_v7(),
            account: None,
            iat: now.timestamp(),
            exp: now.timestamp() + 60,
        }
    }

    #[test]
    fn an_access_token_reads_back_until_it_expires() {
        let signer = signer(&[("a", "0123456789abcdef0123456789abcdef")]);
        let now = DateTime::UNIX_EPOCH;
        let claims = claims(now);
        let token = signer.sign(&claims).unwrap();
        assert_eq!(signer.read(&token, now).unwrap(), claims);
        assert!(signer.read(&token, now + TimeDelta::seconds(60)).is_err());
    }

    #[test]
    fn the_newest_key_signs_and_the_one_before_is_still_believed() {
        let (old, both) = (signer(&[("a", "one")]), signer(&[("b", "two"), ("a", "one")]));
        let now = DateTime::UNIX_EPOCH;
        let (before, after) = (old.sign(&claims(now)).unwrap(), both.sign(&claims(now)).unwrap());
        assert!(both.read(&before, now).is_ok() && both.read(&after, now).is_ok());
        assert!(old.is_unknown(&after) && !both.is_unknown(&after), "a node that has not heard of it looks again");
        assert!(old.read(&after, now).is_err());
    }

    #[test]
    fn a_key_is_believed_for_an_hour_after_it_was_replaced() {
        let (old, both) = (signer(&[("a", "one")]), signer(&[("b", "two"), ("a", "one")]));
        let now = DateTime::UNIX_EPOCH;
        let claims = Claims { exp: (now + OVERLAP * 2).timestamp(), ..claims(now) };
        let (before, after) = (old.sign(&claims).unwrap(), both.sign(&claims).unwrap());
        assert!(both.read(&before, now + OVERLAP - TimeDelta::seconds(1)).is_ok());
        assert!(both.read(&before, now + OVERLAP).is_err());
        assert!(both.read(&after, now + OVERLAP).is_ok() && old.read(&before, now + OVERLAP).is_ok());
    }

    #[test]
    fn other_keys_and_algorithms_are_refused() {
        let (ours, theirs) = (signer(&[("a", "one")]), signer(&[("a", "other"), ("b", "one")]));
        let now = DateTime::UNIX_EPOCH;
        assert!(ours.read(&theirs.sign(&claims(now)).unwrap(), now).is_err(), "another secret of the same name");
        let signed = |algorithm, kid: Option<&str>| {
            let (kid, typ) = (kid.map(str::to_owned), Some(ACCESS.to_owned()));
            let header = Header { kid, typ, ..Header::new(algorithm) };
            let part = |json: serde_json::Result<Vec<u8>>| URL_SAFE_NO_PAD.encode(json.unwrap());
            let said = format!("{}.{}", part(serde_json::to_vec(&header)), part(serde_json::to_vec(&claims(now))));
            let hash = if algorithm == Algorithm::HS512 { HMAC_SHA512 } else { HMAC_SHA256 };
            let signature = hmac::sign(&hmac::Key::new(hash, b"one"), said.as_bytes());
            format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature))
        };
        assert!(ours.read(&signed(Algorithm::HS256, Some("a")), now).is_ok());
        assert!(ours.read(&signed(Algorithm::HS512, Some("a")), now).is_err(), "only HS256 is accepted");
        assert!(ours.read(&signed(Algorithm::HS256, Some("b")), now).is_err(), "no such key");
        assert!(ours.read(&signed(Algorithm::HS256, None), now).is_err(), "no key is named");
        // {"alg":"none","kid":"a","typ":"at+jwt"} and a signature that is none.
        let unsigned = signed(Algorithm::HS256, Some("a"));
        let body = unsigned.split('.').nth(1).unwrap();
        assert!(ours.read(&format!("eyJhbGciOiJub25lIiwia2lkIjoiYSIsInR5cCI6ImF0K2p3dCJ9.{body}."), now).is_err());
    }
}
