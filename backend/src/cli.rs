//! The command line.

use crate::{
    app,
    clock::Clock,
    config::{Settings, SettingsArgs},
    doctor, http, service,
    state::AppState,
    telemetry,
};
use anyhow::Context;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use shared::session::{MIN_PASSWORD, NewApiToken, Scope};
use std::io::IsTerminal;

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
    /// Fill an empty database with sample data and print how to sign in
    Sample,
    /// Print the OpenAPI document
    Openapi,
    /// Manage the staff that runs the service
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Manage API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage the keys that sign access tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Check the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check settings, data folder, temporary folder, database, time zones and port
    Doctor,
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ProviderCommand {
    /// Add a provider; the password is read from standard input
    Create {
        /// The address that signs in
        #[arg(long)]
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print its secret, which is shown this once
    Create {
        /// Name of the account
        #[arg(long)]
        account: String,
        /// What the token may be used for: read, events, lists, manage
        #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
        scope: Vec<Scope>,
        /// What the token is for
        #[arg(long, default_value = "command line")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a new key that signs access tokens; nobody is signed out
    Rotate {
        /// Stop believing the keys until now at once: for when somebody else may know them
        #[arg(long)]
        at_once: bool,
    },
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Prove that no entry was changed or removed, and print how each log ends
    Verify {
        /// The end of a log as it was printed earlier: proves that the log was not written anew since
        #[arg(long, value_name = "HASH")]
        holds: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the settings in effect, without secrets
    Show,
}

impl Cli {
    /// What flags and variables say; ends the process where they cannot be understood. An empty variable is none: that is
    /// what a compose file makes of one that nobody filled in.
    pub fn read() -> Self {
        let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let command = Self::command().mut_args(|arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg });
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
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
        Command::Sample => fill_with_sample(settings).await,
        Command::Openapi => {
            println!("{}", http::openapi::document().to_pretty_json()?);
            Ok(())
        }
        Command::Provider(ProviderCommand::Create { email }) => create_provider(settings, &email).await,
        Command::Token(TokenCommand::Create { account, scope, name }) => {
            create_token(
                settings,
                &account,
                NewApiToken { name, scopes: scope, server_configuration_ids: None, expires_at: None },
            )
            .await
        }
        Command::Keys(KeysCommand::Rotate { at_once }) => {
            look_after(settings, async |state| {
                service::signing_keys::rotate(&state.db, state.clock.now(), at_once).await
            })
            .await?;
            println!("A new key signs access tokens; every node uses it within half a minute.");
            Ok(())
        }
        Command::Audit(AuditCommand::Verify { holds }) => verify_audit_log(settings, &holds).await,
        Command::Doctor => doctor::run(&settings).await,
        Command::Config(ConfigCommand::Show) => {
            println!("{}", settings.display());
            Ok(())
        }
    }
}

/// As [`work`], with a database that is there already: in a new one there is nothing to look after, and whoever forgot
/// `--config` would be told that all is well.
async fn look_after<T>(
    settings: Settings,
    what: impl AsyncFnOnce(&AppState) -> service::Result<T>,
) -> anyhow::Result<T> {
    if let Some(file) = settings.sqlite_file().filter(|file| !file.exists()) {
        anyhow::bail!(
            "there is no database {}: name the settings of the service with --config, or its --data-dir",
            file.display()
        );
    }
    work(settings, what).await
}

/// Does one thing with the database of the settings, and closes it whatever comes of it.
async fn work<T>(settings: Settings, what: impl AsyncFnOnce(&AppState) -> service::Result<T>) -> anyhow::Result<T> {
    let state = app::open(settings, Clock::system()).await?;
    let result = what(&state).await.map_err(explain);
    state.db.close().await;
    result
}

async fn fill_with_sample(settings: Settings) -> anyhow::Result<()> {
    let sign_ins = work(settings, async |state| service::sample::fill(state).await).await?;
    let ((email, password), (provider, provider_password)) = (sign_ins.administrator, sign_ins.provider);
    println!("The account {} has sample data of 90 days.", sign_ins.account);
    println!("Sign in:      {email}  password {password}");
    println!("As provider:  {provider}  password {provider_password}");
    println!("The passwords are shown this once.");
    Ok(())
}

fn scope(name: &str) -> Result<Scope, String> {
    let scope = Scope::ALL.into_iter().filter(|scope| *scope != Scope::Agent).find(|scope| scope.as_str() == name);
    scope.ok_or_else(|| format!("{name:?} is no scope: use read, events, lists or manage"))
}

async fn create_provider(settings: Settings, email: &str) -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() {
        eprintln!("Password, {MIN_PASSWORD} characters or more, then Enter:");
    }
    let mut password = String::new();
    std::io::stdin().read_line(&mut password).context("cannot read the password from standard input")?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    let user = work(settings, async |state| service::users::create_provider(state, email, password).await).await?;
    println!("{} can sign in as a provider.", user.email);
    Ok(())
}

async fn create_token(settings: Settings, account: &str, new: NewApiToken) -> anyhow::Result<()> {
    let token =
        look_after(settings, async |state| service::tokens::create_for_account(state, account, new).await).await?;
    println!("{}", token.secret);
    Ok(())
}

async fn verify_audit_log(settings: Settings, holds: &[String]) -> anyhow::Result<()> {
    let verification = look_after(settings, async |state| service::audit::verify(&state.db, holds).await).await?;
    let service::audit::Verification { logs, unknown_hashes } = verification;
    let mut problems = 0;
    for log in logs {
        let name = log.account_id.map_or_else(|| "the provider".to_owned(), |id| format!("account {id}"));
        match log.problem {
            Some(problem) => {
                problems += 1;
                println!("{name}: BROKEN: {problem}");
            }
            None => println!("{name}: whole, {} entries, ends with {}", log.entries, log.hash),
        }
        if log.unchained > 0 {
            println!("{name}: the first {} entries are older than the chain and cannot be checked", log.unchained);
        }
    }
    for hash in unknown_hashes {
        problems += 1;
        println!("no log holds {hash}");
    }
    anyhow::ensure!(problems == 0, "the audit log is not as it was written");
    Ok(())
}

/// Says which field is wrong, where the error knows.
fn explain(error: service::Error) -> anyhow::Error {
    match error {
        service::Error::Invalid(problems) => {
            let details: Vec<_> = problems.into_iter().map(|problem| problem.detail).collect();
            anyhow::anyhow!(details.join("; "))
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_and_key_may_be_named_in_different_places() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stoplist.toml");
        std::fs::write(&file, "tls_key = \"key.pem\"\n").unwrap();
        let load = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["stoplist", "serve"][..], arguments].concat()).unwrap();
            Settings::load(cli.settings)
        };
        let settings = load(&["--config", file.to_str().unwrap(), "--tls-certificate", "chain.pem"]).unwrap();
        assert!(settings.tls.is_some());
        let alone = load(&["--tls-certificate", "chain.pem"]).unwrap_err();
        assert!(alone.to_string().contains("tls_certificate needs tls_key"), "{alone}");
    }
}
