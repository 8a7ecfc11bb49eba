//! The bounce messages of mail systems that write for people only, qmail for example.

use crate::dsn::paragraphs;
use regex::Regex;
use std::sync::LazyLock;

/// A permanent refusal that a text quotes.
pub(crate) struct Refusal {
    /// The enhanced status code, where the text gives it apart from the reply.
    pub(crate) status: Option<String>,
    /// The reply, or what the mail system says instead.
    pub(crate) text: String,
}

/// The first permanent refusal in a text, above the copy of the message that came back.
pub(crate) fn refusal(text: &str) -> Option<Refusal> {
    // A reply such as `550 5.1.1 User unknown`, or qmail's own `no mailbox here by that name. (#5.1.1)`.
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[\s:(])(5[0-9]{2}[ -]\s*#?(?:5\.[0-9]{1,3}\.[0-9]{1,3}\b|[[:alpha:]<]).*)").expect("constant")
    });
    static OWN_WORDS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(.*)\(#(5\.[0-9]{1,3}\.[0-9]{1,3})\)").expect("constant"));
    let above: Vec<_> = text.lines().take_while(|line| !line.trim_start().starts_with("---")).collect();
    paragraphs(&above.join("\n")).iter().find_map(|paragraph| {
        let paragraph = paragraph.join(" ");
        if let Some(quoted) = QUOTED.captures(&paragraph) {
            return Some(Refusal { status: None, text: quoted[1].to_owned() });
        }
        let own = OWN_WORDS.captures(&paragraph)?;
        // The address comes first, on a line of its own: `<address>:`.
        let words = own[1].split_once(">: ").map_or(&own[1], |(_, words)| words).trim();
        Some(Refusal { status: Some(own[2].to_owned()), text: words.to_owned() })
    })
}
