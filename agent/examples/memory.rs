//! Memory and speed of a long list: `cargo run --release -p agent --example memory -- 10000000`.

use agent::{list::List, postfix::map_file};
use shared::{
    ListChecksum,
    agent_sync::{Acknowledgement, ListBody, ListHeader},
    checksum::key_hash,
};
use std::time::Instant;
use uuid::Uuid;

fn main() -> anyhow::Result<()> {
    let count: u32 = std::env::args().nth(1).as_deref().unwrap_or("1000000").parse()?;
    let folder = std::env::temp_dir().join(format!("stoplist-memory-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let result = measure(count, &folder);
    std::fs::remove_dir_all(folder)?;
    result
}

fn measure(count: u32, folder: &std::path::Path) -> anyhow::Result<()> {
    let key = |n: u32| format!("user{n}@example.com");
    let mut checksum = ListChecksum::EMPTY;
    (0..count).for_each(|n| checksum.add_hash(key_hash(&key(n))));
    let (epoch, version) = (Uuid::from_u128(1), 1);
    let header = ListHeader { body: ListBody::Snapshot, epoch, version, count: i64::from(count), checksum };
    let list = List::new(folder);
    for take in ["first", "second"] {
        let started = Instant::now();
        let mut writer = list.start_snapshot(&header)?;
        for n in 0..count {
            writer.push(&key(n))?;
        }
        list.finish_snapshot(writer)?;
        println!("{take} snapshot of {count}: {:.1?}; {}", started.elapsed(), memory()?);
    }
    drop(list);

    let list = List::new(folder);
    let started = Instant::now();
    let position: Acknowledgement = list.load()?;
    println!("loaded {} from disk: {:.1?}; {}", position.count, started.elapsed(), memory()?);

    let recipients: Vec<String> = (0..50_000u32).map(|n| key(n.wrapping_mul(2_654_435_761) % (2 * count))).collect();
    let started = Instant::now();
    let blocked = (0..20).flat_map(|_| &recipients).filter(|recipient| list.blocks(recipient)).count();
    let rate = 1e6 / started.elapsed().as_secs_f64();
    println!("{rate:.0} look-ups a second on one core, {blocked} of 1,000,000 blocked");

    let map = folder.join("blocklist.cdb");
    let started = Instant::now();
    map_file::write(&map, &list)?;
    println!("map file of {} MB: {:.1?}; {}", map.metadata()?.len() >> 20, started.elapsed(), memory()?);
    Ok(())
}

/// The memory of this process, now and at most.
fn memory() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let lines: Vec<_> = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect();
    Ok(lines.join(" "))
}
