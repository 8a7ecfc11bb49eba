//! Change sets that are packed before their publication.

use super::{
    operations::{add, register},
    *,
};
use backend::{
    service::{
        Error,
        agent_sync::{self, Connections, Holding, Pace, Piece, Plan},
    },
    state::AppState,
    store::change_sets::{self, ChangeSet},
};
use futures::StreamExt;

/// The body of a list for agents that share it, unpacked, and how many of its pieces were packed before.
pub(super) async fn unpacked_body(state: &AppState, plan: Plan) -> (Vec<u8>, usize) {
    try_unpacked_body(state, plan).await.expect("the whole body")
}

async fn try_unpacked_body(state: &AppState, plan: Plan) -> Result<(Vec<u8>, usize), Error> {
    let (mut text, mut packed, mut count) = (Vec::new(), Vec::new(), 0);
    let pace = Pace::AtOnce(Connections::default());
    let pieces: Vec<_> =
        agent_sync::pieces(state.db.clone(), plan, pace, Some(state.packed_lists.clone())).collect().await;
    for piece in pieces {
        match piece? {
            Piece::Lines(lines) => text.extend_from_slice(&lines),
            Piece::Packed(octets) => {
                packed.extend_from_slice(&octets);
                count += 1;
            }
        }
    }
    if count > 0 {
        text.extend(zstd::decode_all(packed.as_slice()).expect("whole frames"));
    }
    Ok((text, count))
}

struct Waiting {
    scene: Scene,
    mail_server: Uuid,
}

impl Waiting {
    async fn new() -> Self {
        let scene = Scene::start().await;
        let (_, mail_server) = scene.place.mail_server(&scene.app, "mx1").await;
        Self { scene, mail_server }
    }

    fn state(&self) -> &AppState {
        &self.scene.app.running.state
    }

    async fn pending(&self) -> Vec<ChangeSet> {
        change_sets::pending(self.state().db.connection(), self.scene.place.configuration).await.expect("the sets")
    }

    async fn prepare(&self) {
        agent_sync::prepare(self.state(), self.scene.place.configuration, 1).await.expect("prepared");
    }

    /// Where the changes since a version are.
    async fn plan(&self, from: i64) -> Plan {
        let (state, configuration) = (self.state(), self.scene.place.configuration);
        let head = change_sets::head(state.db.connection(), configuration).await.expect("the head").expect("a list");
        let held = Holding { epoch: head.epoch, version: from, checksum: None };
        let plan = agent_sync::plan(state, self.mail_server, configuration, Some(held), Duration::ZERO).await;
        plan.expect("a plan").expect("changes")
    }

    /// What changed since a version, in order, and whether some of it was prepared.
    async fn changes(&self, from: i64) -> (Vec<String>, bool) {
        let (body, prepared) = unpacked_body(self.state(), self.plan(from).await).await;
        let text = String::from_utf8(body).expect("UTF-8");
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort_unstable();
        (lines, prepared > 0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_prepared_is_sent_with_what_came_after_it() {
    let waiting = Waiting::new().await;
    add(&waiting.scene, &["a@example.com", "b@example.com"]).await;
    waiting.prepare().await;
    add(&waiting.scene, &["c@example.com"]).await;
    waiting.scene.run_now().await;
    let expected = ["+a@example.com", "+b@example.com", "+c@example.com"];
    assert_eq!(waiting.changes(0).await, (expected.map(str::to_owned).to_vec(), true));
    // But not once something of it is off the list.
    waiting.scene.release(&["a@example.com"]).await;
    let expected = ["+b@example.com", "+c@example.com"];
    assert_eq!(waiting.changes(0).await, (expected.map(str::to_owned).to_vec(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_since_is_read_again() {
    let waiting = Waiting::new().await;
    add(&waiting.scene, &["a@example.com", "b@example.com"]).await;
    waiting.prepare().await;
    let before = waiting.pending().await;
    assert!(waiting.state().packed_lists.prepared.lines(&before[0]).is_some());
    waiting.scene.release(&["a@example.com"]).await;
    let after = waiting.pending().await;
    assert!(waiting.state().packed_lists.prepared.lines(&after[0]).is_none(), "it is another list now");
    waiting.scene.run_now().await;
    assert_eq!(waiting.changes(0).await, (vec!["+b@example.com".to_owned()], false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_does_not_give_back_comes_from_the_database_the_next_time() {
    let waiting = Waiting::new().await;
    add(&waiting.scene, &["a@example.com"]).await;
    waiting.prepare().await;
    waiting.scene.run_now().await;
    let folder = waiting.state().settings.data_dir.canonicalize().expect("the data folder");
    let mut cut = 0;
    for entry in std::fs::read_dir("/proc/self/fd").expect("our open files") {
        let path = entry.expect("a file").path();
        let is_ours = std::fs::read_link(&path)
            .is_ok_and(|to| to.starts_with(&folder) && to.to_string_lossy().ends_with(" (deleted)"));
        if is_ours {
            std::fs::File::create(path).expect("cut off");
            cut += 1;
        }
    }
    assert!(cut > 0, "nothing is packed");
    try_unpacked_body(waiting.state(), waiting.plan(0).await).await.expect_err("it breaks off");
    assert_eq!(waiting.changes(0).await, (vec!["+a@example.com".to_owned()], false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_registration_is_prepared_while_it_waits() {
    let waiting = Waiting::new().await;
    let scene = &waiting.scene;
    let keys: Vec<String> = (0..20_001).map(|n| format!("user{n}@example.com")).collect();
    register(scene, &keys).await;
    let begun = tokio::time::Instant::now();
    let is_prepared = |set: &ChangeSet| waiting.state().packed_lists.prepared.lines(set).is_some();
    while !waiting.pending().await.iter().any(is_prepared) {
        // Twenty thousand take a slow machine a while.
        assert!(begun.elapsed() < 4 * PATIENCE, "it is not prepared");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.run_now().await;
    let (lines, prepared) = waiting.changes(0).await;
    assert!(prepared);
    let mut expected: Vec<String> = keys.iter().map(|key| format!("+{key}")).collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}
