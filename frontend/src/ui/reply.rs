//! SMTP replies for reading.

/// A reply with its codes, of which most begin with; `None` where nothing was recorded.
pub fn smtp_reply(code: Option<u16>, status: Option<String>, reply: Option<String>) -> Option<String> {
    let code = code.map(|code| code.to_string());
    let whole = reply.as_ref().zip(code.as_ref()).is_some_and(|(reply, code)| reply.starts_with(code.as_str()));
    let codes = [code, status].into_iter().flatten().filter(|_| !whole);
    let parts: Vec<String> = codes.chain(reply).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::smtp_reply;

    #[test]
    fn codes_stand_before_a_reply_that_lacks_them() {
        let reply = |code, status: Option<&str>, text: Option<&str>| {
            smtp_reply(code, status.map(str::to_owned), text.map(str::to_owned))
        };
        assert_eq!(reply(None, None, None), None);
        assert_eq!(reply(Some(550), Some("5.1.1"), Some("550 5.1.1 No")), Some("550 5.1.1 No".to_owned()));
        assert_eq!(reply(Some(550), Some("5.1.1"), Some("No such user")), Some("550 5.1.1 No such user".to_owned()));
        assert_eq!(reply(None, Some("4.4.7"), None), Some("4.4.7".to_owned()));
    }
}
