//! Secrets: sealing what a link carries, hashing passwords and opaque tokens.

use super::{Error, Result, passwords::normalised};
use crate::config::PasswordCost;
use anyhow::{Context, anyhow};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};

/// How many passwords are hashed at the same time: each takes 19 MiB and a core for tens of milliseconds.
const HASHES_AT_ONCE: usize = 4;
/// How long a sign-in waits for its turn before it is told to come back.
const HASH_PATIENCE: Duration = Duration::from_secs(5);

/// Seals and opens what links carry, hashes and checks passwords.
pub struct Keys {
    sealing: LessSafeKey,
    hasher: Argon2<'static>,
    /// Of a password nobody has: checked when the user is unknown, so that both answers take the same time.
    nobody: String,
    turns: Semaphore,
    /// Whoever has a turn, or waits for one, by their network, or the user whose browser is known.
    networks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// The right to hash a password.
struct Turn<'a> {
    _among_all: SemaphorePermit<'a>,
    _in_network: OwnedMutexGuard<()>,
}

impl Keys {
    /// Keys that are derived from `secret`; passwords will cost `cost`.
    ///
    /// # Errors
    /// The password hash cannot be computed on this machine.
    pub fn new(secret: &[u8], cost: PasswordCost) -> anyhow::Result<Self> {
        let sealing = Sha256::new().chain_update(b"stoplist sealing key\n").chain_update(secret).finalize();
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, &sealing).map_err(|_| anyhow!("no key of 256 bits"))?;
        let hasher = hasher(cost)?;
        Ok(Self {
            sealing: LessSafeKey::new(sealing),
            nobody: hash_password(&hasher, &random_text())?,
            hasher,
            turns: Semaphore::new(HASHES_AT_ONCE),
            networks: Mutex::default(),
        })
    }

    /// Encrypts and authenticates a text for one purpose (ChaCha20-Poly1305, RFC 8439): a text that may stand in an address,
    /// and so in logs, where nobody shall read what it says.
    ///
    /// # Errors
    /// The text is too long to be encrypted.
    pub fn seal(&self, purpose: &str, text: &str) -> Result<String> {
        // 96 random bits repeat too seldom to matter: after a billion texts once in 10^11.
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let mut sealed = text.as_bytes().to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut sealed)
            .map_err(|_| Error::Internal(anyhow!("cannot encrypt")))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// The text that [`Self::seal`] was given for this purpose; `None`: not ours, changed, or of another purpose.
    pub fn unseal(&self, purpose: &str, sealed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let text = self.sealing.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(purpose), &mut sealed);
        String::from_utf8(text.ok()?.to_vec()).ok()
    }

    /// [`Self::seal`] for a value, as JSON.
    ///
    /// # Errors
    /// As there, or the value is none that JSON knows.
    pub fn seal_json(&self, purpose: &str, value: &impl Serialize) -> Result<String> {
        let text = serde_json::to_string(value).map_err(|error| Error::Internal(error.into()))?;
        self.seal(purpose, &text)
    }

    /// The value that [`Self::seal_json`] was given for this purpose; `None`: as [`Self::unseal`].
    pub fn unseal_json<T: DeserializeOwned>(&self, purpose: &str, sealed: &str) -> Option<T> {
        serde_json::from_str(&self.unseal(purpose, sealed)?).ok()
    }

    /// Hashes a password (argon2id) away from the request threads, for somebody of a network.
    ///
    /// # Errors
    /// [`Error::TooMany`] when too many passwords are being hashed.
    pub async fn hash(&self, network: &str, password: String) -> Result<String> {
        let _turn = self.turn(network).await?;
        let hasher = self.hasher.clone();
        let hash = tokio::task::spawn_blocking(move || hash_password(&hasher, &normalised(&password)))
            .await
            .context("password hashing died");
        hash.and_then(|hash| hash).map_err(Error::Internal)
    }

    /// Checks a password of somebody of a network against a stored hash, or against nobody's, which takes as long and is
    /// always false.
    ///
    /// # Errors
    /// [`Error::TooMany`] when too many passwords are being hashed.
    pub async fn verify(&self, network: &str, password: String, hash: Option<String>) -> Result<bool> {
        let _turn = self.turn(network).await?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let matches = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(normalised(&password).as_bytes(), &hash).is_ok())
        })
        .await
        .map_err(|error| Error::Internal(error.into()))?;
        Ok(known && matches)
    }

    /// A turn. Of each network, or user in known browsers, only one stands in the queue of all: however often somebody
    /// asks, others come next.
    async fn turn(&self, network: &str) -> Result<Turn<'_>> {
        let own = self.own_queue(network);
        let turn = async {
            let in_network = own.lock_owned().await;
            Ok(Turn { _among_all: self.turns.acquire().await?, _in_network: in_network })
        };
        match tokio::time::timeout(HASH_PATIENCE, turn).await {
            Ok(turn) => turn.map_err(|error: tokio::sync::AcquireError| Error::Internal(error.into())),
            Err(_) => Err(Error::TooMany { retry_after: 5 }),
        }
    }

    fn own_queue(&self, network: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        networks.retain(|_, queue| Arc::strong_count(queue) > 1);
        networks.entry(network.to_owned()).or_default().clone()
    }
}

