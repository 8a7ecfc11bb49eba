//! Settings of the service: flags, `STOPLIST_*` environment variables and a TOML file, in this order of precedence.

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// Which part of the service a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers requests only.
    Http,
    /// Runs jobs only; still answers health checks and metrics.
    Jobs,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Settings as given on the command line or in the environment.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingsArgs {
    /// TOML file with settings; a flag or variable wins over the file
    #[arg(long, env = "STOPLIST_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080]; port 0 takes a free one
    #[arg(long, env = "STOPLIST_LISTEN", global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE [default: stoplist.db in the data folder]
    #[arg(long, env = "STOPLIST_DATABASE_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Folder for the service's files [default: ./data]
    #[arg(long, env = "STOPLIST_DATA_DIR", global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Run only this part; needs PostgreSQL [default: both]
    #[arg(long, env = "STOPLIST_ROLE", global = true)]
    pub role: Option<Role>,
    /// How log lines look [default: text]
    #[arg(long, env = "STOPLIST_LOG_FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
}

/// The TOML file. Unknown names are errors, so that a typing mistake is not silently a default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    listen: Option<SocketAddr>,
    database_url: Option<String>,
    data_dir: Option<PathBuf>,
    role: Option<Role>,
    log_format: Option<LogFormat>,
}

/// The settings in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Which database.
    pub database_url: String,
    /// Folder for the service's files; made when missing.
    pub data_dir: PathBuf,
    /// Which part to run; `None`: both.
    pub role: Option<Role>,
    /// How log lines look.
    pub log_format: LogFormat,
}

impl Settings {
    /// Settings for a service with its SQLite file in `data_dir`, on a free port of the loopback address.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: default_database_url(&data_dir),
            data_dir,
            role: None,
            log_format: LogFormat::Text,
        }
    }

    /// Puts flags, environment and file together.
    ///
    /// # Errors
    /// The file cannot be read, has an unknown name, or two settings do not fit together.
    pub fn load(args: SettingsArgs) -> anyhow::Result<Self> {
        let file = match &args.config {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the settings file {}", path.display()))?;
                toml::from_str(&text).with_context(|| format!("in the settings file {}", path.display()))?
            }
            None => SettingsFile::default(),
        };
        let data_dir = args.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("data"));
        let settings = Self {
            listen: args.listen.or(file.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            database_url: args.database_url.or(file.database_url).unwrap_or_else(|| default_database_url(&data_dir)),
            data_dir,
            role: args.role.or(file.role),
            log_format: args.log_format.or(file.log_format).unwrap_or_default(),
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> anyhow::Result<()> {
        if !self.is_sqlite() && !self.is_postgres() {
            bail!("database_url must start with sqlite: or postgres:");
        }
        if self.role.is_some() && self.is_sqlite() {
            bail!(
                "--role splits the service over several processes, which SQLite cannot serve: \
                 leave --role out, or set --database-url to a PostgreSQL database"
            );
        }
        Ok(())
    }

    /// Whether the database is a SQLite file.
    pub fn is_sqlite(&self) -> bool {
        self.database_url.starts_with("sqlite:")
    }

    fn is_postgres(&self) -> bool {
        self.database_url.starts_with("postgres:") || self.database_url.starts_with("postgresql:")
    }

    /// Whether this process answers the API.
    pub fn serves_http(&self) -> bool {
        self.role != Some(Role::Jobs)
    }

    /// Whether this process runs jobs.
    pub fn runs_jobs(&self) -> bool {
        self.role != Some(Role::Http)
    }

    /// The settings as TOML, without the password in the database URL.
    pub fn display(&self) -> String {
        let mut lines = vec![
            format!("listen = \"{}\"", self.listen),
            format!("database_url = {:?}", without_password(&self.database_url)),
            format!("data_dir = {:?}", self.data_dir.display().to_string()),
        ];
        match self.role {
            Some(Role::Http) => lines.push("role = \"http\"".to_owned()),
            Some(Role::Jobs) => lines.push("role = \"jobs\"".to_owned()),
            None => lines.push("# role: http and jobs".to_owned()),
        }
        lines.push(format!("log_format = \"{}\"", if self.log_format == LogFormat::Json { "json" } else { "text" }));
        lines.join("\n")
    }
}

fn default_database_url(data_dir: &std::path::Path) -> String {
    format!("sqlite://{}", data_dir.join("stoplist.db").display())
}

/// Hides the password of a URL, and everything after `?`, where drivers take passwords too.
fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}:***@{host}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stoplist.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\ndata_dir = \"/from-file\"\n").unwrap();
        let args = SettingsArgs {
            config: Some(path),
            listen: Some("127.0.0.1:2".parse().unwrap()),
            ..SettingsArgs::default()
        };
        let settings = Settings::load(args).unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.database_url, "sqlite:///from-file/stoplist.db");
        assert_eq!(settings.log_format, LogFormat::Text);
    }

    #[test]
    fn a_wrong_name_in_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stoplist.toml");
        std::fs::write(&path, "listne = \"127.0.0.1:1\"\n").unwrap();
        let error = Settings::load(SettingsArgs { config: Some(path), ..SettingsArgs::default() }).unwrap_err();
        assert!(format!("{error:#}").contains("listne"), "{error:#}");
    }

    #[test]
    fn roles_need_postgresql() {
        let args = |url: &str| SettingsArgs {
            database_url: Some(url.to_owned()),
            role: Some(Role::Jobs),
            ..SettingsArgs::default()
        };
        assert!(Settings::load(args("sqlite://x.db")).unwrap_err().to_string().contains("PostgreSQL"));
        assert!(Settings::load(args("postgres://localhost/x")).is_ok());
        assert!(Settings::load(args("mysql://localhost/x")).is_err());
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://me:secret@host/db?password=x"), "postgres://me:***@host/db");
        assert_eq!(without_password("postgres://me:p@ss@host/db"), "postgres://me:***@host/db");
        assert_eq!(without_password("sqlite:///data/stoplist.db"), "sqlite:///data/stoplist.db");
    }
}
