//! Relays that only have a message on its way, such as a content filter.

use std::{net::IpAddr, str::FromStr};

/// How Postfix begins to say which server it could not deliver to. What the server itself said comes later.
const FAILURES: [&str; 6] = [
    "connect to ",
    "lost connection with ",
    "conversation with ",
    "host ",
    "Host or domain name not found. Name service error for name=",
    "unable to look up host ",
];

/// A server that Postfix hands messages to, by the name that the log has for it behind `relay=`.
///
/// ```
/// use bounces::postfix::Relay;
///
/// for relay in ["127.0.0.1[127.0.0.1]:10024", "127.0.0.1:10024", "[::1]:10024", "mx.example[private/scan]"] {
///     assert!(relay.parse::<Relay>().is_ok());
/// }
/// assert!("127.0.0.1".parse::<Relay>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// What stands before the brackets; without an `address`, this or what stands in them.
    name: String,
    /// The network address or the socket's path in the brackets.
    address: Option<String>,
    /// A socket has none.
    port: Option<u16>,
}

/// The text is no `relay=` of smtp(8) or lmtp(8), nor host and port of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no relay that Postfix logs when it delivers by SMTP or LMTP")]
pub struct InvalidRelay(pub String);

impl FromStr for Relay {
    type Err = InvalidRelay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).filter(Self::can_be_logged).ok_or_else(|| InvalidRelay(text.to_owned()))
    }
}

impl Relay {
    fn read(text: &str) -> Option<Self> {
        if let Some((name, address, port)) = parts(text).filter(|(name, ..)| !name.is_empty()) {
            return Some(Self { name: name.to_owned(), address: Some(address.to_owned()), port });
        }
        let (host, port) = text.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        // Without brackets nobody can tell where an IPv6 address ends.
        if bracketed.is_none() && host.contains(':') {
            return None;
        }
        Some(Self { name: bracketed.unwrap_or(host).to_owned(), address: None, port: Some(port.parse().ok()?) })
    }

    fn can_be_logged(&self) -> bool {
        let has_port = self.port.is_some_and(|port| port != 0);
        let fits = match &self.address {
            None => has_port,
            Some(address) if address.parse::<IpAddr>().is_ok() => has_port,
            Some(path) => path.contains('/') && self.port.is_none(),
        };
        fits && is_host(&self.name)
    }

    /// Whether the value of a `relay=` names this one.
    pub(super) fn is(&self, logged: &str) -> bool {
        parts(logged).is_some_and(|(name, address, port)| port == self.port && self.has(name, address))
    }

    /// Whether Postfix says that it failed at this relay where it logs `relay=none`: it could not connect or find the
    /// name, or failed with another message and spares this one the attempt.
    pub(crate) fn failed_in(&self, text: &str) -> bool {
        let text = text.strip_prefix("delivery temporarily suspended: ").unwrap_or(text);
        let Some(server) = FAILURES.iter().find_map(|words| text.strip_prefix(words)) else { return false };
        let server = server.split(' ').next().unwrap_or_default().trim_end_matches(':');
        match parts(server) {
            // These words have a port only where there was no connection.
            Some((name, address, port)) => (port.is_none() || port == self.port) && self.has(name, address),
            None => is_same(&self.name, server),
        }
    }

    fn has(&self, name: &str, address: &str) -> bool {
        match &self.address {
            Some(own) => is_same(&self.name, name) && is_same(own, address),
            None => is_same(&self.name, name) || is_same(&self.name, address),
        }
    }
}

/// `name[address]:port` or `name[address]`.
fn parts(text: &str) -> Option<(&str, &str, Option<u16>)> {
    let (name, rest) = text.split_once('[')?;
    let (address, port) = rest.rsplit_once(']')?;
    if port.is_empty() {
        return Some((name, address, None));
    }
    Some((name, address, Some(port.strip_prefix(':')?.parse().ok()?)))
}

fn is_host(text: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || "._-".contains(c);
    // Digits and dots alone are an address with a mistake.
    text.parse::<IpAddr>().is_ok() || (text.chars().all(is_of_name) && text.contains(char::is_alphabetic))
}

