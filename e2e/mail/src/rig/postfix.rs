//! Private Postfix servers: configuration, queue and log in a temporary folder, started without systemd.
//!
//! The machine's own /etc/postfix stays as it is. `sendmail` and `postqueue` run as root here, and root may name any
//! configuration folder; other users could not without an entry in the machine's own main.cf.

use super::{
    process::send,
    sink,
    smtp::{SENDER, Session},
    wait::{eventually, holds_within},
};
use anyhow::{Context, bail};
use rustix::process::Signal;
use std::{
    fs,
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// How long Postfix may take to start or stop.
const START: Duration = Duration::from_secs(60);

/// A setting for tests in which a message is given up because it could not be delivered in time.
pub const RETRY_TIME: &str = "maximal_queue_lifetime = 10s";

/// A Postfix server that is configured but not started.
pub struct PostfixPlan {
    name: String,
    address: Ipv4Addr,
    port: u16,
    folder: PathBuf,
    main: String,
    master: String,
}

impl PostfixPlan {
    /// A server that sends every message to the sink of its site, in `folder`.
    ///
    /// # Errors
    /// Postfix is not installed.
    pub fn new(name: &str, address: Ipv4Addr, port: u16, folder: &Path) -> anyhow::Result<Self> {
        let proto = fs::read_to_string("/etc/postfix/master.cf.proto")
            .context("Postfix is not installed: apt-get install --no-install-recommends postfix postfix-cdb")?;
        // dynamicmaps.cf.d has one file for each packaged map type.
        anyhow::ensure!(
            Path::new("/etc/postfix/dynamicmaps.cf.d/cdb").exists()
                || fs::read_to_string("/etc/postfix/dynamicmaps.cf").is_ok_and(|maps| maps.contains("cdb")),
            "Postfix cannot read cdb files: apt-get install --no-install-recommends postfix-cdb"
        );
        let base = folder.display();
        let sink_port = sink::PORT;
        let main = format!(
            "\
compatibility_level = 3.6
queue_directory = {base}/spool
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/mail.log
maillog_file_prefixes = {base}
myhostname = {name}.mta.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:5.1.1 no local mailboxes
append_dot_mydomain = no
biff = no
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tcp_port = {sink_port}
notify_classes =
# Days in the queue become more minutes than a slow machine needs for a test; one that waits for their end sets RETRY_TIME.
maximal_queue_lifetime = 10m
bounce_queue_lifetime = 10m
# Hours between two attempts become seconds. Postfix counts whole ones: with a pause of one, it can take a message up again
# that the last attempt still has locked, and then leaves it where it is until it is started anew.
minimal_backoff_time = 2s
maximal_backoff_time = 3s
queue_run_delay = 1s
smtp_connect_timeout = 3s
# Postfix pauses a service whose program ended at its start, as smtpd does while a map file is damaged: a minute becomes
# less than a client waits.
service_throttle_time = 1s
# A destination that just refused everything is not put aside.
default_destination_concurrency_failed_cohort_limit = 0
"
        );
        Ok(Self { name: name.to_owned(), address, port, folder: folder.to_owned(), main, master: master_cf(&proto) })
    }

    /// Sets `name = value` in main.cf.
    #[must_use]
    pub fn with(mut self, setting: &str) -> Self {
        self.main.push_str(setting);
        self.main.push('\n');
        self
    }

    /// Takes over lines for main.cf and master.cf as `stoplist-agent postfix-config` prints them: the lines behind a
    /// heading that ends with `main.cf ----` or `master.cf ----`.
    #[must_use]
    pub fn with_lines(mut self, printed: &str) -> Self {
        let mut into_master = false;
        for line in printed.lines() {
            if line.starts_with('#') && line.trim_end_matches([' ', '-']).ends_with(".cf") {
                into_master = line.contains("master.cf");
            }
            let (target, line) = if into_master {
                // The submission service of this server listens on the site's address, not on port 25 of all.
                let own = format!("{}:{} inet", self.address, self.port);
                (&mut self.master, line.replace("smtp inet", &own))
            } else {
                (&mut self.main, line.to_owned())
            };
            target.push_str(&line);
            target.push('\n');
        }
        self
    }

    /// The name that the server has for itself.
    pub fn myhostname(&self) -> String {
        format!("{}.mta.test", self.name)
    }

    /// The mail log that the server will write.
    pub fn log(&self) -> PathBuf {
        self.folder.join("mail.log")
    }

    /// Starts the server and waits until it greets.
    ///
    /// # Errors
    /// Postfix refuses the configuration or does not greet in time.
    pub async fn start(mut self) -> anyhow::Result<Postfix> {
        let (config, spool, data) = (self.folder.join("conf"), self.folder.join("spool"), self.folder.join("data"));
        for folder in [&config, &spool.join("etc"), &data, &config.join("dynamicmaps.cf.d")] {
            fs::create_dir_all(folder)?;
        }
        run(Command::new("chown").arg("postfix").arg(&data)).await?;
        // Postfix finds its map types through the configuration folder.
        fs::copy("/etc/postfix/dynamicmaps.cf", config.join("dynamicmaps.cf"))?;
        fs::copy("/etc/postfix/postfix-files", config.join("postfix-files"))?;
        for entry in fs::read_dir("/etc/postfix/dynamicmaps.cf.d")? {
            let entry = entry?;
            fs::copy(entry.path(), config.join("dynamicmaps.cf.d").join(entry.file_name()))?;
        }
        // The chroot of the smtp client: its own DNS instead of the machine's.
        let resolver = format!("nameserver {}\noptions timeout:2 attempts:1\n", self.address);
        fs::write(spool.join("etc/resolv.conf"), resolver)?;
        fs::write(spool.join("etc/nsswitch.conf"), "hosts: files dns\n")?;
        fs::write(spool.join("etc/hosts"), "127.0.0.1 localhost\n")?;
        fs::copy("/etc/services", spool.join("etc/services"))?;
        if !self.master.lines().any(|line| line.contains(" inet ") && line.contains(" smtpd")) {
            let own = format!("{}:{} inet n - n - - smtpd\n", self.address, self.port);
            self.master.push_str(&own);
        }
        if !self.main.contains("smtpd_recipient_restrictions") {
            self.main.push_str("smtpd_recipient_restrictions = permit_mynetworks, reject\n");
        }
        if !self.main.contains("syslog_name") {
            self.main.push_str(&format!("syslog_name = {}\n", self.name));
        }
        fs::write(config.join("main.cf"), &self.main)?;
        fs::write(config.join("master.cf"), &self.master)?;
        let log = self.log();
        run(Command::new("postfix").arg("-c").arg(&config).arg("start"))
            .await
            .with_context(|| format!("Postfix {} does not start:\n{}", self.name, read(&log)))?;
        let pid_file = spool.join("pid/master.pid");
        let pid = fs::read_to_string(&pid_file)?.trim().parse().context("no process id in master.pid")?;
        let server = Postfix { name: self.name, address: self.address, port: self.port, config, log, pid };
        let greets = format!("Postfix {} greets", server.name);
        eventually(&greets, START, async || Ok(server.session().await.ok())).await?;
        Ok(server)
    }
}

/// The stock master.cf without its port 25 and without chroots, except for the smtp client.
fn master_cf(proto: &str) -> String {
    let services = proto.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut out = String::new();
    for line in services {
        let mut fields: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with(char::is_whitespace) || fields.len() < 8 {
            out.push_str(line);
        } else if fields[0] == "smtp" && fields[1] == "inet" {
            continue;
        } else {
            fields[4] = if fields[7] == "smtp" { "y" } else { "n" };
            out.push_str(&fields.join(" "));
        }
        out.push('\n');
    }
    out
}

/// A running private Postfix server; it ends when dropped.
pub struct Postfix {
    name: String,
    address: Ipv4Addr,
    port: u16,
    config: PathBuf,
    log: PathBuf,
    pid: u32,
}

impl Postfix {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets `name = value` in main.cf of the running server.
    ///
    /// # Errors
    /// Postfix refuses it.
    pub async fn set(&self, setting: &str) -> anyhow::Result<()> {
        run(Command::new("postconf").arg("-c").arg(&self.config).args(["-e", setting])).await?;
        run(Command::new("postfix").arg("-c").arg(&self.config).arg("reload")).await
    }

    /// Opens an SMTP session.
    ///
    /// # Errors
    /// The server does not greet.
    pub async fn session(&self) -> anyhow::Result<Session> {
        Session::open(self.address, self.port).await
    }

    /// Hands over a message by `sendmail`, as programs on the same machine do.
    ///
    /// # Errors
    /// `sendmail` fails.
    pub async fn sendmail(&self, recipient: &str) -> anyhow::Result<()> {
        self.sendmail_from(SENDER, recipient).await
    }

    /// As [`Self::sendmail`], with an envelope sender.
    ///
    /// # Errors
    /// `sendmail` fails.
    pub async fn sendmail_from(&self, sender: &str, recipient: &str) -> anyhow::Result<()> {
        let message = format!("From: <{SENDER}>\nTo: <{recipient}>\nSubject: news\n\nHello.\n");
        let mut command = Command::new("sendmail");
        command.arg("-C").arg(&self.config).args(["-i", "-f", sender, "--", recipient]);
        run_with_input(&mut command, message).await
    }

    /// The recipients of the messages in the queue.
    ///
    /// # Errors
    /// `postqueue` fails.
    pub async fn queued(&self) -> anyhow::Result<Vec<String>> {
        let mut command = Command::new("postqueue");
        command.arg("-c").arg(&self.config).arg("-j");
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        anyhow::ensure!(output.status.success(), "postqueue: {}", String::from_utf8_lossy(&output.stderr));
        let mut recipients = vec![];
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let message: serde_json::Value = serde_json::from_slice(line)?;
            let of_message = message["recipients"].as_array().into_iter().flatten();
            recipients.extend(of_message.filter_map(|one| Some(one["address"].as_str()?.to_owned())));
        }
        Ok(recipients)
    }

    /// Tries everything in the queue now.
    ///
    /// # Errors
    /// `postqueue` fails.
    pub async fn flush(&self) -> anyhow::Result<()> {
        run(Command::new("postqueue").arg("-c").arg(&self.config).arg("-f")).await
    }

    /// Puts everything in the queue on hold: it is not tried until [`Postfix::release_held`].
    ///
    /// # Errors
    /// `postsuper` fails.
    pub async fn hold_queue(&self) -> anyhow::Result<()> {
        run(Command::new("postsuper").arg("-c").arg(&self.config).args(["-h", "ALL"])).await
    }

    /// Ends the hold and tries everything.
    ///
    /// # Errors
    /// `postsuper` or `postqueue` fails.
    pub async fn release_held(&self) -> anyhow::Result<()> {
        run(Command::new("postsuper").arg("-c").arg(&self.config).args(["-H", "ALL"])).await?;
        self.flush().await
    }

    /// What Postfix finds in one of its maps (`cdb:/path` for example); none also while the map cannot be read.
    ///
    /// # Errors
    /// `postmap` cannot be started.
    pub async fn look_up(&self, map: &str, key: &str) -> anyhow::Result<Option<String>> {
        let mut command = Command::new("postmap");
        command.arg("-c").arg(&self.config).args(["-q", key, map]);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    /// The whole mail log.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Waits for a line of the mail log about `recipient` that holds `text`.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn logs(&self, recipient: &str, text: &str, deadline: Duration) -> anyhow::Result<String> {
        let what = format!("Postfix {} logs {text:?} about {recipient}", self.name);
        let about = format!("to=<{recipient}>");
        let (line, _) = eventually(&what, deadline, async || {
            let log = self.log();
            Ok(log.lines().find(|line| line.contains(&about) && line.contains(text)).map(str::to_owned))
        })
        .await?;
        Ok(line)
    }

    /// Waits until the queue is empty.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn queue_is_empty(&self, deadline: Duration) -> anyhow::Result<()> {
        let what = format!("the queue of Postfix {} is empty", self.name);
        holds_within(&what, deadline, async || Ok(self.queued().await?.is_empty())).await?;
        Ok(())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The master ends its own children at SIGTERM.
        if send(self.pid, Signal::TERM).is_err() {
            return;
        }
        for _ in 0..100 {
            if !is_running(self.pid) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = send(self.pid, Signal::KILL);
    }
}

/// Whether the process still runs; one that ended and that nobody has collected yet does not.
fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    run_with_input(command, String::new()).await
}

async fn run_with_input(command: &mut Command, input: String) -> anyhow::Result<()> {
    let name = command.get_program().display().to_string();
    // Files instead of pipes: a daemon that inherits a pipe would keep it open for ever.
    let errors = tempfile::NamedTempFile::new()?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(errors.reopen()?)
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let status = tokio::task::spawn_blocking(move || {
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
        child.wait().and_then(|status| written.map(|()| status))
    })
    .await??;
    if !status.success() {
        bail!("{name} failed ({status}): {}", read(errors.path()).trim());
    }
    Ok(())
}
