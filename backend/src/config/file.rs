//! Reading the settings file.

use super::{SettingsFile, has_password};
use anyhow::Context;
use shared::mistake;
use std::path::Path;

impl SettingsFile {
    /// Reads it.
    ///
    /// # Errors
    /// It cannot be read, or has a mistake. Where and which is said without the line itself, which may hold a password: what
    /// is said ends in a log.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings file {}", path.display()))?;
        toml::from_str(&text)
            .map_err(|error| anyhow::Error::msg(mistake::described(&text, error.span(), error.message())))
            .with_context(|| format!("in the settings file {}", path.display()))
    }

    pub(super) fn holds_password(&self) -> bool {
        [&self.database_url, &self.smtp_url].into_iter().flatten().any(|url| has_password(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_line_and_shows_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stoplist.toml");
        for (text, expected) in [
            ("role = \"jobs\"\nsmtp_ulr = \"smtps://u:SECRET@host\"\n", "line 2: unknown field `smtp_ulr`"),
            ("smtp_url = \"smtps://u:SECRET@host\"\nrequest_rate = 0\n", "line 2: request_rate: invalid value"),
            ("smtp_url = [\"smtps://u:SECRET@host\"]\n", "line 1: smtp_url: invalid type"),
            ("smtp_url = smtps://u:SECRET@host\n", "stoplist.toml: "),
            ("smtp_url = \"smtps://u:SECRET@host\n", "stoplist.toml: "),
            ("smtp_url: \"smtps://u:SECRET@host\"\n", "stoplist.toml: "),
        ] {
            std::fs::write(&path, text).unwrap();
            let said = SettingsFile::read(&path).unwrap_err();
            let said = format!("{said:#} {said:?}");
            assert!(said.contains(expected) && !said.contains("SECRET"), "{text}: {said}");
        }
    }
}
