//! `stoplist-agent`: the process beside a mail server.

use agent::{
    bounce,
    clock::Clock,
    config::Config,
    postfix::{self, map_file, policy},
    run::Agent,
    status::Status,
};
use anyhow::Context;
use clap::{Parser, Subcommand};
use shared::Address;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// Holds Stoplist's blocked list beside a mail server, answers Postfix and reports errors from the mail log.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file.
    #[arg(long, env = "STOPLIST_AGENT_CONFIG", default_value = "/etc/stoplist/agent.toml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs until SIGTERM or SIGINT.
    Run,
    /// Prints the lines for Postfix's main.cf and master.cf.
    PostfixConfig,
    /// Tells what Postfix is answered for an address now: by the running agent, or by the map file while it is down.
    Check {
        /// The address.
        address: String,
    },
    /// Tells what the running agent holds.
    Status,
    /// Takes a bounce message from standard input. Exit status 0: taken, or dropped because it reports no failure; 75:
    /// it must come again.
    Bounce {
        /// The address that the message came to; one such as bounce+user=example.com@bounces.example.org tells whom
        /// the failed message was sent to.
        #[arg(long)]
        recipient: Option<String>,
    },
}

fn main() -> ExitCode {
    // What the agent writes holds addresses: only its own user may read it, and root, as which Postfix opens the map file.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // A mistake in master.cf must not cost the message.
        Err(error) if error.use_stderr() && std::env::args_os().any(|argument| argument == "bounce") => {
            let _ = error.print();
            return ExitCode::from(bounce::EX_TEMPFAIL);
        }
        Err(error) => error.exit(),
    };
    let path = arguments.config;
    let result = match arguments.command {
        Command::Bounce { recipient } => return take_bounce(&path, recipient.as_deref()),
        Command::Run => Config::read(&path).and_then(run),
        Command::PostfixConfig => Config::read(&path).and_then(|config| postfix_config(&config, &path)),
        Command::Check { address } => Config::read(&path).and_then(|config| check(&config, &address)),
        Command::Status => Config::read(&path).and_then(|config| status(&config)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is printed ends in Postfix's log. A panic over a strange message keeps it in the queue as well.
fn take_bounce(config: &Path, recipient: Option<&str>) -> ExitCode {
    let taken = std::panic::catch_unwind(|| {
        bounce::take(&Config::read(config)?, Clock::system(), recipient, std::io::stdin().lock())
    });
    match taken {
        Ok(Ok(taken)) => {
            let _ = writeln!(std::io::stdout(), "{taken}");
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::from(bounce::EX_TEMPFAIL)
        }
        Err(_) => ExitCode::from(bounce::EX_TEMPFAIL),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

#[tokio::main]
async fn run(config: Config) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let agent = Agent::start(config, Clock::system()).await?;
    print(&format!("stoplist-agent is ready: policy {}, socketmap {}\n", agent.policy, agent.socketmap))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    agent.stop().await;
    Ok(())
}

fn postfix_config(config: &Config, path: &Path) -> anyhow::Result<()> {
    print(&postfix::settings::lines(config, &std::env::current_exe()?, &std::path::absolute(path)?))
}

fn status(config: &Config) -> anyhow::Result<()> {
    let status = Status::read(config)?;
    if !status.is_fresh(Clock::system()) {
        let why = if agent::run::is_running(config) {
            "The agent is running, but cannot write its state: is the disk full?"
        } else {
            "The agent is not running."
        };
        print(&format!("{why} Its last state, of {}:\n", status.at.to_rfc3339()))?;
    }
    print(&status.to_string())
}

fn check(config: &Config, address: &str) -> anyhow::Result<()> {
    let address = Address::parse_malformed(address).with_context(|| format!("{address:?} is not a mail address"))?;
    let (agent, key) = (config.policy_listen, address.key().as_str());
    let (refusal, source) = match policy::ask(agent, key) {
        Ok(refusal) => (refusal, format!("the agent on {agent}")),
        Err(error) => {
            let source = format!("the map file, because on {agent} no agent answers: {error}");
            let refusal = map_file::look_up(&config.map_file, key)
                .with_context(|| format!("{source}, and map_file {} cannot be read", config.map_file.display()))?;
            (refusal, source)
        }
    };
    match refusal {
        Some(refusal) => print(&format!("{key} is blocked: {refusal}\n({source})\n")),
        None => print(&format!("{key} is not blocked\n({source})\n")),
    }
}
