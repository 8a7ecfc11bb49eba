//! The `stoplist` command.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match backend::cli::run(backend::cli::Cli::read()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stoplist: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
