//! Settings that work, and that somebody may not have meant so.

use super::Settings;

impl Settings {
    /// What may be meant, but lets others read on the way: for the log, and for `doctor`.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![];
        if self.tls.is_none() && self.trusted_proxies.is_empty() && !self.listen.ip().is_loopback() {
            warnings.push(format!(
                "listening on {} without TLS: set tls_certificate and tls_key, or put a proxy in front and name it in \
                 trusted_proxies",
                self.listen
            ));
        }
        let is_here = |url: &str| {
            ["@localhost", "@127.0.0.1", "@[::1]", "//localhost", "//127.0.0.1", "//[::1]"]
                .iter()
                .any(|here| url.contains(here))
        };
        if self.is_postgres() && !is_here(&self.database_url) && !self.database_url.contains("sslmode=verify-full") {
            warnings.push(
                "the connection to PostgreSQL is not proven: add ?sslmode=verify-full to database_url".to_owned(),
            );
        }
        if let Some(mail) = &self.mail {
            if mail.smtp_url.starts_with("smtp:") && !is_here(&mail.smtp_url) && !mail.smtp_url.contains("tls=required")
            {
                warnings.push("mail is sent without TLS: use smtps://, or smtp:// with ?tls=required".to_owned());
            }
            if mail.public_url.starts_with("https:") && self.tls.is_none() && self.trusted_proxies.is_empty() {
                warnings.push(
                    "browsers come by https://, so through a proxy, which trusted_proxies does not name: all of them count as \
                     one client, and wrong passwords of one slow down all: set trusted_proxies"
                        .to_owned(),
                );
            }
            if mail.public_url.starts_with("http:") && !is_here(&mail.public_url) {
                warnings.push("links in mails lead to http://: set public_url to an address with https://".to_owned());
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MailSettings;

    #[test]
    fn what_others_could_read_on_the_way_is_warned_of() {
        let mut settings = Settings::in_folder("/nowhere");
        assert_eq!(settings.warnings(), Vec::<String>::new());
        settings.listen = "0.0.0.0:80".parse().unwrap();
        settings.database_url = "postgres://me:x@db.example.com/x".to_owned();
        settings.mail = Some(MailSettings {
            smtp_url: "smtp://mail.example.com".to_owned(),
            from: "a@example.com".to_owned(),
            public_url: "http://stoplist.example.com".to_owned(),
        });
        let said = settings.warnings().join("\n");
        for part in ["without TLS: set tls_certificate", "sslmode=verify-full", "?tls=required", "https://"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("me:x"), "no password in a log");
        settings.mail.as_mut().unwrap().public_url = "https://stoplist.example.com".to_owned();
        assert!(settings.warnings().join("\n").contains("through a proxy, which trusted_proxies does not name"));
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        settings.database_url = "postgres://me:x@db.example.com/x?sslmode=verify-full".to_owned();
        settings.mail = None;
        assert_eq!(settings.warnings(), Vec::<String>::new());
    }
}
