//! The `stoplist` command, as an operator uses it.

use crate::support::{PASSWORD, TestApp};
use serde_json::json;
use shared::run::{Run, RunState};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The command, with no settings but these.
fn stoplist(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoplist"));
    // Settings of whoever runs the tests must not reach the command.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOPLIST_")) {
        command.env_remove(name);
    }
    command.args(arguments).arg("--data-dir").arg(data_dir);
    command
}

/// Runs a command to its end.
pub fn run(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = stoplist(data_dir, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("the command reads");
    child.wait_with_output().expect("the command ends")
}

/// What a command printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running `stoplist serve`; killed when the test ends early.
pub struct Service {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    /// Where it is, with a slash at the end.
    pub address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        // After a stop that went well there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[], Stdio::null())
    }

    /// Starts it with more settings; its log goes to `log`.
    pub fn start_with(data_dir: &Path, settings: &[&str], log: Stdio) -> Self {
        crate::support::install_cryptography();
        let mut child = stoplist(data_dir, &[&["serve", "--listen", "127.0.0.1:0"][..], settings].concat())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the service starts");
        let mut output = BufReader::new(child.stdout.take().expect("standard output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("Stoplist is ready: ").expect(&line).to_owned();
        Self { child, output, address }
    }

    /// Asks the service to stop, as a supervisor does; answers what it printed since.
    pub fn terminate(mut self) -> String {
        let id = i32::try_from(self.child.id()).expect("a process id");
        let pid = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the signal is sent");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        let status = self.child.wait().expect("the service ends");
        assert!(status.success(), "SIGTERM is a normal end: {status}");
        rest
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_says_where_it_is_prints_the_code_once_needed_and_stops_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path());
    let answer = reqwest::get(format!("{}readyz", service.address)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let second = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"], "");
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains("another stoplist serves from"), "{}", text(&second.stderr));
    let printed = service.terminate();
    let code = printed.trim().strip_prefix("Set-up code: ").expect(&printed);
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 7], "{code}");

    let made = run(folder.path(), &["provider", "create", "--email", "p@example.com"], "correct horse battery\n");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let printed = Service::start(folder.path()).terminate();
    assert!(!printed.contains("Set-up code"), "{printed}");
}

