//! The agent's one configuration file.

use anyhow::{Context, bail};
use bounces::postfix::Relay;
use serde::Deserialize;
use shared::mistake;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A secret that no log shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads the token from a file.
    ///
    /// # Errors
    /// When the file cannot be read or has no token in it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read token_file {}", path.display()))?;
        Self(text.trim().to_owned()).checked()
    }

    fn checked(self) -> anyhow::Result<Self> {
        if self.0.is_empty() || !self.0.bytes().all(|b| b.is_ascii_graphic()) {
            bail!("the token is empty or has characters that no token has; make a new one in the console");
        }
        Ok(self)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What the file says, before defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    service: String,
    token: Option<Secret>,
    token_file: Option<PathBuf>,
    data_dir: PathBuf,
    #[serde(default = "default_policy_listen")]
    policy_listen: SocketAddr,
    #[serde(default = "default_socketmap_listen")]
    socketmap_listen: SocketAddr,
    mail_log: Option<PathBuf>,
    #[serde(default = "default_syslog_name")]
    syslog_name: String,
    #[serde(default)]
    ignored_relays: Vec<String>,
    myhostname: Option<String>,
    map_file: Option<PathBuf>,
    bounce_domain: Option<String>,
    bounce_mailbox: Option<String>,
}

fn default_policy_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7102))
}

fn default_socketmap_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7101))
}

fn default_syslog_name() -> String {
    "postfix".to_owned()
}

/// The agent's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the service is, `https://stoplist.example.com` for example; without a slash at the end.
    pub service: String,
    /// Proves to the service which mail server this is.
    pub token: Secret,
    /// Where the token is read again when the service refuses it.
    pub token_file: Option<PathBuf>,
    /// The agent's own folder: list, spool, positions.
    pub data_dir: PathBuf,
    /// Where Postfix asks at RCPT.
    pub policy_listen: SocketAddr,
    /// Where Postfix asks for the transport of a recipient.
    pub socketmap_listen: SocketAddr,
    /// The mail log to report from; none: nothing is reported.
    pub mail_log: Option<PathBuf>,
    /// Postfix's `syslog_name`: whose lines in the mail log count.
    pub syslog_name: String,
    /// Relays in the mail log that are no recipient's server, such as a content filter: what they take is no delivery.
    pub ignored_relays: Vec<Relay>,
    /// Postfix's `myhostname`, which event ids are derived from; by default what `postconf` says, or the machine's name.
    pub myhostname: String,
    /// The cdb file that Postfix uses while the agent is down.
    pub map_file: PathBuf,
    /// The domain of the envelope senders, whose mail Postfix hands to `stoplist-agent bounce`.
    pub bounce_domain: Option<String>,
    /// What the envelope senders begin with: who knows it is believed what bounce messages say.
    pub bounce_mailbox: Option<String>,
}

impl Config {
    /// Reads the file and the token.
    ///
    /// # Errors
    /// When a file cannot be read, a name in it is unknown or a value is wrong; the message says which.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("cannot read the configuration {}: give its path with --config", path.display())
        })?;
        Self::parse(&text).with_context(|| format!("in the configuration {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        // Not the error itself: it repeats its line, which may hold the token, and ends in a log.
        let file: ConfigFile = toml::from_str(text)
            .map_err(|error| anyhow::Error::msg(mistake::described(text, error.span(), error.message())))?;
        let service = file.service.trim_end_matches('/').to_owned();
        check_service(&service)?;
        let token = match (file.token, &file.token_file) {
            (Some(token), None) => token.checked()?,
            (None, Some(path)) => Secret::read(path)?,
            _ => bail!("give exactly one of token_file and token"),
        };
        if !file.data_dir.is_absolute() {
            bail!("data_dir must be an absolute path, such as \"/var/lib/stoplist-agent\"");
        }
        let map_file = file.map_file.unwrap_or_else(|| file.data_dir.join("blocklist.cdb"));
        if !map_file.is_absolute() || map_file.extension().is_none_or(|extension| extension != "cdb") {
            bail!("map_file must be an absolute path that ends in .cdb");
        }
        if file.syslog_name.is_empty() {
            bail!("syslog_name must be Postfix's syslog_name, usually \"postfix\"");
        }
        let relays: Result<Vec<_>, _> = file.ignored_relays.iter().map(|relay| relay.parse::<Relay>()).collect();
        let ignored_relays = relays.context(
            "ignored_relays must be what the mail log has behind relay=, such as \"127.0.0.1[127.0.0.1]:10024\", or \
             its host and port, such as \"127.0.0.1:10024\" or \"[::1]:10024\"",
        )?;
        let myhostname = match file.myhostname {
            Some(name) => name,
            None => match postconf("myhostname") {
                Some(name) => name,
                None => std::fs::read_to_string("/proc/sys/kernel/hostname")
                    .context("cannot find out the machine's name: set myhostname to Postfix's")?,
            },
        };
        let myhostname = myhostname.trim().to_owned();
        let bounce_domain = file.bounce_domain.map(|domain| domain.to_ascii_lowercase());
        let is_name = |domain: &String| {
            domain.contains('.') && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        };
        if !bounce_domain.as_ref().is_none_or(is_name) {
            bail!("bounce_domain must be a domain in ASCII form, such as \"bounces.example.com\"");
        }
        let is_mailbox =
            |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !file.bounce_mailbox.as_ref().is_none_or(is_mailbox) {
            bail!(
                "bounce_mailbox must be what stands before the + or the @ of your bounce addresses: letters, digits, \
                 dots, hyphens and underscores"
            );
        }
        Ok(Self {
            service,
            token,
            token_file: file.token_file,
            data_dir: file.data_dir,
            policy_listen: file.policy_listen,
            socketmap_listen: file.socketmap_listen,
            mail_log: file.mail_log,
            syslog_name: file.syslog_name,
            ignored_relays,
            myhostname,
            map_file,
            bounce_domain,
            bounce_mailbox: file.bounce_mailbox,
        })
    }
}

