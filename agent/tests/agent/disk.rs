//! A disk that is really full: a small tmpfs as the agent's data folder.

use crate::{
    events::{append, bounced},
    support::{AgentProcess, FakeService, Policy, bounce, eventually},
};
use agent::{list::List, postfix::map_file};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use uuid::Uuid;

/// A tmpfs over a folder; it goes away with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf, size: &str) -> Self {
        fs::create_dir_all(&path).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "stoplist-test"]).arg(&path);
        let output = command.output().expect("this test needs the command mount");
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "this test fills a tmpfs: run it as root, where mounting is allowed ({why})");
        Self(path)
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[0; 4_096]).is_ok() {}
        assert!(fs::write(self.0.join("probe"), [0; 4_096]).is_err(), "it is full");
        fs::remove_file(self.0.join("probe")).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }

    fn names(&self) -> BTreeSet<String> {
        fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: an agent may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn keys(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("user{n}@example.com"))
}

/// The addresses and ids of the reported events.
fn reported(service: &FakeService) -> (BTreeSet<String>, BTreeSet<String>) {
    let state = service.state();
    let text = |field: &str| state.reports.iter().map(|event| event[field].as_str().unwrap().to_owned()).collect();
    (text("address"), text("id"))
}

/// How far the log was read, by what a restart goes on from.
fn saved_octets(data: &Path) -> u64 {
    let json = fs::read(data.join("mail-log.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&json).unwrap()["log"]["octets"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_holds_back_acknowledgements_and_events_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let disk = SmallDisk::mount(data.clone(), "4m");
    let log = folder.path().join("mail.log");
    let service = FakeService::start(keys(1_000)).await;
    let more = format!("mail_log = {log:?}\nmyhostname = \"pfe\"\nbounce_mailbox = \"bounce\"\n");
    let start = || AgentProcess::start(folder.path(), service.address, &more);
    let agent = start();
    service.in_sync().await;
    append(&log, &bounced(0));
    eventually("an error arrives", || reported(&service).0.len() == 1).await;
    eventually("and the position is saved", || data.join("mail-log.json").exists()).await;
    let map = data.join("blocklist.cdb");
    eventually("the map file is written", || map_file::look_up(&map, "user999@example.com").unwrap().is_some()).await;
    let whole_map = fs::read(&map).unwrap();

    disk.fill();
    let mut postfix = Policy::open(agent.policy).await;
    for round in 1..=3 {
        service.publish(|keys| {
            keys.remove(&format!("user{round}@example.com"));
            keys.extend((0..500).map(|n| format!("new{n}-in-round{round}@example.com")));
        });
        // One change after the other takes effect, although the first is not on disk. Its addresses do so one by one.
        while !postfix.refuses(&format!("new499-in-round{round}@example.com")).await {}
        while postfix.refuses(&format!("user{round}@example.com")).await {}
    }
    (1..=5_000).for_each(|n| append(&log, &bounced(n)));
    let waits = "cannot spool events; the mail log waits";
    eventually("the agent says that the log waits", || AgentProcess::has_said(folder.path(), waits)).await;
    let report = include_bytes!("../../../bounces/tests/samples/postfix-dsn/a@nomx.test.eml");
    let full = bounce(folder.path(), &["--recipient=bounce@bounces.ours.test"], report);
    assert_eq!(full.status.code(), Some(75), "Postfix keeps the bounce message");
    assert!(String::from_utf8_lossy(&full.stderr).contains("cannot write in data_dir"), "{full:?}");

    let check = || {
        assert!(service.state().acknowledged.iter().all(|position| position.version == 0), "acknowledged too early");
        let reader = List::new(&data).reader().unwrap();
        reader.for_each_key(|_| {}).unwrap();
        assert_eq!((reader.position.version, reader.position.count), (0, 1_000), "the list on disk is the old one");
        assert!(fs::read(&map).unwrap() == whole_map, "the map file is the old one, and whole");
        assert!(!disk.names().iter().any(|name| name.starts_with("list.snapshot.") || name.ends_with(".cdb.new")));
        assert!(saved_octets(&data) < fs::metadata(&log).unwrap().len(), "lines that are not spooled are not read");
    };
    check();
    // A restart on the full disk: the old list from disk, what is newer from the service.
    agent.kill();
    let agent = start();
    let mut postfix = Policy::open(agent.policy).await;
    while !postfix.ask("new499-in-round3@example.com").await.is_some_and(|answer| answer.contains("Blocked")) {
        postfix = Policy::open(agent.policy).await;
    }
    while postfix.refuses("user3@example.com").await {}
    assert!(postfix.refuses("user999@example.com").await, "the old list stays");
    check();

    disk.make_room();
    service.in_sync().await;
    assert_eq!(service.state().snapshots, 1, "all came as changes");
    eventually("every error arrives", || reported(&service).0.len() == 5_001).await;
    assert_eq!(reported(&service).1.len(), 5_001, "what was sent twice has the same id");
    eventually("the map file follows", || {
        map_file::look_up(&map, "new499-in-round3@example.com").unwrap().is_some()
            && map_file::look_up(&map, "user3@example.com").unwrap().is_none()
    })
    .await;
    let reader = List::new(&data).reader().unwrap();
    reader.for_each_key(|_| {}).unwrap();
    assert_eq!(reader.position.version, 3);
    eventually("the position is saved", || saved_octets(&data) == fs::metadata(&log).unwrap().len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_full_of_events_empties_itself_when_the_service_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _disk = SmallDisk::mount(data.clone(), "1m");
    let log = folder.path().join("mail.log");
    let gone = FakeService::start([]).await.away().await;
    let more = format!("mail_log = {log:?}\nmyhostname = \"pfe\"\n");
    let _agent = AgentProcess::start(folder.path(), gone.0, &more);
    (0..6_000).for_each(|n| append(&log, &bounced(n)));
    let waits = "cannot spool events; the mail log waits";
    eventually("the disk is full", || AgentProcess::has_said(folder.path(), waits)).await;
    let service = FakeService::back(gone).await;
    eventually("every error arrives", || reported(&service).0.len() == 6_000).await;
    assert_eq!(reported(&service).1.len(), 6_000);
    service.in_sync().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_does_not_fit_leaves_the_old_list_and_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path().join("data"), "4m");
    let service = FakeService::start(keys(1_000)).await;
    let agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    {
        let mut state = service.state();
        state.epoch = Uuid::from_u128(70);
        state.versions = vec![BTreeSet::new(), (0..200_000).map(|n| format!("large{n}@example.com")).collect()];
    }
    service.publish(|_| {});
    eventually("a snapshot was tried", || service.state().snapshots >= 3).await;
    let mut postfix = Policy::open(agent.policy).await;
    assert!(postfix.refuses("user999@example.com").await, "the old list stays");
    assert!(service.state().acknowledged.iter().all(|position| position.epoch == Uuid::from_u128(7)));
    service.publish(|keys| *keys = (0..10).map(|n| format!("small{n}@example.com")).collect());
    service.in_sync().await;
    assert!(postfix.refuses("small9@example.com").await && !postfix.refuses("user999@example.com").await);
    assert!(!disk.names().contains("list.snapshot.new"));
}
