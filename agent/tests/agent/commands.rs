//! `stoplist-agent check` and `status`, as an operator uses them.

use crate::support::{AgentProcess, FakeService, eventually, program};
use agent::postfix::map_file;
use std::{fs, path::Path, process::Output};

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
    for (address, answer) in [
        ("A@Example.com", "a@example.com is blocked: 550 5.7.1 Blocked by Stoplist: address keeps failing\n"),
        ("foo@", "foo@ is blocked: 550 "),
        ("b@example.com", "b@example.com is not blocked\n"),
        ("foo@example.com", "foo@example.com is not blocked\n"),
    ] {
        let told = printed(folder, &["check", address]);
        assert!(told.starts_with(answer) && told.contains("(the list on disk, version 0 of epoch"), "{told}");
    }
    assert!(error(folder, &["check", " "]).contains("is not a mail address"));
    let told = || printed(folder, &["status"]);
    eventually("the state is written", || told().contains("acknowledged   yes")).await;
    assert!(told().starts_with("service ") && told().contains("addresses      2\n"), "{}", told());
    assert!(told().contains("problem        none") && told().contains("mail log       not followed"), "{}", told());

    let map = folder.join("data/blocklist.cdb");
    eventually("the map file is written", || map_file::look_up(&map, "a@example.com").unwrap().is_some()).await;
    agent.kill();
    fs::write(folder.join("data/list.snapshot"), "damaged").unwrap();
    for (address, answer) in [("a@example.com", "is blocked: 550"), ("b@example.com", "is not blocked")] {
        let told = printed(folder, &["check", address]);
        assert!(told.contains(answer) && told.contains("(the map file, because list.snapshot is damaged)"), "{told}");
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
