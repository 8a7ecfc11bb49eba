//! Bounce messages on their way from Postfix to the service.

use crate::{
    events::append,
    support::{AgentProcess, FakeService, Policy, bounce, config, eventually, program},
};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    path::Path,
    process::Stdio,
};

/// A report of the server `pfe.mta.test` about `u-511-a@gm.test`.
const REPORT: &[u8] = include_bytes!("../../../bounces/tests/samples/postfix-dsn/u-511-a@gm.test.eml");
/// The configuration of an agent on that server.
const OURS: &str = "myhostname = \"pfe.mta.test\"\nsyslog_name = \"pfe\"\nbounce_mailbox = \"bounce\"\n";
/// A report of a server that is not ours about `u-511-x@x.test`.
const FROM_ELSEWHERE: &[u8] = include_bytes!("../../../bounces/tests/samples/exim-dsn/u-511-x@x.test.eml");
/// A bounce address of that agent.
const TO_US: &str = "--recipient=bounce@bounces.ours.test";

/// The lines about that message in the server's log.
fn log_lines() -> String {
    let log = include_str!("../../../bounces/tests/samples/postfix-maillog.log");
    log.lines().filter(|line| line.contains("774D49DE0F4")).map(|line| format!("{line}\n")).collect()
}

/// The address and the id of each report.
fn reports(service: &FakeService) -> Vec<(String, String)> {
    let text = |event: &serde_json::Value, field: &str| event[field].as_str().unwrap().to_owned();
    service.state().reports.iter().map(|event| (text(event, "address"), text(event, "id"))).collect()
}

