//! The agent is killed with `kill -9` between two steps.

use crate::support::{AgentProcess, FakeService, Fault, Policy, eventually};
use agent::{
    files,
    list::{Changes, List, ListError, Received},
    postfix::map_file,
};
use shared::{
    AddressKey, ListChecksum,
    agent_sync::{Acknowledgement, ListBody, ListHeader},
};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};
use uuid::Uuid;

fn keys(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("user{n}@example.com"))
}

/// What is on disk, if it is sound.
fn on_disk(folder: &Path) -> Result<(Acknowledgement, BTreeSet<String>), ListError> {
    let reader = List::new(&folder.join("data")).reader()?;
    let mut keys = BTreeSet::new();
    reader.for_each_key(|key| assert!(keys.insert(key.to_owned()), "{key} twice"))?;
    Ok((reader.position, keys))
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_journal_and_acknowledgement_it_acknowledges_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(50)).await;
    let agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    service.state().holds_acknowledgements = true;
    service.publish(|keys| {
        keys.remove("user1@example.com");
        keys.insert("new@example.com".to_owned());
    });
    // The service has the acknowledgement in hand and does not take it.
    eventually("version 1 is about to be acknowledged", || {
        service.state().acknowledged.last().is_some_and(|position| position.version == 1)
    })
    .await;
    agent.kill();
    let expected = service.state().versions[1].clone();
    let (position, held) = on_disk(folder.path()).unwrap();
    assert_eq!((position.version, &held), (1, &expected), "the journal was written before");

    let fetched = {
        let mut state = service.state();
        state.holds_acknowledgements = false;
        state.acknowledged.clear();
        (state.snapshots, state.change_lists)
    };
    let agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    let fetched_now = {
        let state = service.state();
        (state.snapshots, state.change_lists)
    };
    assert_eq!(fetched_now, fetched, "nothing was fetched again");
    let mut postfix = Policy::open(agent.policy).await;
    assert!(postfix.refuses("new@example.com").await && postfix.refuses("user2@example.com").await);
    assert!(!postfix.refuses("user1@example.com").await);
    assert_eq!(on_disk(folder.path()).unwrap().1, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_snapshot_it_has_the_list_before() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(3)).await;
    let agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    {
        let mut state = service.state();
        state.epoch = Uuid::from_u128(70);
        state.versions = vec![BTreeSet::new(), keys(100_000).collect()];
        state.faults.push(Fault::Stalled);
    }
    // Wakes the agent, whose epoch is over.
    service.publish(|_| {});
    let half = files::next_version_of(&folder.path().join("data/list.snapshot"));
    eventually("half a snapshot is on disk", || fs::metadata(&half).is_ok_and(|file| file.len() > 500_000)).await;
    agent.kill();
    assert!(half.exists(), "it was killed in the middle");
    assert_eq!(on_disk(folder.path()).unwrap().1, keys(3).collect());

    let gone = service.away().await;
    let agent = AgentProcess::start(folder.path(), gone.0, "");
    let mut postfix = Policy::open(agent.policy).await;
    // Postfix is sent to the map file until the list is loaded.
    while postfix.ask("user2@example.com").await.is_none() {
        postfix = Policy::open(agent.policy).await;
    }
    assert!(postfix.refuses("user2@example.com").await, "without the service");
    assert!(!postfix.refuses("user99999@example.com").await);
    let service = FakeService::back(gone).await;
    service.in_sync().await;
    assert!(postfix.refuses("user99999@example.com").await);
    assert_eq!(on_disk(folder.path()).unwrap().1, keys(100_000).collect());
    assert!(!half.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_its_list_is_sound_and_never_older() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(5_000)).await;
    let agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    agent.kill();
    let mut newest = 0;
    for round in 0..10 {
        let agent = AgentProcess::start(folder.path(), service.address, "");
        // Some lists are compressed, and kept so.
        service.state().packs = round % 2 == 0;
        for n in 0..5 {
            service.publish(|keys| {
                keys.remove(&format!("user{}@example.com", round * 5 + n));
                keys.extend((0..50).map(|m| format!("new{round}-{n}-{m}@example.com")));
            });
        }
        // Moves through loading, fetching, writing and acknowledging.
        tokio::time::sleep(Duration::from_millis(3 * round)).await;
        agent.kill();
        let (position, held) = on_disk(folder.path()).unwrap();
        let acknowledged = service.state().acknowledged.iter().map(|position| position.version).max().unwrap();
        assert!(position.version >= newest, "version {} after {newest}", position.version);
        assert!(position.version >= acknowledged, "what was acknowledged is on disk");
        assert_eq!(held, service.state().versions[position.version as usize]);
        newest = position.version;
    }
    let _agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    assert_eq!(service.state().snapshots, 1, "all came as changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_file_that_postfix_cannot_open_is_whole_again_when_the_agent_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(50)).await;
    let agent = AgentProcess::start(folder.path(), service.address, "");
    service.in_sync().await;
    let map = folder.path().join("data/blocklist.cdb");
    eventually("the map file is written", || map_file::look_up(&map, "user1@example.com").unwrap().is_some()).await;
    agent.kill();
    let gone = service.away().await.0;
    let whole = fs::read(&map).unwrap();
    for damaged in [&b"no cdb"[..], &whole[..whole.len() / 2], b""] {
        fs::write(&map, damaged).unwrap();
        AgentProcess::start(folder.path(), gone, "").kill();
        assert!(map_file::look_up(&map, "user1@example.com").unwrap().is_some(), "{} octets", damaged.len());
        assert_eq!(map_file::look_up(&map, "user50@example.com").unwrap(), None);
    }
    // Without a list there is nothing to refuse, but Postfix can open it.
    fs::remove_file(&map).unwrap();
    fs::remove_file(folder.path().join("data/list.snapshot")).unwrap();
    AgentProcess::start(folder.path(), gone, "").kill();
    assert_eq!(map_file::look_up(&map, "user1@example.com").unwrap(), None);
}

