//! How much memory a long list takes.

use crate::support::{AgentProcess, FakeService, Policy};
use agent::list::List;
use shared::{
    AddressKey, ListChecksum,
    agent_sync::{ListBody, ListHeader},
};
use uuid::Uuid;

/// 10 million are to take less than 200 MB.
const ADDRESSES: u32 = 1_000_000;
const ALLOWED: u64 = 20_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_million_addresses_take_less_than_twenty_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let key = |n: u32| format!("user{n:07}@example.com");
    let mut checksum = ListChecksum::EMPTY;
    (0..ADDRESSES).for_each(|n| checksum.add(&AddressKey::from_stored(key(n))));
    let (epoch, count) = (Uuid::from_u128(7), i64::from(ADDRESSES));
    let header = ListHeader { body: ListBody::Snapshot, epoch, version: 1, count, checksum };
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let gone = FakeService::start([]).await.away().await.0;
    let memory = async |last: String| {
        let agent = AgentProcess::start(folder.path(), gone, "");
        // Closed while there is no list: the first agent has none, and the second is loading it.
        while Policy::open(agent.policy).await.ask(&last).await.is_none() && data.join("list.snapshot").exists() {}
        agent.memory()
    };
    let without = memory(key(0)).await;
    let list = List::new(&data);
    let mut writer = list.start_snapshot(&header).unwrap();
    (0..ADDRESSES).for_each(|n| writer.push(&key(n)).unwrap());
    list.finish_snapshot(writer).unwrap();
    drop(list);
    let with = memory(key(ADDRESSES - 1)).await;
    println!("{} MB with {ADDRESSES} addresses, {} MB without", with / 1_000_000, without / 1_000_000);
    assert!(with - without < ALLOWED, "{with} octets with the list, {without} without");
}
