//! The addresses that bounce messages come to, which may name the recipient (VERP).

/// An address that a bounce message came to: the envelope sender of the message that failed.
///
/// ```
/// use bounces::BounceAddress;
///
/// let address = BounceAddress::parse("bounce+taro=example.com@our.example").unwrap();
/// assert_eq!((address.mailbox.as_str(), address.sent_to.as_deref()), ("bounce", Some("taro@example.com")));
/// assert_eq!(BounceAddress::parse("bounce@our.example").unwrap().sent_to, None);
/// assert_eq!(BounceAddress::parse("bounce+job42@our.example"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BounceAddress {
    /// What stands before the `+` or the `@`. Anybody can write a bounce message: only who knows this name is believed.
    pub mailbox: String,
    /// Whom the failed message was sent to, as Postfix's VERP writes it; `None` for the mailbox alone.
    pub sent_to: Option<String>,
}

impl BounceAddress {
    /// Takes an address apart. `None` where something behind the `+` names no recipient.
    pub fn parse(address: &str) -> Option<Self> {
        let (local, _our_domain) = address.trim().rsplit_once('@')?;
        // Postfix quotes the whole local part where the recipient's own needs it.
        let quoted = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
        let unquoted = quoted.map(|local| local.replace("\\\"", "\"").replace("\\\\", "\\"));
        let local = unquoted.as_deref().unwrap_or(local);
        let Some((mailbox, recipient)) = local.split_once('+') else {
            return Some(Self { mailbox: local.to_owned(), sent_to: None });
        };
        // A domain has no "=", a local part may.
        let (user, domain) = recipient.rsplit_once('=')?;
        let names_somebody = !user.is_empty() && domain.contains('.');
        names_somebody.then(|| Self { mailbox: mailbox.to_owned(), sent_to: Some(format!("{user}@{domain}")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailbox_and_recipient_come_back_and_what_names_neither_is_none() {
        for (address, mailbox, recipient) in [
            ("bounce+taro=example.com@our.example", "bounce", Some("taro@example.com")),
            ("news-bounce+taro+tag=example.com@our.example", "news-bounce", Some("taro+tag@example.com")),
            ("bounce+a=b=example.com@our.example", "bounce", Some("a=b@example.com")),
            ("\"bounce+\\\"a b\\\"=example.com\"@our.example", "bounce", Some("\"a b\"@example.com")),
            ("bounce@our.example", "bounce", None),
        ] {
            let parsed = BounceAddress::parse(address).unwrap();
            assert_eq!((parsed.mailbox.as_str(), parsed.sent_to.as_deref()), (mailbox, recipient), "{address}");
        }
        for address in [
            "bounce+job42-1@our.example",
            "bounce+x=1@our.example",
            "bounce+=example.com@our.example",
            "postmaster",
            "",
        ] {
            assert_eq!(BounceAddress::parse(address), None, "{address}");
        }
    }
}
