//! A PostgreSQL of our own: in a temporary folder, on a free port of the loopback interface, gone afterwards.

use crate::debian;
use crate::process::{self, say};
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Becomes the server, which gets SIGINT (disconnect everybody and stop) when the pipe from us closes: also when we are
/// killed and can no longer stop it ourselves.
const STOP_WITH_US: &str = "exec 3<&0; { read -r _ <&3; kill -INT $$; } & exec \"$@\" 3<&- </dev/null";

/// A running cluster; dropping it stops the server and removes its files.
pub struct Cluster {
    server: Child,
    url: String,
    _folder: TempDir,
}

impl Cluster {
    /// A cluster for tests: nothing in it has to survive a power failure, and they are faster for it.
    pub fn for_tests() -> Result<Self> {
        let careless = ["max_connections=400", "fsync=off", "synchronous_commit=off", "full_page_writes=off"];
        Self::start(&std::env::temp_dir(), &careless)
    }

    /// Installs PostgreSQL when it is missing, initialises a cluster in a temporary folder below `parent` and starts it
    /// with `settings`.
    pub fn start(parent: &Path, settings: &[&str]) -> Result<Self> {
        let programs = programs()?;
        let user = User::choose()?;
        let folder = tempfile::Builder::new().prefix("stoplist-postgres-").tempdir_in(parent)?;
        user.give(folder.path())?;
        let data = folder.path().join("data");
        let mut initdb = user.command(&programs.join("initdb"), folder.path());
        initdb.arg("--pgdata").arg(&data).args(["--username=stoplist", "--auth=trust", "--no-sync"]);
        process::output(initdb.args(["--encoding=UTF8", "--locale=C.UTF-8"]))?;
        let port = free_port()?;
        let log = folder.path().join("log");
        let mut server = user.command(Path::new("sh"), folder.path());
        server.args(["-c", STOP_WITH_US, "sh"]).arg(programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-p").arg(port.to_string());
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories="].iter().chain(settings) {
            server.args(["-c", setting]);
        }
        let log_file = File::create(&log)?;
        let server = server.stdin(Stdio::piped()).stdout(log_file.try_clone()?).stderr(log_file).spawn()?;
        let url = format!("postgres://stoplist@127.0.0.1:{port}/postgres");
        let mut cluster = Self { server, url, _folder: folder };
        cluster.wait_until_ready(&programs, port, &log)?;
        say(format_args!("PostgreSQL is ready at {}", cluster.url));
        Ok(cluster)
    }

    /// Of the database `postgres`, in which tests may create others.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait_until_ready(&mut self, programs: &Path, port: u16, log: &Path) -> Result<()> {
        let begun = Instant::now();
        let mut ask = Command::new(programs.join("pg_isready"));
        ask.args(["-q", "-h", "127.0.0.1", "-U", "stoplist", "-p", &port.to_string()]);
        while !ask.status()?.success() {
            let ended = self.server.try_wait()?.is_some();
            if ended || begun.elapsed() > Duration::from_secs(30) {
                bail!("PostgreSQL does not start: {}", fs::read_to_string(log).unwrap_or_default().trim());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Waiting closes the server's pipe first, which stops it.
        if let Err(error) = self.server.wait() {
            say(format_args!("PostgreSQL did not stop: {error}"));
        }
    }
}

/// The folder with `initdb` of the newest PostgreSQL on this machine.
fn programs() -> Result<PathBuf> {
    if let Some(found) = installed_programs() {
        return Ok(found);
    }
    debian::install(&["postgresql"])?;
    installed_programs().context("the package postgresql brought no initdb")
}

fn installed_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .max()
        .map(|(_, folder)| folder);
    debian.or_else(|| process::find("initdb")?.parent().map(Path::to_path_buf))
}

/// As whom the server runs: PostgreSQL refuses to run as root.
struct User(Option<(u32, u32)>);

impl User {
    fn choose() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let ids = ["postgres", "nobody"].iter().find_map(|name| user_ids(&users, name));
        ensure!(ids.is_some(), "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`");
        Ok(Self(ids))
    }

    fn give(&self, folder: &Path) -> Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = self.0 {
            std::os::unix::fs::chown(folder, Some(user), Some(group))?;
        }
        Ok(())
    }

    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}

/// User and group number of a name in the format of passwd(5).
fn user_ids(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        found.then_some((user, group))
    })
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::user_ids;

    #[test]
    fn reads_passwd() {
        let users = "root:x:0:0:root:/root:/bin/bash\nodd line\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(user_ids(users, "nobody"), Some((65534, 65533)));
        assert_eq!(user_ids(users, "postgres"), None);
    }
}