/// Without TLS the token may be sent to this machine only: on the way to another, anybody could read it, or answer as the
/// service and empty the list.
fn check_service(service: &str) -> anyhow::Result<()> {
    let url = reqwest::Url::parse(service).ok().filter(|url| url.has_host());
    let is_here = |url: &reqwest::Url| match url.host_str().unwrap_or_default().trim_matches(['[', ']']) {
        "localhost" => true,
        host => host.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
    };
    match url {
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && is_here(&url)) => Ok(()),
        _ => bail!(
            "service must start with https://, such as \"https://stoplist.example.com\"; http:// is for a service on the \
             same machine"
        ),
    }
}

/// What Postfix is configured to; `None` where its tools are not to be had. A command that Postfix itself starts has no
/// `sbin` in its path.
fn postconf(name: &str) -> Option<String> {
    ["/usr/sbin/postconf", "/usr/local/sbin/postconf", "postconf"].iter().find_map(|program| {
        let output =
            Command::new(program).args(["-h", name]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let value = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str =
        "service = \"http://127.0.0.1:8080/\"\ntoken = \"t0ken\"\ndata_dir = \"/var/lib/stoplist-agent\"\n";

    #[test]
    fn a_minimal_file_gets_the_defaults() {
        let config = Config::parse(MINIMAL).unwrap();
        assert_eq!(config.service, "http://127.0.0.1:8080");
        assert_eq!(config.policy_listen.port(), 7102);
        assert_eq!(config.socketmap_listen.port(), 7101);
        assert_eq!(config.map_file, Path::new("/var/lib/stoplist-agent/blocklist.cdb"));
        assert_eq!(config.syslog_name, "postfix");
        assert!(config.ignored_relays.is_empty());
        assert!(!format!("{config:?}").contains("t0ken"), "the token must not reach a log");
    }

    #[test]
    fn every_mistake_is_named() {
        for (line, message) in [
            ("polic_listen = \"127.0.0.1:1\"", "polic_listen"),
            ("token_file = \"/nowhere\"", "exactly one"),
            ("policy_listen = \"localhost\"", "policy_listen"),
            ("map_file = \"blocklist.cdb\"", "map_file"),
            ("map_file = \"/x/blocklist\"", ".cdb"),
            ("syslog_name = \"\"", "syslog_name"),
            ("ignored_relays = \"127.0.0.1:10024\"", "ignored_relays: invalid type"),
            ("ignored_relays = [\"127.0.0.1:10024\", \"127.0.0.1\"]", ": \"127.0.0.1\" is no relay"),
            ("ignored_relays = [\"smtp-amavis:[127.0.0.1]:10024\"]", "such as \"127.0.0.1:10024\""),
            ("bounce_domain = \"bounces@example.com\"", "bounce_domain"),
            ("bounce_mailbox = \"bounce+\"", "bounce_mailbox"),
            ("bounce_mailbox = \"\"", "bounce_mailbox"),
        ] {
            let error = format!("{:#}", Config::parse(&format!("{MINIMAL}{line}\n")).unwrap_err());
            assert!(error.contains(message), "{line}: {error}");
        }
        assert!(Config::parse(&MINIMAL.replace("t0ken", "")).is_err());
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_shows_no_token() {
        for (wrong, expected) in [
            ("tokn = \"t0ken\"", "line 2: unknown field `tokn`"),
            ("token = [\"t0ken\"]", "line 2: token: invalid type"),
            ("token = t0ken", ""),
            ("token = \"t0ken", ""),
        ] {
            let error = Config::parse(&MINIMAL.replace("token = \"t0ken\"", wrong)).unwrap_err();
            let said = format!("{error:#} {error:?}");
            assert!(said.contains(expected) && !said.contains("t0ken"), "{wrong}: {said}");
        }
    }

    #[test]
    fn the_token_leaves_the_machine_only_by_tls() {
        for (service, is_taken) in [
            ("https://stoplist.example.com", true),
            ("http://localhost:8080", true),
            ("http://127.0.0.2", true),
            ("http://[::1]:8080", true),
            ("http://stoplist.example.com", false),
            ("http://10.0.0.1:8080", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost@example.com", false),
            ("ftp://127.0.0.1", false),
            ("stoplist.example.com", false),
        ] {
            let parsed = Config::parse(&MINIMAL.replace("http://127.0.0.1:8080/", service));
            assert_eq!(parsed.is_ok(), is_taken, "{service}");
            assert!(is_taken || format!("{:#}", parsed.unwrap_err()).contains("https://"), "{service}");
        }
    }
}