#[test]
fn a_service_with_a_database_starts_within_three_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    Service::start(folder.path()).terminate();
    let start = || {
        let begun = Instant::now();
        let service = Service::start(folder.path());
        let took = begun.elapsed();
        service.terminate();
        took
    };
    // A busy machine makes one start wait; what the service itself needs is in the shortest.
    let took = [start(), start(), start()];
    assert!(took.into_iter().min() < Some(Duration::from_secs(3)), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_on_the_database_of_a_running_service() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let run = |arguments: &[&str], input: &str| {
        let database = ["--database-url", &app.settings.database_url];
        let output = run(&app.settings.data_dir, &[arguments, &database].concat(), input);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let secret = run(&["token", "create", "--account", "first", "--scope", "read,lists"], "");
    let script = app.client(Some(secret.trim().to_owned()));
    script.get(&place.path("/blocked-addresses")).await.expect(200);
    script.get("/api/v1/users").await.expect(403);
    run(&["provider", "create", "--email", "other@example.com"], &format!("{PASSWORD}\n"));
    app.sign_in("other@example.com").await.get("/api/v1/provider/accounts").await.expect(200);
    run(&["keys", "rotate"], "");
    place.administrator.get("/api/v1/users").await.expect(200);
    let verified = run(&["audit", "verify"], "");
    assert!(verified.lines().count() == 2 && verified.lines().all(|log| log.contains(": whole, ")), "{verified}");
    let doctor = run(&["doctor"], "");
    assert!(doctor.contains("database: connected; the schema is up to date"), "{doctor}");
}

/// SQLite belongs to one process.
mod on_postgres {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn two_processes_share_the_work_by_their_roles() {
        let app = TestApp::start_without_jobs().await;
        let place = app.workplace().await;
        let (folder, url) = (&app.settings.data_dir, &app.settings.database_url);
        let token = ["token", "create", "--account", "first", "--scope", "read,lists,manage", "--database-url", url];
        let token = text(&run(folder, &token, "").stdout);
        let node = |role: &str| Service::start_with(folder, &["--role", role, "--database-url", url], Stdio::null());
        let http = node("http");
        let script = TestApp::client_of(http.address.trim_end_matches('/'), Some(token.trim().to_owned()));
        let runs = place.path("/runs");
        let queued: Run = script.post(&runs, &json!({})).await.expect(202).json();
        let state = async || script.get(&format!("{runs}/{}", queued.id)).await.expect(200).json::<Run>().state;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(state().await, RunState::Queued, "nobody performs jobs");

        let jobs = node("jobs");
        let at_jobs = TestApp::client_of(jobs.address.trim_end_matches('/'), None);
        at_jobs.get("/readyz").await.expect(200);
        let answer = reqwest::get(format!("{}api/v1/server-configurations", jobs.address)).await.expect("an answer");
        assert_eq!(answer.status(), 404, "it has no API");
        let begun = Instant::now();
        while state().await != RunState::Done {
            assert!(begun.elapsed() < Duration::from_secs(40), "the run is not done");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        http.terminate();
        jobs.terminate();
    }
}

#[test]
fn an_operator_replaces_keys_and_proves_the_audit_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = run(folder.path(), &["provider", "create", "--email", "p@example.com"], "correct horse battery\n");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let mode = std::fs::metadata(folder.path().join("stoplist.db")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds keys");
    let rotated = run(folder.path(), &["keys", "rotate"], "");
    assert!(text(&rotated.stdout).contains("A new key signs"), "{}", text(&rotated.stderr));
    let verified = run(folder.path(), &["audit", "verify"], "");
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    let printed = text(&verified.stdout);
    let hash = printed.trim().strip_prefix("the provider: whole, 2 entries, ends with ").expect(&printed).to_owned();
    run(folder.path(), &["keys", "rotate", "--at-once"], "");
    let held = run(folder.path(), &["audit", "verify", "--holds", &hash], "");
    assert!(held.status.success() && text(&held.stdout).contains("whole, 3 entries"), "{}", text(&held.stdout));
    let other = run(folder.path(), &["audit", "verify", "--holds", "00ff"], "");
    assert!(!other.status.success() && text(&other.stdout).contains("no log holds 00ff"), "{}", text(&other.stdout));
}

#[test]
fn commands_say_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(folder.path(), &["migrate"], "").status.success());
    for (arguments, input, expected) in [
        (&["provider", "create", "--email", "p@example.com"][..], "short\n", "15 to 256 characters"),
        (&["provider", "create", "--email", "nobody"], "correct horse battery\n", "has no @"),
        (&["token", "create", "--account", "Nobody", "--scope", "read"], "", "no account named \"Nobody\""),
        (&["token", "create", "--account", "x", "--scope", "all"], "", "is no scope"),
        (&["serve", "--role", "jobs"], "", "PostgreSQL"),
        (&["serve", "--database-url", "mysql://x/y"], "", "sqlite: or postgres:"),
    ] {
        let output = run(folder.path(), arguments, input);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn what_looks_after_a_service_does_not_make_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [
        &["keys", "rotate", "--at-once"][..],
        &["audit", "verify"],
        &["token", "create", "--account", "Mail", "--scope", "read"],
    ] {
        let output = run(folder.path(), arguments, "");
        assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(said.contains("there is no database") && said.contains("--config"), "{arguments:?}: {said}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{arguments:?}");
    }
}

#[test]
fn doctor_and_settings_are_shown_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let doctor = run(folder.path(), &["doctor"], "");
    assert!(doctor.status.success(), "{}", text(&doctor.stdout));
    assert!(text(&doctor.stdout).contains("database: there is none yet"), "{}", text(&doctor.stdout));
    assert!(!folder.path().join("stoplist.db").exists(), "it only looks");
    let data = folder.path().join("data");
    let doctor = run(&data, &["doctor"], "");
    assert!(doctor.status.success() && !data.exists(), "it makes no folder: {}", text(&doctor.stdout));
    assert!(run(folder.path(), &["migrate"], "").status.success());
    let doctor = run(folder.path(), &["doctor"], "");
    let connected = "database: connected; the schema is up to date";
    assert!(text(&doctor.stdout).contains(connected), "{}", text(&doctor.stdout));
    let shown = run(folder.path(), &["config", "show", "--database-url", "postgres://me:secret@host/db"], "");
    assert!(text(&shown.stdout).contains("postgres://me:***@host/db"), "{}", text(&shown.stdout));
    assert!(!text(&shown.stdout).contains("secret"));
}