/// argon2id with the parameters of a cost. A hash carries its own, by which it is checked.
fn hasher(cost: PasswordCost) -> anyhow::Result<Argon2<'static>> {
    let params = match cost {
        PasswordCost::Recommended => Params::default(),
        PasswordCost::Least => {
            let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None);
            params.map_err(|error| anyhow!("cannot hash passwords: {error}"))?
        }
    };
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password. Blocks for tens of milliseconds at the recommended cost.
fn hash_password(hasher: &Argon2<'_>, password: &str) -> anyhow::Result<String> {
    let hash = hasher.hash_password(password.as_bytes());
    Ok(hash.map_err(|error| anyhow!("cannot hash a password: {error}"))?.to_string())
}

/// 256 random bits as text.
pub fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A new token of an agent: `sl_` and 256 random bits.
pub fn new_token() -> String {
    format!("sl_{}", random_text())
}

/// How tokens and codes are stored. They are random, so a plain hash suffices.
pub fn token_hash(token: &str) -> String {
    bytes_hash(token.as_bytes())
}

/// SHA-256 in hexadecimal digits.
pub fn bytes_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A code, or a password for somebody who will not choose one: 140 random bits in seven groups of four, without letters
/// that look alike. Nobody finds it by trying, also where a plain hash of it is known (OWASP ASVS 6.5.2, 11.5.1).
pub fn new_code() -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letters = rand::random::<[u8; 28]>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn keys(secret: u8) -> Keys {
        Keys::new(&[secret; 32], PasswordCost::Recommended).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_only_and_says_nothing() {
        let (ours, theirs) = (keys(1), keys(2));
        let text = "q=taro@example.com";
        let sealed = ours.seal("link", text).unwrap();
        assert_eq!(ours.unseal("link", &sealed).as_deref(), Some(text));
        assert_ne!(ours.seal("link", text).unwrap(), sealed, "two links are never alike");
        assert_eq!(ours.unseal("other", &sealed), None);
        assert_eq!(theirs.unseal("link", &sealed), None);
        assert!(!URL_SAFE_NO_PAD.decode(&sealed).unwrap().windows(4).any(|part| part == b"taro"));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(ours.unseal("link", &changed), None, "{at}");
        }
        for short in ["", "A", &sealed[..20]] {
            assert_eq!(ours.unseal("link", short), None);
        }
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_passes() {
        let keys = keys(1);
        let hash = keys.hash("a", "correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(keys.verify("a", "correct horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!keys.verify("a", "wrong horse".to_owned(), Some(hash)).await.unwrap());
        assert!(!keys.verify("a", "correct horse".to_owned(), None).await.unwrap());
    }

    #[tokio::test]
    async fn whoever_asks_often_takes_no_turn_from_another_network() {
        let keys = keys(1);
        let first = keys.turn("a").await.unwrap();
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(keys.turn("a"))).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        let others: Vec<_> = ["b", "c", "d"].map(|other| keys.turn(other).now_or_never()).into_iter().collect();
        assert!(others.iter().all(|turn| matches!(turn, Some(Ok(_)))));
        // All turns are taken: one of each network is next, in the order in which they came.
        let mut next = Box::pin(keys.turn("e"));
        assert!((&mut next).now_or_never().is_none());
        drop(first);
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()), "it came later");
        assert!(matches!((&mut next).now_or_never(), Some(Ok(_))));
        drop((waiting, next, others));
        let _again = keys.turn("a").await.unwrap();
        assert_eq!(keys.networks.lock().unwrap().len(), 1, "nobody is remembered for longer");
    }

    #[test]
    fn a_code_has_seven_groups_of_four() {
        let code = new_code();
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 7], "{code}");
        assert_ne!(code, new_code());
    }
}
