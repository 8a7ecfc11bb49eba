//! `stoplist doctor`: looks at everything the service needs and says what is wrong.

use crate::{app, clock::Clock, config::Settings, store::Db};
use chrono::TimeDelta;
use chrono_tz::Tz;
use rustix::fs::{Access, access};
use std::path::Path;

/// Checks settings, folders, database, time zones and port; prints a line for each.
///
/// # Errors
/// Something is wrong; the lines say what.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let checks = [
        ("settings", Ok(format!("read; listening would be on {}", settings.listen))),
        ("data folder", data_folder(&settings.data_dir)),
        ("temporary folder", temporary_folder(settings)),
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
    if !folder.exists() {
        let above = folder.ancestors().map(from_here).find(|ancestor| ancestor.exists()).unwrap_or(folder);
        may_write_in(above).map_err(|error| format!("cannot make {shown}: {error}"))?;
        return Ok(format!("there is none yet; the first start makes {shown}"));
    }
    let probe = folder.join(".stoplist-doctor");
    std::fs::write(&probe, b"x").map_err(|error| format!("cannot write in {shown}: {error}"))?;
    std::fs::remove_file(&probe).map_err(|error| format!("cannot remove files in {shown}: {error}"))?;
    Ok(format!("{shown} can be written"))
}

/// A relative path ends with nothing, which is the folder that the process is in.
fn from_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Looking must not make what the service makes itself: it would belong to whoever looks.
fn may_write_in(folder: &Path) -> Result<(), String> {
    if !folder.is_dir() {
        return Err(format!("{} is no folder", folder.display()));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Where SQLite puts what does not fit into its memory. A unit may give the service others than whoever looks has.
fn temporary_folder(settings: &Settings) -> Result<String, String> {
    let Some(file) = settings.sqlite_file() else { return Ok("PostgreSQL has its own".to_owned()) };
    if let Some(folder) = Db::temporary_folder() {
        return Ok(format!("{} can be written", folder.display()));
    }
    let beside = from_here(file.parent().unwrap_or(&file));
    // The data folder is made with the database.
    if beside.exists() {
        may_write_in(beside)?;
    }
    Ok(format!("none of the usual ones can be written; {} is used", beside.display()))
}

async fn database(settings: &Settings) -> Result<String, String> {
    // An empty one would pass for the service's own.
    if let Some(file) = settings.sqlite_file().filter(|file| !file.exists()) {
        let folder = from_here(file.parent().unwrap_or(&file));
        // The data folder is made with it.
        if !settings.data_dir.starts_with(folder) {
            may_write_in(folder).map_err(|error| format!("cannot make {}: {error}", file.display()))?;
        }
        return Ok(format!("there is none yet; the first start makes {}", file.display()));
    }
    let db = app::connect(settings).await.map_err(|error| format!("{error:#}"))?;
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
