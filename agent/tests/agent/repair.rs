//! Files that something else damages or removes while the agent runs.

use crate::support::{AgentProcess, FakeService, Policy, eventually, program};
use agent::postfix::map_file;
use std::{fs, path::Path};

fn is_in(map: &Path, address: &str) -> bool {
    map_file::look_up(map, address).is_ok_and(|answer| answer.is_some())
}

fn status(folder: &Path) -> String {
    String::from_utf8(program(folder).arg("status").output().unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_file_is_written_anew_before_anybody_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = FakeService::start(["a@example.com".to_owned()]).await;
    let _agent = AgentProcess::start(folder, service.address, "");
    service.in_sync().await;
    let map = folder.join("data/blocklist.cdb");
    eventually("the map file is written", || is_in(&map, "a@example.com")).await;

    fs::remove_file(&map).unwrap();
    eventually("it is back after it was removed", || is_in(&map, "a@example.com")).await;
    fs::write(&map, "no cdb").unwrap();
    eventually("it is mended after it was damaged", || is_in(&map, "a@example.com")).await;

    fs::remove_file(&map).unwrap();
    fs::create_dir(&map).unwrap();
    let told = format!("problem        cannot write map_file {}", map.display());
    eventually("the status tells what cannot be written", || status(folder).contains(&told)).await;
    fs::remove_dir(&map).unwrap();
    eventually("it is there as soon as it can be", || is_in(&map, "a@example.com")).await;
    eventually("nothing is wrong any more", || status(folder).contains("problem        none")).await;
    assert_eq!(service.state().snapshots, 1, "the list on disk was sound all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_on_disk_that_is_damaged_is_fetched_anew_while_the_one_in_memory_answers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = FakeService::start((0..50).map(|n| format!("user{n}@example.com"))).await;
    let agent = AgentProcess::start(folder, service.address, "");
    service.in_sync().await;
    let map = folder.join("data/blocklist.cdb");
    eventually("the map file is written", || is_in(&map, "user7@example.com")).await;
    let mut postfix = Policy::open(agent.policy).await;

    let snapshot = folder.join("data/list.snapshot");
    let damaged = fs::read_to_string(&snapshot).unwrap().replace("user7@", "user8@");
    fs::write(&snapshot, damaged).unwrap();
    // Whoever is released now must not stay in the map file.
    service.publish(|keys| {
        keys.remove("user9@example.com");
    });
    eventually("a snapshot is fetched", || service.state().snapshots == 2).await;
    assert!(postfix.refuses("user7@example.com").await, "the list in memory answers");
    service.in_sync().await;
    eventually("the map file follows", || !is_in(&map, "user9@example.com") && is_in(&map, "user7@example.com")).await;
    assert!(postfix.refuses("user7@example.com").await && !postfix.refuses("user9@example.com").await);
    eventually("nothing is wrong any more", || status(folder).contains("problem        none")).await;
}