/// Names in any case, network addresses in any spelling.
fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || matches!((one.parse::<IpAddr>(), other.parse::<IpAddr>()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(text: &str) -> Relay {
        text.parse().unwrap()
    }

    #[test]
    fn the_whole_value_or_host_and_port_name_a_relay() {
        for (text, logged, is_it) in [
            ("127.0.0.1[127.0.0.1]:10024", "127.0.0.1[127.0.0.1]:10024", true),
            ("127.0.0.1[127.0.0.1]:10024", "localhost[127.0.0.1]:10024", false),
            ("127.0.0.1[127.0.0.1]:10024", "127.0.0.1[127.0.0.1]:10025", false),
            ("127.0.0.1:10024", "127.0.0.1[127.0.0.1]:10024", true),
            ("127.0.0.1:10024", "amavis[127.0.0.1]:10024", true),
            ("[127.0.0.1]:10024", "amavis[127.0.0.1]:10024", true),
            ("127.0.0.1:10024", "amavis[127.0.0.1]:1002", false),
            ("127.0.0.1:10024", "amavis[127.0.0.11]:10024", false),
            ("127.0.0.1:10024", "none", false),
            ("127.0.0.1:10024", "", false),
            ("Amavis:10024", "amavis[172.18.0.3]:10024", true),
            ("amavis:10024", "amavis.example.com[172.18.0.3]:10024", false),
            ("[::1]:10024", "localhost[::1]:10024", true),
            ("[0:0::1]:10024", "::1[::1]:10024", true),
            ("::1[::1]:10024", "::1[::1]:10024", true),
            ("[::1]:10024", "localhost[127.0.0.1]:10024", false),
            ("mx.example[private/scan]", "mx.example[private/scan]", true),
            ("mx.example[private/scan]", "mx.example[private/dovecot-lmtp]", false),
            ("mx.example:24", "mx.example[private/scan]", false),
        ] {
            assert_eq!(relay(text).is(logged), is_it, "{text}: {logged}");
        }
    }

    #[test]
    fn what_no_line_of_the_log_can_have_is_refused() {
        for text in [
            "",
            "none",
            "filter",
            "127.0.0.1",
            "[127.0.0.1]",
            "127.0.0.1[127.0.0.1]",
            "::1:10024",
            "127.0.0.1:smtp",
            "127.0.0.1:0",
            "127.0.0.1:70000",
            "127.0.0.256:10024",
            " 127.0.0.1:10024",
            ":10024",
            "[]:10024",
            "relay=127.0.0.1[127.0.0.1]:10024",
            "127.0.0.1[127.0.0.1]:10024,",
            "amavis[localhost]:10024",
            "smtp-amavis:[127.0.0.1]:10024",
            "inet:127.0.0.1:10024",
            "unix:private/scan",
            "private/scan",
            "mx.example[private/scan]:24",
        ] {
            assert_eq!(text.parse::<Relay>(), Err(InvalidRelay(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn postfix_names_the_relay_that_it_could_not_reach() {
        for (text, said, is_it) in [
            ("127.0.0.1:10024", "connect to 127.0.0.1[127.0.0.1]:10024: Connection refused", true),
            ("127.0.0.1:10024", "connect to 127.0.0.1[127.0.0.1]:2526: Connection refused", false),
            ("127.0.0.1:10024", "connect to mx.x.test[192.0.2.1]:25: Connection timed out", false),
            ("127.0.0.1:10024", "lost connection with 127.0.0.1[127.0.0.1] while receiving the greeting", true),
            ("127.0.0.1:10024", "conversation with 127.0.0.1[127.0.0.1] timed out while sending RCPT TO", true),
            ("127.0.0.1:10024", "host mx.x.test[192.0.2.1] said: 450 host 127.0.0.1[127.0.0.1] is down", false),
            ("amavis:10024", "unable to look up host amavis: Name or service not known", true),
            ("amavis:10024", "Blocked by Stoplist: address keeps failing", false),
            ("mx.x[private/scan]", "connect to mx.x[private/scan]: No such file or directory", true),
        ] {
            assert_eq!(relay(text).failed_in(said), is_it, "{text}: {said}");
            let suspended = format!("delivery temporarily suspended: {said}");
            assert_eq!(relay(text).failed_in(&suspended), is_it, "{text}: {suspended}");
        }
        let unknown = "Host or domain name not found. Name service error for name=amavis type=A: Host not found";
        assert!(relay("amavis:10024").failed_in(unknown) && relay("amavis[172.18.0.3]:10024").failed_in(unknown));
        assert!(!relay("amavis:10024").failed_in(&unknown.replace("amavis", "amavis.example.com")));
    }
}
