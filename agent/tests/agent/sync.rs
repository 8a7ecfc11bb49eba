//! The list's way from the service to Postfix, with a service that misbehaves.

use crate::support::{FakeService, Fault, Policy, eventually, start};
use agent::postfix::map_file;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn keys(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("user{n}@example.com"))
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_take_effect_on_open_connections_and_in_the_map_file() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(3)).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    let mut postfix = Policy::connect(&agent).await;
    assert!(postfix.refuses("User1@EXAMPLE.com").await);
    assert!(!postfix.refuses("new@example.com").await);

    let started = Instant::now();
    service.publish(|keys| {
        keys.remove("user1@example.com");
        keys.insert("new@example.com".to_owned());
    });
    while postfix.refuses("user1@example.com").await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = started.elapsed();
    println!("a release shows on an open connection after {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    service.in_sync().await;
    assert!(postfix.refuses("new@example.com").await);
    assert_eq!(service.state().snapshots, 1, "changes came as changes");

    let map = folder.path().join("data/blocklist.cdb");
    eventually("the map file follows", || {
        map_file::look_up(&map, "user1@example.com").unwrap().is_none()
            && map_file::look_up(&map, "new@example.com").unwrap().is_some()
    })
    .await;
    assert_eq!(
        map_file::look_up(&map, "user0@example.com").unwrap().unwrap(),
        "550 5.7.1 Blocked by Stoplist: address keeps failing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_on_the_way_is_healed_and_the_old_list_stays_meanwhile() {
    let faults = [Fault::Torn, Fault::WrongChecksum, Fault::Disagree];
    for (fault, packs) in faults.into_iter().flat_map(|fault| [(fault, false), (fault, true)]) {
        let folder = tempfile::tempdir().unwrap();
        let service = FakeService::start(keys(50)).await;
        service.state().packs = packs;
        let agent = start(folder.path(), service.address).await;
        service.in_sync().await;
        let before = service.state().snapshots;
        service.state().faults.push(fault);
        service.publish(|keys| {
            keys.insert("new@example.com".to_owned());
        });
        let mut postfix = Policy::connect(&agent).await;
        while !postfix.refuses("new@example.com").await {
            assert!(postfix.refuses("user7@example.com").await, "{fault:?}: the old list must stay");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        service.in_sync().await;
        if fault != Fault::Torn {
            eventually("a snapshot was fetched", || service.state().snapshots > before).await;
        }
        assert!(service.state().faults.is_empty(), "{fault:?} happened");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_history_and_forgotten_changes_are_healed_by_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(50)).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    agent.stop().await;
    service.publish(|keys| {
        keys.insert("a@example.com".to_owned());
    });
    service.state().oldest_version = 1;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    let fetched = {
        let state = service.state();
        (state.snapshots, state.change_lists)
    };
    assert_eq!(fetched, (2, 0));

    {
        let mut state = service.state();
        state.epoch = Uuid::from_u128(70);
        state.versions = vec![keys(3).collect()];
        state.oldest_version = 0;
    }
    service.publish(|keys| {
        keys.insert("b@example.com".to_owned());
    });
    service.in_sync().await;
    let mut postfix = Policy::connect(&agent).await;
    assert!(postfix.refuses("b@example.com").await);
    assert!(!postfix.refuses("a@example.com").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_the_list_on_disk_is_enforced_and_10_000_changes_are_caught_up() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(20_000)).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    let mut postfix = Policy::connect(&agent).await;
    let gone = service.away().await;
    assert!(postfix.refuses("user9@example.com").await, "the service is away");
    agent.stop().await;

    let agent = start(folder.path(), gone.0).await;
    eventually("the list is loaded from disk", || agent.list.is_loaded()).await;
    assert!(Policy::connect(&agent).await.refuses("user19999@example.com").await, "both were restarted");

    let service = FakeService::back(gone).await;
    for round in 0..10 {
        service.publish(|keys| {
            for n in 0..500 {
                keys.remove(&format!("user{}@example.com", round * 500 + n));
                keys.insert(format!("new{}@example.com", round * 500 + n));
            }
        });
    }
    service.in_sync().await;
    assert_eq!(service.state().snapshots, 1, "10,000 changes came as changes");
    let mut postfix = Policy::connect(&agent).await;
    assert!(!postfix.refuses("user4999@example.com").await);
    assert!(postfix.refuses("new4999@example.com").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_noticed_at_start() {
    // Which file, and what is done to it.
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage, bool); 6] = [
        ("list.snapshot", |octets| octets.truncate(octets.len() / 2), true),
        ("list.snapshot", |octets| *octets.last_mut().unwrap() = b'x', true),
        ("list.snapshot", |octets| octets[20] ^= 1, true),
        ("list.snapshot", |octets| octets.clear(), true),
        // The end of a journal is lost when the agent is killed while writing: the rest of the list is sound.
        ("list.journal", |octets| octets.truncate(octets.len() - 5), false),
        (
            "list.journal",
            |octets| {
                let at = octets.len() - 5;
                octets[at] ^= 1;
            },
            false,
        ),
    ];
    for ((file, damage, is_lost), packs) in damages.into_iter().flat_map(|damage| [(damage, false), (damage, true)]) {
        let folder = tempfile::tempdir().unwrap();
        let service = FakeService::start(keys(500)).await;
        service.state().packs = packs;
        let agent = start(folder.path(), service.address).await;
        service.in_sync().await;
        service.publish(|keys| {
            keys.insert("new@example.com".to_owned());
        });
        service.in_sync().await;
        let map = folder.path().join("data/blocklist.cdb");
        eventually("the map file is written", || map_file::look_up(&map, "new@example.com").unwrap().is_some()).await;
        agent.stop().await;
        let gone = service.away().await;
        let path = folder.path().join("data").join(file);
        let mut octets = std::fs::read(&path).unwrap();
        damage(&mut octets);
        std::fs::write(&path, octets).unwrap();

        let agent = start(folder.path(), gone.0).await;
        if is_lost {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(!agent.list.is_loaded(), "{file}");
            let answer = Policy::connect(&agent).await.ask("user1@example.com").await;
            assert_eq!(answer, None, "closed, so that Postfix asks the map file");
            assert!(map_file::look_up(&map, "user1@example.com").unwrap().is_some(), "which is still there");
        } else {
            eventually("the sound part is loaded", || agent.list.is_loaded()).await;
            assert!(Policy::connect(&agent).await.refuses("user1@example.com").await, "{file}");
        }
        let service = FakeService::back(gone).await;
        service.state().acknowledged.clear();
        service.in_sync().await;
        assert!(Policy::connect(&agent).await.refuses("new@example.com").await, "{file}");
        assert_eq!(service.state().snapshots, if is_lost { 2 } else { 1 }, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_list_of_the_same_version_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(keys(3)).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    // Restored from a backup, the service has come to the same version by other changes.
    let gone = service.away().await;
    gone.1.lock().unwrap().versions = vec![["other@example.com".to_owned()].into()];
    let service = FakeService::back(gone).await;
    service.in_sync().await;
    let mut postfix = Policy::connect(&agent).await;
    assert!(postfix.refuses("other@example.com").await && !postfix.refuses("user1@example.com").await);
}
