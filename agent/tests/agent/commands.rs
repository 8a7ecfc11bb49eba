//! `stoplist-agent check` and `status`, as an operator uses them.

use crate::{
    events::{append, bounced},
    support::{AgentProcess, FakeService, eventually, program},
};
use agent::postfix::map_file;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn error(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_answered_and_status_what_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = FakeService::start(["a@example.com", "foo@"].map(str::to_owned)).await;
    let agent = AgentProcess::start(folder, service.address, "");
    service.in_sync().await;
    let configuration = folder.join("agent.toml");
    let told = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, told.replacen("127.0.0.1:0", &agent.policy.to_string(), 1)).unwrap();
    for (address, answer) in [
        ("A@Example.com", "a@example.com is blocked: 550 5.7.1 Blocked by Stoplist: address keeps failing\n"),
        ("foo@", "foo@ is blocked: 550 "),
        ("b@example.com", "b@example.com is not blocked\n"),
        ("foo@example.com", "foo@example.com is not blocked\n"),
    ] {
        let told = printed(folder, &["check", address]);
        assert!(told.starts_with(answer) && told.ends_with(&format!("(the agent on {})\n", agent.policy)), "{told}");
    }
    assert!(error(folder, &["check", " "]).contains("is not a mail address"));
    let told = || printed(folder, &["status"]);
    eventually("the state is written", || told().contains("acknowledged   yes")).await;
    assert!(told().starts_with("service ") && told().contains("addresses      2\n"), "{}", told());
    assert!(told().contains("problem        none") && told().contains("mail log       not followed"), "{}", told());

    let map = folder.join("data/blocklist.cdb");
    eventually("the map file is written", || map_file::look_up(&map, "a@example.com").unwrap().is_some()).await;
    let source = format!("(the map file, because on {} no agent answers: ", agent.policy);
    agent.kill();
    // To Postfix, `foo@` in the map file would be every foo of all domains.
    for (address, answer) in
        [("a@example.com", "is blocked: 550"), ("b@example.com", "is not blocked"), ("foo@", "is not blocked")]
    {
        let told = printed(folder, &["check", address]);
        assert!(told.contains(answer) && told.contains(&source), "{told}");
    }
    fs::remove_file(map).unwrap();
    assert!(error(folder, &["check", "a@example.com"]).contains("cannot be read"));

    let status = folder.join("data/status.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&status).unwrap()).unwrap();
    state["at"] = "2020-01-01T00:00:00Z".into();
    fs::write(&status, state.to_string()).unwrap();
    assert!(told().starts_with("The agent is not running. Its last state, of 2020-01-01"), "{}", told());
    fs::remove_file(status).unwrap();
    assert!(error(folder, &["status"]).contains("has the agent ever run"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_log_that_is_not_there_is_told_until_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, log) = (folder.path(), folder.path().join("mail.log"));
    let service = FakeService::start([]).await;
    let _agent = AgentProcess::start(folder, service.address, &format!("mail_log = {log:?}\n"));
    let missing = format!("there is no mail log {}", log.display());
    let told = || printed(folder, &["status"]);
    let has_run = folder.join("data/status.json");
    eventually("the status tells", || has_run.exists() && told().contains(&missing)).await;
    append(&log, &bounced(0));
    eventually("the error arrives", || service.state().reports.len() == 1).await;
    eventually("nothing is wrong any more", || told().contains("problem        none")).await;
    let said = fs::read_to_string(folder.join("agent.log")).unwrap();
    assert_eq!(said.matches(&missing).count(), 1, "{said}");
}

/// Everything in a folder, and the folder.
fn all_below(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(&folder).into_iter().flatten().flat_map(|entry| all_below(entry.unwrap().path()));
    entries.collect::<Vec<_>>().into_iter().chain([folder]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agent_writes_nobody_else_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, log) = (folder.path(), folder.path().join("mail.log"));
    let service = FakeService::start(["a@example.com".to_owned()]).await;
    service.state().report_status = 422;
    append(&log, &bounced(0));
    let _agent = AgentProcess::start(folder, service.address, &format!("mail_log = {log:?}\n"));
    service.in_sync().await;
    let data = folder.join("data");
    let written = ["list.snapshot", "list.journal", "mail-log.json", "spool/rejected.ndjson", "status.json"];
    eventually("all is written", || written.iter().all(|name| data.join(name).exists())).await;
    let map = data.join("blocklist.cdb");
    eventually("the map file is written", || map_file::look_up(&map, "a@example.com").unwrap().is_some()).await;
    for path in all_below(data) {
        // The next version of a file may be in its place meanwhile.
        let Ok(file) = fs::metadata(&path) else { continue };
        let mode = file.permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}
