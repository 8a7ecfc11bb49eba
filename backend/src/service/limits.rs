//! How often may be asked: a request too many is refused with the time after which to come back (RFC 6585 section 4).
//!
//! Each node counts by itself: several nodes behind a load balancer let through as many times more.

use super::{Error, Result, authentication::Identity};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock, clock::DefaultClock};
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};
use uuid::Uuid;

/// An account may ask so many times as often as one of its sessions or tokens.
const ACCOUNT: u32 = 4;
/// A client that nobody knows may ask so many times less often.
const STRANGER: u32 = 10;
/// Requests that may come at once, in seconds of the steady rate.
const BURST: u32 = 10;
/// When so many are remembered, those that have been quiet are forgotten.
const MAX_REMEMBERED: usize = 50_000;

/// Counts requests by session or token, by account, and those of strangers by their address.
pub struct Limits {
    credentials: DefaultKeyedRateLimiter<Uuid>,
    accounts: DefaultKeyedRateLimiter<Uuid>,
    strangers: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limits {
    /// `rate`: requests a second of one session or token.
    pub fn new(rate: NonZeroU32) -> Self {
        let quota = |rate: NonZeroU32| {
            Quota::per_second(rate).allow_burst(rate.saturating_mul(const { NonZeroU32::new(BURST).unwrap() }))
        };
        let stranger = NonZeroU32::new(rate.get() / STRANGER).unwrap_or(NonZeroU32::MIN);
        Self {
            credentials: RateLimiter::keyed(quota(rate)),
            accounts: RateLimiter::keyed(quota(rate.saturating_mul(const { NonZeroU32::new(ACCOUNT).unwrap() }))),
            strangers: RateLimiter::keyed(quota(stranger)),
        }
    }

    /// Counts a request of somebody who is known.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn known(&self, identity: &Identity) -> Result<()> {
        let Some(credential) = identity.actor.credential() else { return Ok(()) };
        count(&self.credentials, credential)?;
        identity.account_id.map_or(Ok(()), |account_id| count(&self.accounts, account_id))
    }

    /// Counts what came with a cookie in place of an access token: for the session, or for the user of a known browser.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn session(&self, id: Uuid) -> Result<()> {
        count(&self.credentials, id)
    }

    /// Counts a request of somebody who is not known: who signs in, follows a link, or has a token that is none.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn stranger(&self, client: IpAddr) -> Result<()> {
        count(&self.strangers, network(client))
    }
}

fn count<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: K) -> Result<()> {
    if limiter.len() > MAX_REMEMBERED {
        limiter.retain_recent();
    }
    limiter.check_key(&key).map_err(|refused| {
        let seconds = refused.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        Error::TooMany { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) }
    })
}

/// Whoever has one IPv6 address has a network of 2^64 of them (RFC 6177).
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Actor, authentication::Origin};
    use shared::session::Scope;

    fn token(id: u128, account: u128) -> Identity {
        Identity {
            account_id: Some(Uuid::from_u128(account)),
            is_suspended: false,
            actor: Actor::Token {
                id: Uuid::from_u128(id),
                name: String::new(),
                scopes: vec![Scope::Read],
                server_configuration_ids: None,
            },
            origin: Origin::default(),
        }
    }

    fn limits() -> Limits {
        Limits::new(NonZeroU32::new(10).unwrap())
    }

    #[test]
    fn a_token_that_asks_too_often_costs_no_other() {
        let limits = limits();
        let asked = (0..200).take_while(|_| limits.known(&token(1, 1)).is_ok()).count();
        assert!((100..150).contains(&asked), "a burst of ten seconds: {asked}");
        let Err(Error::TooMany { retry_after }) = limits.known(&token(1, 1)) else { panic!("refused") };
        assert!((1..=2).contains(&retry_after));
        assert!(limits.known(&token(2, 1)).is_ok());
    }

    #[test]
    fn many_tokens_of_one_account_share_its_limit() {
        let limits = limits();
        let asked = (0..2_000).take_while(|n| limits.known(&token(n % 50, 1)).is_ok()).count();
        assert!((400..600).contains(&asked), "{asked}");
        assert!(limits.known(&token(99, 2)).is_ok(), "another account has its own");
    }

    #[test]
    fn strangers_are_counted_by_their_network() {
        let limits = limits();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let asked = (1..100).take_while(|n| limits.stranger(address(&format!("2001:db8::{n}"))).is_ok()).count();
        assert!((10..20).contains(&asked), "{asked}");
        assert!(limits.stranger(address("2001:db8:0:1::1")).is_ok());
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
