//! Mail logs that are truncated, and no copy of what was in them is beside them.

use crate::{
    events::{append, bounced, read, restart},
    support::{AgentProcess, FakeService, eventually},
};
use agent::events::log_file::{LogFile, LogPosition};
use std::{collections::BTreeSet, fs, fs::OpenOptions, io::Write, path::Path};

#[test]
fn a_log_that_was_truncated_and_written_to_again_is_read_once_and_whole() {
    // Nothing yet; less than was read before, as much and more.
    for written in ["", "three\n", "another\n", "three\nfour\nfive\n"] {
        for restarted in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("mail.log");
            append(&path, "one\ntwo\nhalf a li");
            let mut log = LogFile::new(path.clone(), LogPosition::default());
            assert_eq!(read(&mut log), ["one", "two"]);
            fs::write(&path, written).unwrap();
            if restarted {
                log = restart(&path, &log);
            }
            let lines = read(&mut log);
            assert_eq!(lines, written.lines().collect::<Vec<_>>(), "{written:?}, restarted: {restarted}");
            append(&path, "last\n");
            assert_eq!(read(&mut log), ["last"], "{written:?}, restarted: {restarted}");
        }
    }
}

/// An agent that follows the log in this folder.
fn follow(folder: &Path, service: &FakeService) -> AgentProcess {
    let more = format!("mail_log = {:?}\nmyhostname = \"pfe\"\n", folder.join("mail.log"));
    AgentProcess::start(folder, service.address, &more)
}

/// What each report says of a field, in their order.
fn reported(service: &FakeService, field: &str) -> Vec<String> {
    service.state().reports.iter().map(|event| event[field].as_str().unwrap().to_owned()).collect()
}

/// Whom the first errors are about.
fn addresses<T: FromIterator<String>>(count: usize) -> T {
    (0..count).map(|n| format!("user{n}@example.com")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_after_a_truncation_reaches_the_service_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("mail.log");
    let service = FakeService::start([]).await;
    // Goes on in the file that it once opened, as syslog daemons do.
    let mut writer = OpenOptions::new().create(true).append(true).open(&log).unwrap();
    let mut write = |n| writer.write_all(bounced(n).as_bytes()).unwrap();
    let _agent = follow(folder.path(), &service);
    let mut count = 0;
    // Fewer errors than were in the log before, and more.
    for more in [20, 5, 60] {
        OpenOptions::new().write(true).open(&log).unwrap().set_len(0).unwrap();
        (count..count + more).for_each(&mut write);
        count += more;
        eventually("the errors arrive", || reported(&service, "address").len() >= count).await;
    }
    // Once more without a truncation: by then anything that is read again would have arrived.
    write(count);
    let last = format!("user{count}@example.com");
    eventually("the last arrives", || reported(&service, "address").contains(&last)).await;
    assert_eq!(reported(&service, "address"), addresses::<Vec<_>>(count + 1));
}

/// Up to where the agents with this folder have noted to have read their log.
fn noted(folder: &Path) -> Option<u64> {
    let json = fs::read(folder.join("data/mail-log.json")).ok()?;
    serde_json::from_slice::<serde_json::Value>(&json).unwrap()["log"]["octets"].as_u64()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_after_a_truncation_while_the_agent_was_down_reaches_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let log = folder.join("mail.log");
    let service = FakeService::start([]).await;
    let errors = |from: usize, to: usize| (from..to).map(bounced).collect::<String>();
    let mut count = 20;
    append(&log, &errors(0, count));
    let mut agent = follow(folder, &service);
    // Fewer errors than were in the log before, and more.
    for more in [5, 60] {
        let length = fs::metadata(&log).unwrap().len();
        eventually("the position is noted", || noted(folder) == Some(length)).await;
        agent.kill();
        fs::write(&log, errors(count, count + more)).unwrap();
        count += more;
        agent = follow(folder, &service);
    }
    let all: BTreeSet<_> = addresses(count);
    let arrived = || reported(&service, "address").into_iter().collect::<BTreeSet<_>>();
    eventually("every error arrives", || arrived() == all).await;
    // One whose receipt a kill kept from being noted may come twice, and counts once.
    assert_eq!(reported(&service, "id").into_iter().collect::<BTreeSet<_>>().len(), count);
}
