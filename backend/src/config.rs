//! Settings of the service: flags, `STOPLIST_*` environment variables and a TOML file, in this order of precedence.

mod file;
mod fixed;
mod warnings;

pub use fixed::{PasswordCost, Patience};

use anyhow::bail;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
};

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
    /// PEM file with the certificate and its chain: serve HTTPS; read again when it changes
    #[arg(long, env = "STOPLIST_TLS_CERTIFICATE", global = true, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long, env = "STOPLIST_TLS_KEY", global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed [default: none]
    #[arg(long, env = "STOPLIST_TRUSTED_PROXIES", global = true, value_name = "NETWORK,…", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Requests a second of one session or token, above which they are refused [default: 100]; an account may send four
    /// times as many, a client that is not signed in a tenth
    #[arg(long, env = "STOPLIST_REQUEST_RATE", global = true, value_name = "NUMBER")]
    pub request_rate: Option<NonZeroU32>,
    /// Mail server for invitations, lost passwords and inquiries: smtps://USER:PASSWORD@HOST, or smtp:// with
    /// ?tls=required for STARTTLS [default: no mail is sent]
    #[arg(long, env = "STOPLIST_SMTP_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of the service's mails: "Stoplist <stoplist@example.com>"
    #[arg(long, env = "STOPLIST_MAIL_FROM", global = true, value_name = "SENDER")]
    pub mail_from: Option<String>,
    /// Where people reach the console, for links in mails: https://stoplist.example.com
    #[arg(long, env = "STOPLIST_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,
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
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    trusted_proxies: Option<Vec<IpNet>>,
    request_rate: Option<NonZeroU32>,
    smtp_url: Option<String>,
    mail_from: Option<String>,
    public_url: Option<String>,
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// The mail server.
    pub smtp_url: String,
    /// The sender.
    pub from: String,
    /// Where people reach the console.
    pub public_url: String,
}

/// The files of the service's own TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
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
    /// To serve HTTPS.
    pub tls: Option<TlsFiles>,
    /// Whose word counts for who the client is.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests a second of one session or token.
    pub request_rate: NonZeroU32,
    /// To send mail.
    pub mail: Option<MailSettings>,
    /// What hashing a password costs.
    pub password_cost: PasswordCost,
    /// How long to wait for clients.
    pub patience: Patience,
    /// The settings file, if it holds a password.
    pub secret_file: Option<PathBuf>,
}

/// Far above what the console, an agent or a sensible script sends.
const REQUEST_RATE: NonZeroU32 = NonZeroU32::new(100).unwrap();

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
            tls: None,
            trusted_proxies: vec![],
            request_rate: REQUEST_RATE,
            mail: None,
            password_cost: PasswordCost::Recommended,
            patience: Patience::default(),
            secret_file: None,
        }
    }

    /// Puts flags, environment and file together.
    ///
    /// # Errors
    /// The file cannot be read, has an unknown name, or two settings do not fit together.
    pub fn load(args: SettingsArgs) -> anyhow::Result<Self> {
        let file = match &args.config {
            Some(path) => SettingsFile::read(path)?,
            None => SettingsFile::default(),
        };
        let secret_file = args.config.filter(|_| file.holds_password());
        let data_dir = args.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("data"));
        let settings = Self {
            listen: args.listen.or(file.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            database_url: args.database_url.or(file.database_url).unwrap_or_else(|| default_database_url(&data_dir)),
            data_dir,
            role: args.role.or(file.role),
            log_format: args.log_format.or(file.log_format).unwrap_or_default(),
            tls: tls_files(args.tls_certificate.or(file.tls_certificate), args.tls_key.or(file.tls_key))?,
            trusted_proxies: args.trusted_proxies.or(file.trusted_proxies).unwrap_or_default(),
            request_rate: args.request_rate.or(file.request_rate).unwrap_or(REQUEST_RATE),
            mail: mail_settings(
                args.smtp_url.or(file.smtp_url),
                args.mail_from.or(file.mail_from),
                args.public_url.or(file.public_url),
            )?,
            password_cost: PasswordCost::Recommended,
            patience: Patience::default(),
            secret_file,
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

    /// Whether an address is a trusted proxy's.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
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
        if let Some(TlsFiles { certificate, key }) = &self.tls {
            lines.push(format!("tls_certificate = {:?}", certificate.display().to_string()));
            lines.push(format!("tls_key = {:?}", key.display().to_string()));
        }
        let proxies: Vec<String> = self.trusted_proxies.iter().map(|network| format!("\"{network}\"")).collect();
        lines.push(format!("trusted_proxies = [{}]", proxies.join(", ")));
        lines.push(format!("request_rate = {}", self.request_rate));
        if let Some(MailSettings { smtp_url, from, public_url }) = &self.mail {
            lines.push(format!("smtp_url = {:?}", without_password(smtp_url)));
            lines.push(format!("mail_from = {from:?}"));
            lines.push(format!("public_url = {public_url:?}"));
        }
        lines.join("\n")
    }
}

fn mail_settings(
    smtp_url: Option<String>,
    from: Option<String>,
    public_url: Option<String>,
) -> anyhow::Result<Option<MailSettings>> {
    match (smtp_url, from, public_url) {
        (Some(smtp_url), Some(from), Some(public_url)) => {
            if !public_url.starts_with("https://") && !public_url.starts_with("http://") {
                bail!("public_url must be a URL like https://stoplist.example.com");
            }
            Ok(Some(MailSettings { smtp_url, from, public_url }))
        }
        (None, None, None) => Ok(None),
        _ => bail!("to send mail, set smtp_url, mail_from and public_url: one of them is missing"),
    }
}

fn tls_files(certificate: Option<PathBuf>, key: Option<PathBuf>) -> anyhow::Result<Option<TlsFiles>> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("tls_certificate needs tls_key: set both, or neither"),
        (None, Some(_)) => bail!("tls_key needs tls_certificate: set both, or neither"),
    }
}

fn default_database_url(data_dir: &std::path::Path) -> String {
    format!("sqlite://{}", data_dir.join("stoplist.db").display())
}

/// Whether a URL has a password, before the host or as a parameter.
fn has_password(url: &str) -> bool {
    let user = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || url.contains("password=")
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
    fn a_certificate_needs_its_key_and_proxies_are_networks() {
        let folder = tempfile::tempdir().unwrap();
        let load = |text: &str| {
            let path = folder.path().join("stoplist.toml");
            std::fs::write(&path, text).unwrap();
            Settings::load(SettingsArgs { config: Some(path), ..SettingsArgs::default() })
        };
        assert!(load("tls_key = \"key.pem\"").unwrap_err().to_string().contains("tls_certificate"));
        let settings = load("trusted_proxies = [\"10.0.0.0/8\", \"::1/128\"]\nrequest_rate = 7").unwrap();
        assert!(settings.trusts("10.1.2.3".parse().unwrap()) && settings.trusts("::1".parse().unwrap()));
        assert!(!settings.trusts("192.0.2.1".parse().unwrap()));
        assert!(settings.display().ends_with("trusted_proxies = [\"10.0.0.0/8\", \"::1/128\"]\nrequest_rate = 7"));
        for wrong in ["trusted_proxies = [\"everyone\"]", "request_rate = 0"] {
            assert!(load(wrong).is_err(), "{wrong}");
        }
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
        assert!(has_password("postgres://me:secret@host/db") && has_password("postgres://me@host/db?password=x"));
        assert!(!has_password("postgres://me@host/db") && !has_password("smtp://mail.example.com:25?tls=required"));
    }
}
