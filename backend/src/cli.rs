//! The command line.

use crate::{
    app,
    clock::Clock,
    config::{Settings, SettingsArgs},
    http, telemetry,
};
use clap::{Parser, Subcommand};

/// Stops e-mail to addresses that keep failing.
#[derive(Debug, Parser)]
#[command(name = "stoplist", version)]
pub struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve,
    /// Bring the database schema up to date
    Migrate,
    /// Print the OpenAPI document
    Openapi,
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the settings in effect, without secrets
    Show,
}

/// Runs one command.
///
/// # Errors
/// Says what failed and what to do.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = Settings::load(cli.settings)?;
    match cli.command {
        Command::Serve => {
            telemetry::start(settings.log_format);
            app::serve(settings, Clock::system()).await
        }
        Command::Migrate => {
            app::open(settings, Clock::system()).await?.db.close().await;
            println!("The database is up to date.");
            Ok(())
        }
        Command::Openapi => {
            println!("{}", http::openapi::document().to_pretty_json()?);
            Ok(())
        }
        Command::Config(ConfigCommand::Show) => {
            println!("{}", settings.display());
            Ok(())
        }
    }
}
