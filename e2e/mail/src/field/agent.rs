//! A mail server: a private Postfix with the real agent beside it, configured by what the agent prints.

use super::{Api, SOON, Service, programs};
use crate::rig::{Postfix, PostfixPlan, Process, Session, Site, holds_within};
use anyhow::{Context, bail};
use shared::{AddressKey, ListChecksum};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
};
use uuid::Uuid;

/// The domain of bounce addresses.
pub const BOUNCE_DOMAIN: &str = "bounces.shop.test";
/// The mailbox of bounce addresses.
pub const BOUNCE_MAILBOX: &str = "bounce-4f1c";
/// Whom Postfix runs the agent's command as; on a real server the agent's own user.
const PIPE_USER: &str = "nobody";

/// One mail server.
pub struct MailServer {
    /// Its id in the API.
    pub id: Uuid,
    /// Its Postfix.
    pub postfix: Postfix,
    agent: Agent,
}

impl MailServer {
    /// Registers the mail server, starts its agent, and then Postfix with the lines that the agent prints.
    ///
    /// # Errors
    /// Says what does not start.
    pub async fn start(site: &Site, service: &Service, api: &Api, name: &str, number: u16) -> anyhow::Result<Self> {
        let credential = api.add_mail_server(name).await?;
        let plan = site.postfix(name, 2601 + number)?;
        let mut agent = Agent::new(site, service, name, number, &credential.token, &plan)?;
        agent.start().await?;
        // Postfix does not start serving without the file that it falls back to.
        let map_file = agent.map_file();
        holds_within("the agent wrote its map file", SOON, async || Ok(map_file.exists())).await?;
        let lines = agent.postfix_config().await?.replace("user=stoplist-agent", &format!("user={PIPE_USER}"));
        let postfix = plan.with_lines(&lines).start().await?;
        agent.let_bounces_in(true)?;
        Ok(Self { id: credential.mail_server.id, postfix, agent })
    }

    /// Opens an SMTP session.
    ///
    /// # Errors
    /// The server does not greet.
    pub async fn session(&self) -> anyhow::Result<Session> {
        self.postfix.session().await
    }

    /// Whether it refuses the address as blocked, in a new session; any other refusal is an error.
    ///
    /// # Errors
    /// It does not answer, or refuses for another reason.
    pub async fn refuses(&self, address: &str) -> anyhow::Result<bool> {
        let answer = async { is_refused(&mut self.session().await?, address).await };
        answer.await.with_context(|| format!("server {}, asked about {address}", self.postfix.name()))
    }

    /// Waits until the map file refuses the address, asked by Postfix's own `postmap`.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn map_file_refuses(&self, address: &str) -> anyhow::Result<()> {
        let what = format!("the map file of {} refuses {address}", self.postfix.name());
        holds_within(&what, SOON, async || self.is_in_map_file(address).await).await?;
        Ok(())
    }

    /// Waits until the map file does not refuse the address any more.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn map_file_lets_through(&self, address: &str) -> anyhow::Result<()> {
        let what = format!("the map file of {} lets {address} through", self.postfix.name());
        holds_within(&what, SOON, async || Ok(!self.is_in_map_file(address).await?)).await?;
        Ok(())
    }

    async fn is_in_map_file(&self, address: &str) -> anyhow::Result<bool> {
        let map = format!("cdb:{}", self.agent.map_file().with_extension("").display());
        let answer = self.postfix.look_up(&map, &address.to_lowercase()).await?;
        Ok(answer.is_some_and(|answer| answer.contains("Blocked by Stoplist")))
    }

    /// `kill -9` of the agent.
    ///
    /// # Errors
    /// It is not running.
    pub fn kill_agent(&mut self) -> anyhow::Result<()> {
        self.agent.process.take().context("the agent is not running")?.kill()
    }

    /// Starts the agent again and waits until it answers Postfix.
    ///
    /// # Errors
    /// It does not get ready.
    pub async fn start_agent(&mut self) -> anyhow::Result<()> {
        self.agent.start().await
    }

    /// Lets Postfix's user write into the agent's folder for bounce messages, or not.
    ///
    /// # Errors
    /// There is no such folder or user.
    pub fn let_bounces_in(&self, may: bool) -> anyhow::Result<()> {
        self.agent.let_bounces_in(may)
    }

    /// How many bounce messages wait for the agent.
    ///
    /// # Errors
    /// The agent has never run.
    pub fn bounces_waiting(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(self.agent.incoming())?.count())
    }

    /// What the agent wrote since its last start.
    pub fn agent_output(&self) -> String {
        self.agent.process.as_ref().map(Process::output).unwrap_or_default()
    }

    /// How often the agent took a whole list, and how often changes, since its last start.
    pub fn snapshots_and_changes(&self) -> (usize, usize) {
        let output = self.agent_output();
        (output.matches("a snapshot is in effect").count(), output.matches("changes are in effect").count())
    }

    /// The files of the list in the agent's folder (not the map file).
    ///
    /// # Errors
    /// There are none.
    pub fn list_files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let map_file = self.agent.map_file();
        let mut files = vec![];
        for entry in std::fs::read_dir(self.agent.data_folder())? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_file() && path != map_file && name.starts_with("list") {
                files.push(path);
            }
        }
        anyhow::ensure!(!files.is_empty(), "the agent keeps no list in {}", self.agent.data_folder().display());
        Ok(files)
    }

    /// Overwrites the map file with something that is no cdb.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn damage_map_file(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(self.agent.map_file(), b"no cdb")?)
    }

    /// Replaces the list on the agent's disk by another that is whole, has the same epoch and version, but other keys:
    /// what a wrong checksum means.
    ///
    /// # Errors
    /// The agent is running or has no list.
    pub fn forge_list(&self, keys: &[&str]) -> anyhow::Result<()> {
        if self.agent.process.is_some() {
            bail!("stop the agent before its list is forged");
        }
        let list = agent::list::List::new(&self.agent.data_folder());
        let held = list.reader()?.position;
        let mut keys: Vec<AddressKey> = keys.iter().map(|key| AddressKey::from_stored((*key).to_owned())).collect();
        keys.sort();
        let header = shared::agent_sync::ListHeader {
            body: shared::agent_sync::ListBody::Snapshot,
            epoch: held.epoch,
            version: held.version,
            count: i64::try_from(keys.len())?,
            checksum: keys.iter().collect::<ListChecksum>(),
        };
        let mut writer = list.start_snapshot(&header)?;
        for key in &keys {
            writer.push(key.as_str())?;
        }
        list.finish_snapshot(writer)?;
        Ok(())
    }
}

