//! Envelope senders that name the recipient (VERP).

/// The recipient that a message was sent to, from its envelope sender, which its bounce messages come to, as Postfix's
/// VERP writes it. `None` for an address that names no recipient.
///
/// ```
/// use bounces::verp_recipient;
///
/// assert_eq!(verp_recipient("bounce+taro=example.com@our.example").as_deref(), Some("taro@example.com"));
/// assert_eq!(verp_recipient("newsletter@our.example"), None);
/// ```
pub fn verp_recipient(envelope_sender: &str) -> Option<String> {
    let (local, _our_domain) = envelope_sender.trim().rsplit_once('@')?;
    // Postfix quotes the whole local part where the recipient's own needs it.
    let quoted = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    let unquoted = quoted.map(|local| local.replace("\\\"", "\"").replace("\\\\", "\\"));
    let (_mailbox, recipient) = unquoted.as_deref().unwrap_or(local).split_once('+')?;
    // A domain has no "=", a local part may.
    let (local, domain) = recipient.rsplit_once('=')?;
    (!local.is_empty() && domain.contains('.')).then(|| format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipient_comes_back_and_other_addresses_name_none() {
        for (envelope_sender, recipient) in [
            ("bounce+taro=example.com@our.example", Some("taro@example.com")),
            ("news-bounce+taro+tag=example.com@our.example", Some("taro+tag@example.com")),
            ("bounce+a=b=example.com@our.example", Some("a=b@example.com")),
            ("\"bounce+\\\"a b\\\"=example.com\"@our.example", Some("\"a b\"@example.com")),
            ("bounce@our.example", None),
            ("bounce+job42-1@our.example", None),
            ("bounce+x=1@our.example", None),
            ("bounce+=example.com@our.example", None),
            ("postmaster", None),
            ("", None),
        ] {
            assert_eq!(verp_recipient(envelope_sender).as_deref(), recipient, "{envelope_sender}");
        }
    }
}
