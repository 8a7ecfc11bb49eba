//! The `stoplist` command, as an operator uses it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
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
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4], "{code}");

    let made = run(folder.path(), &["provider", "create", "--email", "p@example.com"], "correct horse battery\n");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let printed = Service::start(folder.path()).terminate();
    assert!(!printed.contains("Set-up code"), "{printed}");
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
fn doctor_and_settings_are_shown_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let doctor = run(folder.path(), &["doctor"], "");
    assert!(doctor.status.success(), "{}", text(&doctor.stdout));
    assert!(text(&doctor.stdout).contains("database: connected"), "{}", text(&doctor.stdout));
    let shown = run(folder.path(), &["config", "show", "--database-url", "postgres://me:secret@host/db"], "");
    assert!(text(&shown.stdout).contains("postgres://me:***@host/db"), "{}", text(&shown.stdout));
    assert!(!text(&shown.stdout).contains("secret"));
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
