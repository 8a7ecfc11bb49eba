//! What mails say: in English and in Japanese, because nobody's language is known before they come.

use chrono::{DateTime, Utc};
use shared::inquiry::InquirySide;
use uuid::Uuid;

/// Something to tell somebody.
#[derive(Debug, Clone, Copy)]
pub enum Letter<'a> {
    /// Somebody was invited.
    Invitation {
        /// By whom.
        invited_by: &'a str,
        /// The path of the link.
        link: &'a str,
        /// Until when it works.
        expires_at: DateTime<Utc>,
    },
    /// Somebody who lost the password gets a link.
    PasswordReset {
        /// The path of the link.
        link: &'a str,
        /// Until when it works.
        expires_at: DateTime<Utc>,
    },
    /// One's password was changed.
    PasswordChanged,
    /// One's second factor was removed.
    SecondFactorRemoved,
    /// Something was written to an inquiry.
    Inquiry {
        /// By which side: the mail goes to the other.
        side: InquirySide,
        /// Which.
        id: Uuid,
        /// What it is about.
        subject: &'a str,
        /// By whom: the account's name, for the provider.
        from: &'a str,
        /// What was written.
        text: &'a str,
    },
}

impl Letter<'_> {
    /// Subject and text; `base` is where the console is.
    pub(super) fn written(&self, base: &str) -> (String, String) {
        let until = |time: &DateTime<Utc>| time.format("%Y-%m-%d %H:%M UTC").to_string();
        match self {
            Self::Invitation { invited_by, link, expires_at } => both(
                "You are invited to Stoplist / Stoplist への招待",
                &format!(
                    "{invited_by} invites you to Stoplist. Choose a password here:\n\n{base}{link}\n\n\
                     The link works until {}.",
                    until(expires_at)
                ),
                &format!(
                    "{invited_by} さんから Stoplist に招待されました。上のリンクを開いて、パスワードを設定してください。\n\
                     リンクの有効期限は {} です。",
                    until(expires_at)
                ),
            ),
            Self::PasswordReset { link, expires_at } => both(
                "Set a new password / パスワードの再設定",
                &format!(
                    "Somebody asked for a new password for this address in Stoplist. Set one here:\n\n{base}{link}\n\n\
                     The link works once, until {}. If it was not you, do nothing: your password stays as it is.",
                    until(expires_at)
                ),
                &format!(
                    "Stoplist で、このメールアドレスのパスワードの再設定が依頼されました。上のリンクを開いて、\
                     新しいパスワードを設定してください。\nリンクは一度だけ、{} まで使えます。\
                     お心当たりがない場合は、何もしないでください。パスワードは変わりません。",
                    until(expires_at)
                ),
            ),
            Self::PasswordChanged => both(
                "Your password was changed / パスワードが変更されました",
                &format!(
                    "Your password for Stoplist was changed, and your other sessions have ended.\n\
                     If it was not you, set a new one at once: {base}/forgot-password"
                ),
                "Stoplist のパスワードが変更され、他のセッションは終了しました。\
                 お心当たりがない場合は、上のリンクからすぐに再設定してください。",
            ),
            Self::SecondFactorRemoved => both(
                "Your second factor was removed / 2 段階認証が解除されました",
                &format!(
                    "Signing in to Stoplist with your address no longer asks for a second factor.\n\
                     If you did not want that, tell your administrator and set it up again: {base}/settings/account"
                ),
                "Stoplist へのサインインで 2 段階認証が求められなくなりました。\
                 お心当たりがない場合は、管理者に連絡し、上のリンクから設定し直してください。",
            ),
            Self::Inquiry { side, id, subject, from, text } => {
                let place = match side {
                    InquirySide::Account => "/provider/inquiries",
                    InquirySide::Provider => "/inquiries",
                };
                let (english, japanese) = match side {
                    InquirySide::Account => (format!("{from} wrote"), format!("{from} からのお問い合わせです。")),
                    InquirySide::Provider => {
                        ("Your provider answered".to_owned(), "プロバイダーから回答がありました。".to_owned())
                    }
                };
                both(
                    &format!("[Stoplist] {subject}"),
                    &format!("{english}:\n\n{}\n\nRead and answer it here: {base}{place}/{id}", quoted(text)),
                    &format!("{japanese}上のリンクから確認し、返信できます。"),
                )
            }
        }
    }
}

fn both(subject: &str, english: &str, japanese: &str) -> (String, String) {
    (subject.to_owned(), format!("{english}\n\n--\n{japanese}\n"))
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_console_and_texts_are_quoted() {
        let (_, text) = Letter::Invitation {
            invited_by: "hana@example.com",
            link: "/invitation#secret",
            expires_at: DateTime::UNIX_EPOCH,
        }
        .written("https://stoplist.example.com");
        assert!(text.contains("\nhttps://stoplist.example.com/invitation#secret\n"), "{text}");
        assert!(text.contains("hana@example.com") && text.contains("1970-01-01 00:00 UTC"), "{text}");
        let inquiry = |side| Letter::Inquiry {
            side,
            id: Uuid::nil(),
            subject: "Downloads",
            from: "Example",
            text: "Please.\nThank you.",
        };
        let (subject, text) = inquiry(InquirySide::Account).written("https://x");
        assert_eq!(subject, "[Stoplist] Downloads");
        assert!(text.contains("> Please.\n> Thank you."), "{text}");
        assert!(text.contains("https://x/provider/inquiries/00000000-"), "{text}");
        assert!(inquiry(InquirySide::Provider).written("https://x").1.contains("https://x/inquiries/00000000-"));
    }
}
