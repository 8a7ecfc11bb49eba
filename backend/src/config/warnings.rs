//! Settings that work, and that somebody may not have meant so.

use super::Settings;
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

impl Settings {
    /// What may be meant, but lets others read what is not theirs: for the log, and for `doctor`.
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
        warnings.extend(self.open_files());
        warnings
    }

    /// The SQLite file; `None` with PostgreSQL.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.database_url.strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path).split('?').next().unwrap_or_default()))
    }

    /// Files with secrets that others on this machine can read. What the service makes itself only it can read; files that
    /// were there before, or came out of a backup, are as they are.
    fn open_files(&self) -> impl Iterator<Item = String> {
        let database = self.sqlite_file().map(|path| (path, "the database", "600"));
        let key = self.tls.as_ref().map(|tls| (tls.key.clone(), "the key of the certificate", "640"));
        let settings = self.secret_file.clone().map(|path| (path, "the settings file, which holds a password,", "640"));
        [database, key, settings].into_iter().flatten().filter_map(|(path, what, mode)| {
            let open = is_readable_by_others(&path);
            open.then(|| format!("{what} can be read by others: chmod {mode} {}", path.display()))
        })
    }
}

/// Whether somebody else than the owner and the group may read a file; false where there is none.
fn is_readable_by_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{MailSettings, SettingsArgs};

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

    #[test]
    fn files_that_others_can_read_are_warned_of_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let chmod = |name: &str, mode: u32| {
            std::fs::set_permissions(folder.path().join(name), PermissionsExt::from_mode(mode)).unwrap();
        };
        let load = |toml: &str| {
            let config = Some(file("stoplist.toml", toml));
            Settings::load(SettingsArgs { config, ..SettingsArgs::default() }).unwrap()
        };
        let base = format!("data_dir = {:?}\nlisten = \"127.0.0.1:0\"\n", folder.path());
        let (database, key, settings) = (file("stoplist.db", ""), file("tls.key", ""), file("stoplist.toml", ""));
        let tls = format!("tls_certificate = \"tls.crt\"\ntls_key = {key:?}\n");
        let mail = "smtp_url = \"smtps://me:secret@mail.example.com\"\nmail_from = \"a@example.com\"\n\
                    public_url = \"https://x\"\n";
        for name in ["stoplist.db", "tls.key", "stoplist.toml"] {
            chmod(name, 0o644);
        }
        assert_eq!(
            load(&format!("{base}{tls}{mail}")).warnings(),
            [
                format!("the database can be read by others: chmod 600 {}", database.display()),
                format!("the key of the certificate can be read by others: chmod 640 {}", key.display()),
                format!(
                    "the settings file, which holds a password, can be read by others: chmod 640 {}",
                    settings.display()
                ),
            ]
        );
        assert_eq!(load(&base).warnings().len(), 1, "a settings file without passwords may be read");
        for (name, mode) in [("stoplist.db", 0o600), ("tls.key", 0o640), ("stoplist.toml", 0o640)] {
            chmod(name, mode);
        }
        assert_eq!(load(&format!("{base}{tls}{mail}")).warnings(), Vec::<String>::new());
        std::fs::remove_file(database).unwrap();
        assert_eq!(load(&base).warnings(), Vec::<String>::new(), "a database is still to be made");
    }
}
