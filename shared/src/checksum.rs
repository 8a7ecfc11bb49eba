//! The checksum with which service and agent prove that they hold the same list (DESIGN decision 3).

use crate::AddressKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The first 128 bits of the SHA-256 of a key, big-endian: what an agent keeps of an address in memory.
pub fn key_hash(key: &str) -> u128 {
    let digest = Sha256::digest(key.as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(first)
}

/// The sum modulo 2^128 of the hashes of all keys of a list.
///
/// The order of the keys does not matter and a change costs O(1). Written as 32 hexadecimal digits.
///
/// ```
/// use shared::{Address, ListChecksum};
///
/// let (one, other) = (Address::parse("a@example.com")?, Address::parse("b@example.com")?);
/// let mut checksum = ListChecksum::EMPTY;
/// checksum.add(one.key());
/// checksum.add(other.key());
/// checksum.remove(one.key());
/// let mut expected = ListChecksum::EMPTY;
/// expected.add(other.key());
/// assert_eq!(checksum, expected);
/// # Ok::<(), shared::InvalidAddress>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ListChecksum(u128);

impl ListChecksum {
    /// The checksum of the empty list.
    pub const EMPTY: Self = Self(0);

    /// Adds a key that the list did not hold.
    pub fn add(&mut self, key: &AddressKey) {
        self.add_hash(key_hash(key.as_str()));
    }

    /// Removes a key that the list held.
    pub fn remove(&mut self, key: &AddressKey) {
        self.remove_hash(key_hash(key.as_str()));
    }

    /// Adds a key by its [`key_hash`].
    pub fn add_hash(&mut self, hash: u128) {
        self.0 = self.0.wrapping_add(hash);
    }

    /// Removes a key by its [`key_hash`].
    pub fn remove_hash(&mut self, hash: u128) {
        self.0 = self.0.wrapping_sub(hash);
    }

    /// This list and another, disjoint one together.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// This list without a part of it.
    pub fn minus(self, part: Self) -> Self {
        Self(self.0.wrapping_sub(part.0))
    }
}

impl<'a> FromIterator<&'a AddressKey> for ListChecksum {
    fn from_iter<I: IntoIterator<Item = &'a AddressKey>>(keys: I) -> Self {
        let mut sum = Self::EMPTY;
        for key in keys {
            sum.add(key);
        }
        sum
    }
}

impl fmt::Display for ListChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a list checksum has 32 lower-case hexadecimal digits")]
pub struct InvalidChecksum;

impl FromStr for ListChecksum {
    type Err = InvalidChecksum;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(InvalidChecksum);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidChecksum)
    }
}

impl Serialize for ListChecksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListChecksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ListChecksum {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[0-9a-f]{32}$"))
            .description(Some("Sum modulo 2^128 of the first 128 bits of the SHA-256 of each address key"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ListChecksum {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> AddressKey {
        AddressKey::from_stored(text.to_owned())
    }

    #[test]
    fn the_hash_is_what_any_sha256_tool_prints() {
        // printf %s taro@example.com | sha256sum
        assert_eq!(format!("{:032x}", key_hash("taro@example.com")), "3df36ef44a86ba6433126b5899410e5c");
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_removing_undoes_adding(mut keys in prop::collection::hash_set("[a-z]{1,8}@x", 0..20)) {
            let list: Vec<_> = keys.iter().map(|k| key(k)).collect();
            let forward: ListChecksum = list.iter().collect();
            let backward: ListChecksum = list.iter().rev().collect();
            prop_assert_eq!(forward, backward);
            prop_assert_eq!(forward.to_string().parse(), Ok(forward));
            let mut rest = forward;
            for k in keys.drain() { rest.remove(&key(&k)); }
            prop_assert_eq!(rest, ListChecksum::EMPTY);
        }
    }
}
