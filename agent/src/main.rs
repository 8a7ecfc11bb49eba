//! `stoplist-agent`: the process beside a mail server.

use agent::{clock::Clock, config::Config, list::List, postfix, run::Agent, status::Status};
use anyhow::Context;
use clap::{Parser, Subcommand};
use shared::Address;
use std::{io::Write, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// Holds Stoplist's blocked list beside a mail server, answers Postfix and reports errors from the mail log.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file.
    #[arg(long, env = "STOPLIST_AGENT_CONFIG", default_value = "/etc/stoplist-agent.toml", global = true)]
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
    /// Tells what this mail server answers for an address, from the data on disk.
    Check {
        /// The address.
        address: String,
    },
    /// Tells what the running agent holds.
    Status,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::read(&arguments.config)?;
    match arguments.command {
        Command::Run => run(config).await,
        Command::PostfixConfig => print(&postfix::settings::lines(&config)),
        Command::Check { address } => check(&config, &address),
        Command::Status => {
            let status = Status::read(&config)?;
            if !status.is_fresh(Clock::system()) {
                print(&format!("The agent is not running. Its last state, of {}:\n", status.at.to_rfc3339()))?;
            }
            print(&status.to_string())
        }
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

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

fn check(config: &Config, address: &str) -> anyhow::Result<()> {
    let address = Address::parse(address).with_context(|| format!("{address:?} is not a mail address"))?;
    let key = address.key().as_str();
    let answer = |refusal: Option<String>, source: &str| match refusal {
        Some(refusal) => format!("{key} is blocked: {refusal}\n({source})\n"),
        None => format!("{key} is not blocked\n({source})\n"),
    };
    let mut blocked = false;
    let list = List::new(&config.data_dir).reader().and_then(|reader| {
        reader.for_each_key(|held| blocked |= held == key)?;
        Ok(reader.position)
    });
    match list {
        Ok(list) => {
            let refusal = blocked.then(|| format!("550 {}", postfix::REFUSAL));
            print(&answer(refusal, &format!("the list on disk, version {} of epoch {}", list.version, list.epoch)))
        }
        Err(error) => {
            let refusal = postfix::map_file::look_up(&config.map_file, key)
                .with_context(|| format!("{error}, and map_file {} cannot be read", config.map_file.display()))?;
            print(&answer(refusal, &format!("the map file, because {error}")))
        }
    }
}