/// A snapshot of these keys, at a version.
fn header(version: i64, keys: &[&str]) -> ListHeader {
    let keys: Vec<_> = keys.iter().map(|key| AddressKey::from_stored((*key).to_owned())).collect();
    let checksum = keys.iter().collect::<ListChecksum>();
    let count = keys.len() as i64;
    ListHeader { body: ListBody::Snapshot, epoch: Uuid::from_u128(7), version, count, checksum }
}

#[test]
fn killed_between_snapshot_and_journal_the_snapshot_counts() {
    let folder = tempfile::tempdir().unwrap();
    let take = |list: &List, version, keys: &[&str]| {
        let mut writer = list.start_snapshot(&header(version, keys)).unwrap();
        keys.iter().for_each(|key| writer.push(key).unwrap());
        list.finish_snapshot(writer).unwrap();
    };
    let apply = |list: &List, header: &ListHeader, lines: &str| {
        list.apply(header, Changes::parse(lines).unwrap(), &Received::plain(lines)).unwrap();
    };
    let list = List::new(folder.path());
    take(&list, 1, &["a@x.test"]);
    let changes = ListHeader { body: ListBody::Changes, ..header(2, &["a@x.test", "b@x.test"]) };
    apply(&list, &changes, "+b@x.test\n");
    let journal = folder.path().join("list.journal");
    let old_journal = fs::read(&journal).unwrap();
    take(&list, 3, &["c@x.test"]);
    fs::write(&journal, old_journal).unwrap();

    let list = List::new(folder.path());
    assert_eq!(list.load().unwrap().version, 3);
    assert!(list.blocks("c@x.test") && !list.blocks("a@x.test") && !list.blocks("b@x.test"));
    list.save().unwrap();
    let changes = ListHeader { body: ListBody::Changes, ..header(4, &["c@x.test", "d@x.test"]) };
    apply(&list, &changes, "+d@x.test\n");
    let list = List::new(folder.path());
    assert_eq!(list.load().unwrap().version, 4);
    assert!(list.blocks("d@x.test"));
}

#[test]
fn a_snapshot_ends_where_its_header_says_and_a_journal_that_was_cut_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let list = List::new(folder.path());
    let mut writer = list.start_snapshot(&header(1, &["a@x.test"])).unwrap();
    writer.push("a@x.test").unwrap();
    assert!(matches!(writer.push("b@x.test"), Err(ListError::Mismatch { count: 2, .. })), "endless answers end");
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");

    let mut writer = list.start_snapshot(&header(1, &["a@x.test"])).unwrap();
    writer.push("a@x.test").unwrap();
    list.finish_snapshot(writer).unwrap();
    fs::write(folder.path().join("list.journal"), "").unwrap();
    assert!(matches!(list.save(), Err(ListError::Damaged("list.journal"))), "it would be acknowledged otherwise");
}
