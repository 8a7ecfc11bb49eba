//! Mail addresses and when two spellings are the same one (PRODUCT section 2).

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest address any server accepts, in octets (RFC 5321 section 4.5.3.1.3, without the angle brackets).
pub const MAX_OCTETS: usize = 254;

/// Why a text cannot be a mail address on any server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// There is no `@`.
    #[error("the address has no @")]
    NoAt,
    /// Nothing stands before the last `@`.
    #[error("nothing stands before the @")]
    EmptyLocalPart,
    /// Nothing stands after the last `@`.
    #[error("nothing stands after the @")]
    EmptyDomain,
    /// A control character, a line break for example.
    #[error("the address contains a control character")]
    ControlCharacter,
    /// More than [`MAX_OCTETS`] octets, as written or as key.
    #[error("the address is longer than 254 octets")]
    TooLong,
}

/// What decides whether two spellings are the same address.
///
/// Trimmed; domain in IDNA ASCII form and lower case; local part lower case; quotes removed where they are not
/// needed. Plus-tags and dots are kept (PRODUCT section 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressKey(String);

impl AddressKey {
    /// Takes a text that is already a key, as stored by [`Address::parse`].
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `@`, in ASCII form.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mail address as somebody wrote it, with its key.
///
/// Accepts what real servers issued against RFC 5321, such as `abc..def@…`; rejects only what no server could take.
///
/// ```
/// use shared::Address;
///
/// let address = Address::parse(" Taro.Yamada+news@EXAMPLE.com ")?;
/// assert_eq!(address.spelling(), "Taro.Yamada+news@EXAMPLE.com");
/// assert_eq!(address.key().as_str(), "taro.yamada+news@example.com");
/// assert_eq!(Address::parse("\"taro.yamada+news\"@example.com")?.key(), address.key());
/// # Ok::<(), shared::InvalidAddress>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    spelling: String,
    key: AddressKey,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`InvalidAddress`] says which rule of PRODUCT section 2 the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let spelling = text.trim();
        let (local, domain) = spelling.rsplit_once('@').ok_or(InvalidAddress::NoAt)?;
        if spelling.chars().any(char::is_control) {
            return Err(InvalidAddress::ControlCharacter);
        }
        let domain = domain.trim();
        let local = unquote(local.trim()).to_lowercase();
        if local.is_empty() || local == "\"\"" {
            return Err(InvalidAddress::EmptyLocalPart);
        }
        let domain = ascii_domain(domain);
        if domain.is_empty() {
            return Err(InvalidAddress::EmptyDomain);
        }
        let key = format!("{local}@{domain}");
        if spelling.len() > MAX_OCTETS || key.len() > MAX_OCTETS {
            return Err(InvalidAddress::TooLong);
        }
        Ok(Self { spelling: spelling.to_owned(), key: AddressKey(key) })
    }

    /// Reads an address whose error is "address format error": it may be malformed by any rule and can still be
    /// recorded, shown and blocked (PRODUCT section 2). What [`Self::parse`] refuses for its form has its lower-case
    /// spelling as key.
    ///
    /// # Errors
    /// [`InvalidAddress`] for what cannot be stored or listed, a line a key: control characters, over 254 octets,
    /// nothing at all.
    pub fn parse_malformed(text: &str) -> Result<Self, InvalidAddress> {
        let error = match Self::parse(text) {
            Ok(address) => return Ok(address),
            Err(error) => error,
        };
        let spelling = text.trim();
        let key = spelling.to_lowercase();
        if matches!(error, InvalidAddress::ControlCharacter | InvalidAddress::TooLong) || spelling.is_empty() {
            return Err(error);
        }
        if spelling.chars().any(char::is_control) {
            return Err(InvalidAddress::ControlCharacter);
        }
        if spelling.len() > MAX_OCTETS || key.len() > MAX_OCTETS {
            return Err(InvalidAddress::TooLong);
        }
        Ok(Self { spelling: spelling.to_owned(), key: AddressKey(key) })
    }

    /// The address as it was written, trimmed.
    pub fn spelling(&self) -> &str {
        &self.spelling
    }

    /// The key.
    pub fn key(&self) -> &AddressKey {
        &self.key
    }

    /// Spelling and key.
    pub fn into_parts(self) -> (String, AddressKey) {
        (self.spelling, self.key)
    }
}

/// The ASCII form of a domain without dots at its end; a domain that IDNA refuses (an underscore, an address literal) is
/// only lower-cased, because a mail server may still have reported an error for it.
fn ascii_domain(domain: &str) -> String {
    // IDNA turns other widths of @ into one, and other scripts' full stops into dots.
    let ascii = if domain.is_ascii() { None } else { idna::domain_to_ascii(domain).ok() };
    let ascii = ascii.filter(|ascii| !ascii.contains('@'));
    ascii.unwrap_or_else(|| domain.to_lowercase()).trim_end_matches(|c: char| c == '.' || c.is_whitespace()).to_owned()
}

