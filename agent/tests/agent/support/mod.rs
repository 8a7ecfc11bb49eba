//! A service and a Postfix that the tests play, and an agent between them: in this process, or one to kill.

mod service;

pub use service::{FakeService, Fault, Foreign};

use agent::{clock::Clock, config::Config, run::Agent};
use std::{
    fs::OpenOptions,
    io::{BufRead, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub fn config(folder: &Path, service: SocketAddr, more: &str) -> Config {
    let path = folder.join("agent.toml");
    let data_dir = folder.join("data");
    let text = format!(
        "service = \"http://{service}\"\ntoken = \"secret-token\"\ndata_dir = {data_dir:?}\n\
         policy_listen = \"127.0.0.1:0\"\nsocketmap_listen = \"127.0.0.1:0\"\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap()
}

pub async fn start(folder: &Path, service: SocketAddr) -> Agent {
    Agent::start(config(folder, service, ""), Clock::system()).await.unwrap()
}

/// The agent's program with its configuration in this folder, which [`config`] wrote.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoplist-agent"));
    command.arg("--config").arg(folder.join("agent.toml"));
    command
}

/// An agent as a process of its own. Dropped, it is killed as `kill -9` does.
pub struct AgentProcess {
    child: Child,
    /// Where Postfix asks at RCPT.
    pub policy: SocketAddr,
}

impl AgentProcess {
    /// Starts it and waits until it answers Postfix.
    pub fn start(folder: &Path, service: SocketAddr, more: &str) -> Self {
        config(folder, service, more);
        let log = OpenOptions::new().create(true).append(true).open(folder.join("agent.log")).unwrap();
        let mut child = program(folder).arg("run").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let policy = line.split("policy ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        Self { child, policy }
    }

    pub fn kill(self) {}

    /// What it has in memory that is of no file, in octets.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// Whether the agents with this folder have logged a text.
    pub fn has_said(folder: &Path, text: &str) -> bool {
        std::fs::read_to_string(folder.join("agent.log")).unwrap().contains(text)
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Hands a message to `stoplist-agent bounce`, as Postfix does.
pub fn bounce(folder: &Path, arguments: &[&str], message: &[u8]) -> Output {
    let mut command = program(folder);
    command.arg("bounce").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends before it has read everything is seen by its status.
    let _ = child.stdin.take().unwrap().write_all(message);
    child.wait_with_output().unwrap()
}

/// A connection that stays open, as Postfix keeps it.
pub struct Policy(BufReader<TcpStream>);

impl Policy {
    pub async fn connect(agent: &Agent) -> Self {
        Self::open(agent.policy).await
    }

    pub async fn open(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    /// The action for a recipient; `None` when the agent closes the connection.
    pub async fn ask(&mut self, recipient: &str) -> Option<String> {
        let request = format!("request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={recipient}\n\n");
        self.0.write_all(request.as_bytes()).await.ok()?;
        self.answer().await
    }

    pub async fn send(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.unwrap();
    }

    pub async fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let mut empty = String::new();
        self.0.read_line(&mut empty).await.ok()?;
        assert_eq!(empty, "\n", "an empty line ends the answer");
        Some(line.trim_end().to_owned())
    }

    pub async fn refuses(&mut self, recipient: &str) -> bool {
        match self.ask(recipient).await.as_deref() {
            Some("action=DUNNO") => false,
            Some("action=550 5.7.1 Blocked by Stoplist: address keeps failing") => true,
            other => panic!("unexpected answer {other:?}"),
        }
    }
}