/// The names in the folder that messages are handed over in.
fn waiting(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("data/incoming")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_message_waits_for_the_agent_and_the_service_and_counts_as_its_log_line() {
    let folder = tempfile::tempdir().unwrap();
    let gone = FakeService::start([]).await.away().await;
    let log = folder.path().join("mail.log");
    let more = format!("{OURS}mail_log = {log:?}\n");
    config(folder.path(), gone.0, &more);
    fs::create_dir(folder.path().join("data")).unwrap();
    // No agent has ever run here. Postfix delivers a message twice when it is killed in between.
    for _ in 0..2 {
        let output = bounce(folder.path(), &[TO_US], REPORT);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "failures taken: 1\n");
    }
    assert_eq!(waiting(folder.path()).len(), 1);
    let agent = AgentProcess::start(folder.path(), gone.0, &more);
    eventually("the agent takes it over", || waiting(folder.path()).is_empty()).await;
    agent.kill();
    let service = FakeService::back(gone).await;
    let _agent = AgentProcess::start(folder.path(), service.address, &more);
    eventually("it arrives", || reports(&service).len() == 1).await;
    append(&log, &log_lines());
    eventually("the log line arrives", || reports(&service).len() == 2).await;
    assert!(bounce(folder.path(), &[TO_US], REPORT).status.success());
    eventually("it arrives at once", || reports(&service).len() == 3).await;
    let counted: BTreeSet<_> = reports(&service).into_iter().collect();
    assert_eq!(counted.len(), 1, "all are one failure: {counted:?}");
    assert_eq!(counted.first().unwrap().0, "u-511-a@gm.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bounce_address_tells_whom_the_message_was_sent_to() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start([]).await;
    let more = "myhostname = \"mx.ours.test\"\nbounce_mailbox = \"bounce\"\n";
    let _agent = AgentProcess::start(folder.path(), service.address, more);
    let verp = "--recipient=bounce+taro+news=example.com@bounces.ours.test";
    assert!(bounce(folder.path(), &[verp], FROM_ELSEWHERE).status.success());
    let plain = b"From: MAILER-DAEMON@far.test\nMessage-Id: <1@far.test>\n\n<x@far.test>:\nRemote host said: 550 5.1.1 User unknown\n";
    let hanako = "--recipient=bounce+hanako=example.com@bounces.ours.test";
    assert!(bounce(folder.path(), &[hanako], plain).status.success());
    eventually("both arrive", || reports(&service).len() == 2).await;
    let addresses: BTreeSet<_> = reports(&service).into_iter().map(|(address, _)| address).collect();
    assert_eq!(addresses.into_iter().collect::<Vec<_>>(), ["hanako@example.com", "taro+news@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_knows_the_mailbox_is_believed_and_nobody_is_told_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start([]).await;
    let more = "myhostname = \"mx.ours.test\"\nbounce_mailbox = \"news-7Q2x\"\nbounce_domain = \"bounces.ours.test\"\n";
    let _agent = AgentProcess::start(folder.path(), service.address, more);
    let take = |local: &str| {
        let recipient = format!("--recipient={local}@bounces.ours.test");
        let output = bounce(folder.path(), &[&recipient], FROM_ELSEWHERE);
        assert!(output.status.success(), "{local}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let dropped = "dropped: only what comes to bounce_mailbox or bounce_mailbox+user=domain is taken\n";
    for forged in
        ["bounce+victim=example.com", "bounce", "news-7Q2x+victim", "news+news-7Q2x=ours.test", "postmaster", ""]
    {
        assert_eq!(take(forged), dropped, "{forged:?}");
    }
    for ours in ["news-7Q2x+taro=example.com", "NEWS-7q2X+hanako=example.com", "news-7Q2x"] {
        assert_eq!(take(ours), "failures taken: 1\n", "{ours:?}");
    }
    eventually("these arrive", || reports(&service).len() == 3).await;
    let addresses: BTreeSet<_> = reports(&service).into_iter().map(|(address, _)| address).collect();
    assert_eq!(addresses.into_iter().collect::<Vec<_>>(), ["hanako@example.com", "taro@example.com", "u-511-x@x.test"]);
}

/// The configuration of an agent that did not ask for the mailbox yet.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_the_mailbox_works_says_what_is_missing_and_loses_no_bounce_message() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = FakeService::start(["a@example.com".to_owned()]).await;
    let agent = AgentProcess::start(folder, service.address, "bounce_domain = \"bounces.ours.test\"\n");
    service.in_sync().await;
    assert!(Policy::open(agent.policy).await.refuses("a@example.com").await);
    let missing = "bounce messages wait in Postfix's queue until agent.toml has bounce_mailbox";
    let status = || fs::read_to_string(folder.join("data/status.json")).unwrap_or_default();
    eventually("the status tells", || status().contains(missing)).await;
    assert!(AgentProcess::has_said(folder, missing));
    let output = bounce(folder, &[TO_US], REPORT);
    assert_eq!(output.status.code(), Some(75), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(missing), "{output:?}");
    let lines = program(folder).arg("postfix-config").output().unwrap();
    assert!(String::from_utf8_lossy(&lines.stdout).contains(missing), "{lines:?}");
}

#[test]
fn every_exit_status_is_one_that_postfix_understands() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    config(folder.path(), "127.0.0.1:1".parse().unwrap(), OURS);
    let status = |arguments: &[&str], message: &[u8]| bounce(folder.path(), arguments, message).status.code();
    assert_eq!(status(&[TO_US], REPORT), Some(75), "there is no data folder");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("incoming"), "").unwrap();
    assert_eq!(status(&[TO_US], REPORT), Some(75), "it cannot be written in");
    fs::remove_file(data.join("incoming")).unwrap();
    assert_eq!(status(&["--recipent=x"], REPORT), Some(75), "a mistake in master.cf");
    assert_eq!(status(&[], REPORT), Some(75), "nothing tells which address it came to");
    let settings = fs::read_to_string(folder.path().join("agent.toml")).unwrap();
    fs::write(folder.path().join("agent.toml"), "nonsense").unwrap();
    assert_eq!(status(&[TO_US], REPORT), Some(75), "a mistake in the configuration");
    fs::write(folder.path().join("agent.toml"), settings).unwrap();

    // Nothing to take: dropped, never sent back.
    let late = String::from_utf8_lossy(REPORT).replace("Action: failed", "Action: delayed");
    for (message, said) in [
        (late.as_bytes(), "reports no failure"),
        (b"Subject: Out of office\n\nI am away.\n", "dropped: this is no bounce message"),
        (b"", "dropped: this is no mail message"),
        (&[0xff; 5_000], "dropped: "),
    ] {
        let output = bounce(folder.path(), &[TO_US], message);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.starts_with(said), "{said}: {output:?}");
    }
    assert!(!data.join("incoming").exists(), "nothing was stored");
    assert_eq!(status(&[TO_US], REPORT), Some(0));
}

#[test]
fn a_huge_message_is_read_to_its_end_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path(), "127.0.0.1:1".parse().unwrap(), OURS);
    fs::create_dir(folder.path().join("data")).unwrap();
    let program = program(folder.path());
    let mut command = std::process::Command::new("sh");
    // 150 MB of addresses, less than the message has.
    command.args(["-c", "ulimit -v 150000; exec \"$@\"", "sh"]).arg(program.get_program()).args(program.get_args());
    let mut child = command.args(["bounce", TO_US]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut report = REPORT.to_vec();
    // The copy of the message stands behind the report.
    report.truncate(report.len() - 40);
    input.write_all(&report).unwrap();
    let line = [b"x".repeat(76), b"\r\n".to_vec()].concat().repeat(1_000);
    for _ in 0..3_000 {
        input.write_all(&line).unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    let mut said = String::new();
    child.stdout.unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "failures taken: 1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_writer_or_a_bad_disk_leaves_behind_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start([]).await;
    config(folder.path(), service.address, OURS);
    let incoming = folder.path().join("data/incoming");
    fs::create_dir_all(&incoming).unwrap();
    let mut child = program(folder.path()).args(["bounce", TO_US]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&REPORT[..REPORT.len() / 2]).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(waiting(folder.path()).is_empty(), "half a message is no message");
    // Killed while writing, long ago and just now.
    for (name, age) in [(".old", 48), (".new", 0)] {
        let file = fs::File::create(incoming.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - std::time::Duration::from_secs(age * 3_600)).unwrap();
    }
    fs::write(incoming.join("damaged.json"), "[{\"id\":").unwrap();
    // What cannot be read, not even as root.
    fs::create_dir(incoming.join("a-folder.json")).unwrap();
    assert!(bounce(folder.path(), &[TO_US], REPORT).status.success());
    let _agent = AgentProcess::start(folder.path(), service.address, OURS);
    eventually("the sound one arrives", || reports(&service).len() == 1).await;
    let status = || fs::read_to_string(folder.path().join("data/status.json")).unwrap_or_default();
    eventually("what stays is told", || status().contains("cannot take over") && status().contains("a-folder")).await;
    fs::remove_dir(incoming.join("a-folder.json")).unwrap();
    eventually("the folder is tidy", || waiting(folder.path()) == [".new"]).await;
    eventually("nothing is wrong any more", || status().contains("\"problem\": null")).await;
    let rejected = fs::read_to_string(folder.path().join("data/spool/rejected.ndjson")).unwrap();
    assert!(rejected.lines().count() == 1 && rejected.contains("[{"), "the damaged one is put aside: {rejected}");
}