/// Whether an open session is told that the address is blocked; any other refusal is an error.
///
/// # Errors
/// The session is over, or the refusal is another.
pub async fn is_refused(session: &mut Session, address: &str) -> anyhow::Result<bool> {
    let reply = session.ask(address).await?;
    anyhow::ensure!(reply.is_positive() || reply.is_blocked(), "neither taken nor blocked: {reply:?}");
    Ok(reply.is_blocked())
}

/// The agent's configuration and process.
struct Agent {
    name: String,
    program: PathBuf,
    folder: PathBuf,
    process: Option<Process>,
}

impl Agent {
    fn new(
        site: &Site,
        service: &Service,
        name: &str,
        number: u16,
        token: &str,
        plan: &PostfixPlan,
    ) -> anyhow::Result<Self> {
        let name = format!("agent-{name}");
        let folder = site.new_folder(&name)?;
        // Where the program was built, Postfix's user may not look.
        let (built, program) = (programs::agent()?, folder.join("stoplist-agent"));
        if std::fs::hard_link(&built, &program).is_err() {
            std::fs::copy(&built, &program)?;
        }
        let address: Ipv4Addr = site.address();
        let config = toml(&[
            ("service", service.url()),
            ("token", token.to_owned()),
            ("data_dir", folder.join("data").display().to_string()),
            ("socketmap_listen", SocketAddr::from((address, 7101 + 10 * number)).to_string()),
            ("policy_listen", SocketAddr::from((address, 7102 + 10 * number)).to_string()),
            ("mail_log", plan.log().display().to_string()),
            ("syslog_name", name.clone()),
            ("myhostname", plan.myhostname()),
            ("bounce_domain", BOUNCE_DOMAIN.to_owned()),
            ("bounce_mailbox", BOUNCE_MAILBOX.to_owned()),
        ]);
        std::fs::write(folder.join("agent.toml"), config)?;
        Ok(Self { name, program, folder, process: None })
    }

    fn command(&self, word: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.folder.join("agent.toml")).arg(word);
        command
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        let mut process = Process::start(&self.name, &mut self.command("run"), &self.folder.join("output"))?;
        process.line_with("stoplist-agent is ready", SOON).await?;
        self.process = Some(process);
        Ok(())
    }

    async fn postfix_config(&self) -> anyhow::Result<String> {
        let mut command = self.command("postfix-config");
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        anyhow::ensure!(output.status.success(), "postfix-config: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn map_file(&self) -> PathBuf {
        self.data_folder().join("blocklist.cdb")
    }

    fn incoming(&self) -> PathBuf {
        self.data_folder().join("incoming")
    }

    fn let_bounces_in(&self, may: bool) -> anyhow::Result<()> {
        let owner = if may { PIPE_USER } else { "root" };
        let output = Command::new("chown").arg(owner).args([self.data_folder(), self.incoming()]).output()?;
        anyhow::ensure!(output.status.success(), "chown: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// A TOML file of texts. JSON strings are valid TOML strings.
fn toml(values: &[(&str, String)]) -> String {
    values.iter().map(|(name, value)| format!("{name} = {}\n", serde_json::Value::from(value.as_str()))).collect()
}