/// Removes quotes and backslashes that change nothing: `"abc"` is `abc`, `"a b"` stays quoted (RFC 5321 section 4.1.2).
fn unquote(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    let needs_quotes = |c: char| c.is_whitespace() || "\"(),:;<>@[\\]".contains(c);
    if plain.is_empty() || plain.chars().any(needs_quotes) {
        let mut quoted = String::from("\"");
        for c in plain.chars() {
            if c == '"' || c == '\\' {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push('"');
        quoted
    } else {
        plain
    }
}

/// Hides most of an address for logs: `taro.yamada@example.com` becomes `t***@example.com`.
pub fn mask(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", local.chars().take(1).collect::<String>()),
        None => "***".to_owned(),
    }
}

/// Hides an address, and whatever else looks like one, in a text for logs: what a mail server answers about a recipient.
pub fn mask_in(text: &str, address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let outside = |c: char| c.is_whitespace() || "<>()[]{}\"'`,;:".contains(c);
    let masked = |part: &str| {
        let word = part.trim_end_matches(outside);
        let after = &part[word.len()..];
        match word {
            _ if word.len() > 1 && word.contains('@') => format!("{}{after}", mask(word)),
            _ if word.eq_ignore_ascii_case(local) => format!("***{after}"),
            _ => part.to_owned(),
        }
    };
    let between = text.split(address).map(|between| between.split_inclusive(outside).map(masked).collect());
    between.collect::<Vec<String>>().join(&mask(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> String {
        Address::parse(text).expect(text).key().as_str().to_owned()
    }

    #[test]
    fn spellings_of_one_address_share_a_key() {
        for (spelling, expected) in [
            (" Taro@Example.COM ", "taro@example.com"),
            ("taro@example.com.", "taro@example.com"),
            ("taro@example.com..", "taro@example.com"),
            ("taro@日本語。", "taro@xn--wgv71a119e"),
            ("taro@﹫", "taro@﹫"),
            ("\"taro\"@example.com", "taro@example.com"),
            ("\"ta\\ro\"@example.com", "taro@example.com"),
            ("\"ta ro\"@example.com", "\"ta ro\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            ("\"abc..def\"@docomo.example", "abc..def@docomo.example"),
            ("taro@日本語.example", "taro@xn--wgv71a119e.example"),
            ("TARO@XN--WGV71A119E.example", "taro@xn--wgv71a119e.example"),
            ("taro+news@example.com", "taro+news@example.com"),
            ("t.a.r.o@example.com", "t.a.r.o@example.com"),
            ("abc.@carrier.example", "abc.@carrier.example"),
            ("foo@[300.1.2.3]", "foo@[300.1.2.3]"),
            ("foo@bad..test", "foo@bad..test"),
        ] {
            assert_eq!(key(spelling), expected, "{spelling}");
        }
    }

    #[test]
    fn only_what_no_server_takes_is_refused() {
        for (text, expected) in [
            ("taro", InvalidAddress::NoAt),
            ("", InvalidAddress::NoAt),
            ("@example.com", InvalidAddress::EmptyLocalPart),
            ("\"\"@example.com", InvalidAddress::EmptyLocalPart),
            ("taro@", InvalidAddress::EmptyDomain),
            ("taro@.", InvalidAddress::EmptyDomain),
            ("taro@..", InvalidAddress::EmptyDomain),
            ("ta\nro@example.com", InvalidAddress::ControlCharacter),
            ("ta\0ro@example.com", InvalidAddress::ControlCharacter),
        ] {
            assert_eq!(Address::parse(text), Err(expected), "{text:?}");
        }
        let domain = "@example.com";
        let longest = "a".repeat(MAX_OCTETS - domain.len()) + domain;
        assert!(Address::parse(&longest).is_ok());
        assert_eq!(Address::parse(&format!("a{longest}")), Err(InvalidAddress::TooLong));
    }

    #[test]
    fn a_malformed_address_keeps_its_spelling_as_key() {
        for (text, expected) in [("Taro", "taro"), (" foo@ ", "foo@"), ("@Example.com", "@example.com"), ("A@B", "a@b")]
        {
            assert_eq!(Address::parse_malformed(text).unwrap().key().as_str(), expected, "{text:?}");
        }
        assert_eq!(Address::parse_malformed(" "), Err(InvalidAddress::NoAt));
        assert_eq!(Address::parse_malformed("ta\nro"), Err(InvalidAddress::ControlCharacter));
        assert_eq!(Address::parse_malformed(&"a".repeat(255)), Err(InvalidAddress::TooLong));
    }

    #[test]
    fn the_first_spelling_is_kept() {
        assert_eq!(Address::parse("  Taro@Example.COM").unwrap().spelling(), "Taro@Example.COM");
    }

    #[test]
    fn a_mask_keeps_the_domain_only() {
        assert_eq!(mask("taro.yamada@example.com"), "t***@example.com");
        assert_eq!(mask("no address"), "***");
        assert_eq!(mask("@example.com"), "***@example.com");
    }

    #[test]
    fn what_a_mail_server_says_of_an_address_is_hidden() {
        let masked = |text: &str| mask_in(text, "Taro.Yamada@example.com");
        for (said, logged) in [
            (
                "550 5.1.1 <taro.yamada@example.com>: Recipient address rejected",
                "550 5.1.1 <t***@example.com>: Recipient address rejected",
            ),
            ("554 no account (Taro.Yamada@example.com) [0]", "554 no account (T***@example.com) [0]"),
            ("550 User 'taro.yamada' unknown, ask post@example.net", "550 User '***' unknown, ask p***@example.net"),
            ("451 try again @ noon", "451 try again @ noon"),
        ] {
            assert_eq!(masked(said), logged);
        }
        assert_eq!(
            mask_in("no such user: \"ta ro\"@example.com.", "\"ta ro\"@example.com"),
            "no such user: \"***@example.com."
        );
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,40}@\\PC{0,20}") {
            if let Ok(address) = Address::parse(&text) {
                let again = Address::parse(address.key().as_str());
                prop_assert_eq!(again.map(|a| a.into_parts().1), Ok(address.key().clone()));
            }
        }
    }
}
