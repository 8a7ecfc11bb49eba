//! The journal of changes is folded into the snapshot while others go on.

use agent::list::{Changes, List, Received};
use shared::{
    ListChecksum,
    agent_sync::{ListBody, ListHeader},
    checksum::key_hash,
};
use std::{fs, path::Path, sync::Arc, thread, time::Duration};
use uuid::Uuid;

/// What a service publishes to one list.
struct Publisher {
    list: Arc<List>,
    header: ListHeader,
}

impl Publisher {
    fn new(folder: &Path) -> Self {
        let list = List::new(folder);
        let (epoch, checksum) = (Uuid::from_u128(7), ListChecksum::EMPTY);
        let header = ListHeader { body: ListBody::Snapshot, epoch, version: 0, count: 0, checksum };
        let writer = list.start_snapshot(&header).unwrap();
        list.finish_snapshot(writer).unwrap();
        Self { list, header: ListHeader { body: ListBody::Changes, ..header } }
    }

    fn block(&mut self, keys: impl Iterator<Item = String>) {
        self.publish(keys, |_, lines| Received::plain(lines));
    }

    fn publish(&mut self, keys: impl Iterator<Item = String>, received: impl FnOnce(&ListHeader, String) -> Received) {
        let mut lines = String::new();
        self.header.version += 1;
        for key in keys {
            self.header.count += 1;
            self.header.checksum.add_hash(key_hash(&key));
            lines.push_str(&format!("+{key}\n"));
        }
        let changes = Changes::parse(&lines).unwrap();
        self.list.apply(&self.header, changes, &received(&self.header, lines)).unwrap();
    }

    /// So many that they come compressed, and that the journal is folded as soon as somebody looks.
    fn block_many(&mut self) {
        let keys = (0..330_000).map(|n| format!("user{n}@many.example.com"));
        self.publish(keys, |header, lines| {
            let body = format!("{}\n{lines}", serde_json::to_string(header).unwrap());
            Received { octets: zstd::encode_all(body.as_bytes(), 1).unwrap(), unpacked: Some(body.len() as u64) }
        });
    }
}

/// The list on disk is sound, at this version, and has these addresses.
fn holds(folder: &Path, version: i64, addresses: &[&str]) {
    let list = List::new(folder);
    assert_eq!(list.load().unwrap().version, version);
    assert!(addresses.iter().all(|address| list.blocks(address)));
    let mut count = 0;
    let reader = list.reader().unwrap();
    reader.for_each_key(|_| count += 1).unwrap();
    assert_eq!((reader.position.version, reader.position.count), (version, count));
}

#[test]
fn changes_do_not_wait_for_a_fold_and_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::new(folder.path());
    publisher.block_many();
    let journal = || fs::read(folder.path().join("list.journal")).unwrap();
    let before = journal();
    let list = publisher.list.clone();
    let folding = thread::spawn(move || list.fold());
    let mut meanwhile = 0;
    while !folding.is_finished() {
        publisher.block([format!("user{meanwhile}@meanwhile.example.com")].into_iter());
        meanwhile += 1;
        thread::sleep(Duration::from_millis(5));
    }
    folding.join().unwrap().unwrap();
    assert!(meanwhile > 5, "{meanwhile} changes took effect during the fold");
    // What is left came during the fold: one change after every 5 ms of it, however long it took.
    let many = &before[before.len() / 2..][..1_000];
    assert!(!journal().windows(many.len()).any(|left| left == many), "the folded changes are still in the journal");
    publisher.block(["after@example.com".to_owned()].into_iter());
    let last = format!("user{}@meanwhile.example.com", meanwhile - 1);
    holds(
        folder.path(),
        publisher.header.version,
        &["user0@many.example.com", "user0@meanwhile.example.com", &last, "after@example.com"],
    );
}

#[test]
fn killed_between_the_folded_snapshot_and_its_journal_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("list.journal");
    let mut publisher = Publisher::new(folder.path());
    publisher.block_many();
    let old = fs::read(&journal).unwrap();
    publisher.list.fold().unwrap();
    // During the fold it would have been written behind the old ones.
    publisher.block(["meanwhile@example.com".to_owned()].into_iter());
    let new = fs::read(&journal).unwrap();
    let first_line = new.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    fs::write(&journal, [&old, &new[first_line..]].concat()).unwrap();

    holds(folder.path(), 2, &["user329999@many.example.com", "meanwhile@example.com"]);
    publisher.list = List::new(folder.path());
    publisher.list.load().unwrap();
    publisher.block(["after@example.com".to_owned()].into_iter());
    publisher.list.fold().unwrap();
    holds(folder.path(), 3, &["user329999@many.example.com", "meanwhile@example.com", "after@example.com"]);
    assert!(fs::metadata(&journal).unwrap().len() < 1_000);
}

#[test]
fn a_journal_that_is_damaged_in_the_middle_is_not_folded() {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::new(folder.path());
    publisher.block_many();
    let path = folder.path().join("list.journal");
    let mut journal = fs::read(&path).unwrap();
    let second = journal.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    journal[second] = b'x';
    fs::write(&path, journal).unwrap();
    let error = publisher.list.fold().unwrap_err();
    assert_eq!(error.to_string(), "list.journal is damaged", "a snapshot is fetched then");
}