#[test]
fn an_empty_variable_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = stoplist(folder.path(), &["config", "show"]);
    for name in ["CONFIG", "LISTEN", "ROLE", "DATABASE_URL", "TRUSTED_PROXIES", "REQUEST_RATE", "TLS_KEY", "SMTP_URL"] {
        command.env(format!("STOPLIST_{name}"), "");
    }
    let shown = command.output().expect("the command ends");
    let settings = text(&shown.stdout);
    assert!(shown.status.success() && settings.contains("listen = \"127.0.0.1:8080\""), "{}", text(&shown.stderr));
}

#[test]
fn doctor_names_each_thing_that_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let doctor = |arguments: &[&str], data_dir: &Path| {
        let output = run(data_dir, &[&["doctor"], arguments].concat(), "");
        assert!(!output.status.success(), "{}", text(&output.stdout));
        (text(&output.stdout), text(&output.stderr))
    };
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let (lines, end) = doctor(&[], &file.join("data"));
    assert!(lines.contains("WRONG  data folder: cannot make"), "{lines}");
    assert!(end.contains("one thing is wrong"), "{end}");
    let (lines, _) = doctor(&["--database-url", "sqlite:///nowhere/x.db"], folder.path());
    assert!(lines.contains("WRONG  database: cannot make /nowhere/x.db: /nowhere is no folder"), "{lines}");

    std::fs::write(folder.path().join("stoplist.db"), "no database, whatever its name says".repeat(40))
        .expect("a file");
    // An address for documentation (RFC 5737): no machine has it.
    let (lines, end) = doctor(&["--listen", "192.0.2.1:8080"], folder.path());
    assert!(lines.contains("WRONG  database: cannot open"), "{lines}");
    assert!(lines.contains("WRONG  port: cannot listen on 192.0.2.1:8080"), "{lines}");
    assert!(end.contains("2 things are wrong"), "{end}");
}

#[test]
fn a_database_that_cannot_be_written_is_told_by_doctor_and_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(folder.path(), &["migrate"], "").status.success());
    let file = folder.path().join("stoplist.db");
    let owner = std::fs::metadata(&file).expect("a file").uid();
    let expected = format!("cannot write to the database {}: it belongs to user {owner}", file.display());
    let url = format!("sqlite://{}?mode=ro", file.display());
    let doctor = run(folder.path(), &["doctor", "--database-url", &url], "");
    let said = text(&doctor.stdout);
    assert!(!doctor.status.success() && said.contains(&format!("WRONG  database: {expected}")), "{said}");
    let serve = run(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--database-url", &url], "");
    assert!(!serve.status.success() && text(&serve.stderr).contains(&expected), "{}", text(&serve.stderr));
}

#[test]
fn doctor_says_which_files_others_can_read_and_how_to_close_them() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(folder.path(), &["migrate"], "").status.success());
    let doctor = || text(&run(folder.path(), &["doctor"], "").stdout);
    assert!(!doctor().contains("can be read"), "{}", doctor());
    let database = folder.path().join("stoplist.db");
    std::fs::set_permissions(&database, PermissionsExt::from_mode(0o644)).expect("another mode");
    let advice = format!("note   the database can be read by others: chmod 600 {}", database.display());
    assert!(doctor().contains(&advice), "{}", doctor());
}
