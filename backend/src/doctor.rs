//! `stoplist doctor`: looks at everything the service needs and says what is wrong.

use crate::{clock::Clock, config::Settings, store::Db};
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::path::Path;

/// Checks settings, folder, database, time zones and port; prints a line for each.
///
/// # Errors
/// Something is wrong; the lines say what.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let checks = [
        ("settings", Ok(format!("read; listening would be on {}", settings.listen))),
        ("data folder", data_folder(&settings.data_dir)),
        ("database", database(settings).await),
        ("time zones", time_zones()),
        ("port", port(settings)),
    ];
    let mut wrong = 0;
    for (name, result) in checks {
        match result {
            Ok(detail) => println!("ok     {name}: {detail}"),
            Err(detail) => {
                wrong += 1;
                println!("WRONG  {name}: {detail}");
            }
        }
    }
    for warning in settings.warnings() {
        println!("note   {warning}");
    }
    match wrong {
        0 => Ok(()),
        1 => anyhow::bail!("one thing is wrong"),
        _ => anyhow::bail!("{wrong} things are wrong"),
    }
}

fn data_folder(folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {shown}: {error}"))?;
    let probe = folder.join(".stoplist-doctor");
    std::fs::write(&probe, b"x").map_err(|error| format!("cannot write in {shown}: {error}"))?;
    std::fs::remove_file(&probe).map_err(|error| format!("cannot remove files in {shown}: {error}"))?;
    Ok(format!("{shown} can be written"))
}

async fn database(settings: &Settings) -> Result<String, String> {
    // Looking must not make it: an empty one would pass for the service's own.
    if let Some(file) = settings.sqlite_file().filter(|file| !file.exists()) {
        return Ok(format!("there is none yet; the first start makes {}", file.display()));
    }
    let db = Db::connect(&settings.database_url).await.map_err(|error| format!("cannot connect: {error}"))?;
    let pending = db.pending_migrations().await.map_err(|error| format!("cannot read the schema: {error}"));
    db.close().await;
    Ok(match pending? {
        0 => "connected; the schema is up to date".to_owned(),
        pending => {
            format!("connected; {pending} migrations are pending: `stoplist migrate`, or the next start, runs them")
        }
    })
}

/// The zones are part of the binary: this proves that they answer for the present year.
fn time_zones() -> Result<String, String> {
    let now = Clock::system().now();
    let offset = now.with_timezone(&Tz::Asia__Tokyo).naive_local() - now.naive_utc();
    if offset == TimeDelta::hours(9) {
        Ok(format!("{} zones, IANA {}", chrono_tz::TZ_VARIANTS.len(), chrono_tz::IANA_TZDB_VERSION))
    } else {
        Err(format!("Asia/Tokyo is {offset} ahead of UTC, not 9 hours: this build is broken"))
    }
}

fn port(settings: &Settings) -> Result<String, String> {
    match std::net::TcpListener::bind(settings.listen) {
        Ok(_) => Ok(format!("{} is free", settings.listen)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{} is in use; by the running service, if there is one", settings.listen))
        }
        Err(error) => Err(format!("cannot listen on {}: {error}", settings.listen)),
    }
}
