//! Bulk releases with any filter: what the dry run counts is what the search finds and what is released, and no more.

use super::model::Dice;
use super::operations::{addresses, exempt, finish, post, release};
use super::*;
use backend::{
    service::{list_operations, runs},
    store::{
        DatabaseTransaction,
        change_sets::{self, Head},
    },
};
use chrono::TimeDelta;
use shared::{
    Reason,
    list_operation::{BlockFilter, BulkReleasePreview, ListOperation, ListOperationState},
};

/// Reasons that block at the first error.
pub(crate) const REASONS: [Reason; 3] = [Reason::UnknownHost, Reason::UnknownUser, Reason::AddressFormat];

/// So many fields has a filter.
const FIELDS: usize = 7;

/// Longer than a step needs to come to where it waits, on a busy machine too.
const PAUSE: Duration = Duration::from_secs(1);

/// One of many addresses that have parts in common.
pub(crate) fn address(n: usize) -> String {
    let (name, domain) = (["taro.", "ken_", "100%"][n % 3], ["one", "two"][n / 3 % 2]);
    format!("{name}{n:03}@{domain}.example")
}

/// Filters that look random and are the same every time.
pub(crate) struct Filters(Dice);

impl Filters {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Dice(seed))
    }

    /// One that finds some row of `rows`, by the field number `surely` and perhaps by others.
    pub(crate) fn of(&mut self, rows: &[BlockedAddress], surely: usize) -> BlockFilter {
        let dice = &mut self.0;
        let block = &rows[dice.roll(rows.len() as u64) as usize];
        let with: [bool; FIELDS] = std::array::from_fn(|field| field == surely % FIELDS || dice.roll(4) == 0);
        let (from, length) = (dice.roll(block.address.len() as u64) as usize, 1 + dice.roll(4) as usize);
        let part: String = block.address.chars().skip(from).take(length).collect();
        let domain = block.address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        BlockFilter {
            q: with[0].then(|| if dice.roll(2) == 0 { part.to_uppercase() } else { part }),
            reason: with[1].then_some(block.reason),
            origin: with[2].then_some(block.origin),
            state: with[3].then_some(block.state),
            domain: domain.filter(|_| with[4]),
            from: with[5].then_some(block.blocked_at),
            to: with[6].then_some(block.blocked_at + TimeDelta::milliseconds(1)),
        }
    }
}

/// Whether a filter finds a block, by the rules of PRODUCT section 4 alone.
pub(crate) fn matches(filter: &BlockFilter, block: &BlockedAddress) -> bool {
    let domain = block.address.rsplit_once('@').map(|(_, domain)| domain);
    filter.q.as_ref().is_none_or(|text| block.address.contains(&text.to_lowercase()))
        && filter.reason.is_none_or(|reason| reason == block.reason)
        && filter.origin.is_none_or(|origin| origin == block.origin)
        && filter.state.is_none_or(|state| state == block.state)
        && filter.domain.as_deref().is_none_or(|wanted| domain == Some(wanted))
        && filter.from.is_none_or(|from| from <= block.blocked_at)
        && filter.to.is_none_or(|to| block.blocked_at < to)
}

/// A filter as the query of a search.
pub(crate) fn query(filter: &BlockFilter) -> String {
    serde_urlencoded::to_string(filter).expect("a query")
}

fn later(scene: &Scene) {
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::milliseconds(1));
}

async fn add(scene: &Scene, addresses: &[String]) {
    let body = json!({ "addresses": addresses });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
}

/// Blocks of every origin, with several reasons and domains, a millisecond after each other: half of them are
/// published, and half wait for a distribution.
async fn fill(scene: &Scene) {
    for batch in 0..4 {
        later(scene);
        let names: Vec<String> = (batch * 16..(batch + 1) * 16).map(address).collect();
        let failed = names[..8].iter().zip(REASONS.iter().cycle()).map(|(name, reason)| {
            json!({ "id": name, "address": name, "outcome": "error", "reason": reason,
                "occurred_at": scene.app.clock.now() })
        });
        scene.report(&failed.collect::<Vec<_>>()).await;
        add(scene, &names[8..12]).await;
        let upload = sums::upload(scene, &names[12..]).await;
        let path = scene.place.path(&format!("/uploads/{upload}/registration"));
        let queued = scene.admin().post(&path, &json!({ "delivery_timing": "next_execution" })).await.expect(202);
        finish(scene, queued.json::<ListOperation>().id, 100).await;
        if batch < 2 {
            scene.run_by_hand().await;
        } else {
            let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
            runs::perform(&scene.app.running.state, run.id).await.expect("a run");
        }
    }
}

/// What a filter finds, by address.
async fn list(scene: &Scene, filter: &BlockFilter) -> Vec<BlockedAddress> {
    let path = format!("/blocked-addresses?sort=address&direction=ascending&limit=500&{}", query(filter));
    scene.admin().items(&scene.place.path(&path)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_release_takes_off_exactly_what_the_search_with_its_filter_finds() {
    let scene = Scene::start_without_jobs().await;
    fill(&scene).await;
    let everything = BlockFilter::default();
    let known = |block: &BlockedAddress| (block.address.clone(), block.reason, block.origin, block.blocked_at);
    let mut filters = Filters::new(0x5eed);
    for round in 0..2 * FIELDS {
        // Something is pending in each round: what an undo blocks again is published.
        later(&scene);
        add(&scene, &["one", "two"].map(|domain| format!("new{round}@{domain}.example"))).await;
        let before = list(&scene, &everything).await;
        let filter = filters.of(&before, round);
        let what = format!("round {round}: {filter:?}");
        let (gone, kept): (Vec<_>, Vec<_>) = before.iter().cloned().partition(|block| matches(&filter, block));
        let count = gone.len() as i64;
        assert_eq!(list(&scene, &filter).await, gone, "{what}");

        let body = json!({ "filter": filter, "dry_run": true });
        let preview = scene.admin().post(&scene.place.path("/bulk-releases"), &body).await.expect(200);
        let preview: BulkReleasePreview = preview.json();
        assert_eq!((preview.count, preview.sample.len()), (count, gone.len().min(20)), "{what}");
        assert!(preview.sample.iter().all(|block| gone.contains(block)), "{what}");

        let queued = release(&scene, json!({ "filter": filter })).await;
        let done = finish(&scene, queued.id, 25).await;
        assert_eq!((done.total, done.counts.removed), (Some(count), count), "{what}");
        assert_eq!(list(&scene, &everything).await, kept, "{what}");
        let released: Vec<&str> = gone.iter().map(|block| block.address.as_str()).collect();
        assert_eq!(exempt(&scene).await, released, "{what}");

        let undo: ListOperation = post(&scene, queued.id, "undo").await.expect(202).json();
        assert_eq!(finish(&scene, undo.id, 25).await.counts.added, count, "{what}");
        let again = list(&scene, &everything).await;
        assert!(again.iter().map(known).eq(before.iter().map(known)), "{what}");
    }
    sums::prove(&scene, "in the end").await;
}

/// A transaction that holds the lists, and their head.
async fn hold(scene: &Scene) -> (DatabaseTransaction, Head) {
    let transaction = scene.app.running.state.db.begin().await.expect("a transaction");
    let head = change_sets::lock(&transaction, scene.place.configuration).await.expect("a lock");
    (transaction, head.expect("the configuration"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_what_is_pending_leaves_what_is_published_meanwhile() {
    let scene = Scene::start_without_jobs().await;
    let (state, configuration) = (&scene.app.running.state, scene.place.configuration);
    add(&scene, &addresses(0..6, "one.example")).await;
    let queued = release(&scene, json!({ "filter": { "state": "pending" } })).await;
    assert!(list_operations::step(state, queued.id, 2).await.expect("a step"));
    // In the order in which they ask for the lists: this test, the step as it begins, a distribution, and the step
    // again, with what it found while the distribution was at work.
    let (first, _) = hold(&scene).await;
    let published = async {
        tokio::time::sleep(PAUSE).await;
        let (transaction, mut head) = hold(&scene).await;
        tokio::time::sleep(PAUSE).await;
        let sets = change_sets::pending(&transaction, configuration).await.expect("sets");
        head.sum = sets.iter().fold(head.sum, |sum, set| sum.plus(set.added).minus(set.removed));
        head.version += 1;
        change_sets::publish(&transaction, &sets, head.version, scene.app.clock.now()).await.expect("a version");
        change_sets::save_head(&transaction, configuration, &head).await.expect("a head");
        transaction.commit().await.expect("a distribution");
    };
    let freed = async {
        tokio::time::sleep(PAUSE * 2).await;
        first.commit().await.expect("free lists");
    };
    let (step, (), ()) = tokio::join!(list_operations::step(state, queued.id, 10), published, freed);
    step.expect("a step");
    let done = finish(&scene, queued.id, 10).await;
    assert_eq!((done.state, done.counts.removed), (ListOperationState::Done, 2));
    assert_eq!((scene.blocked("in_effect").await.len(), scene.blocked("pending").await.len()), (4, 0));
    assert_eq!(exempt(&scene).await.len(), 2);
    sums::prove(&scene, "after both").await;
}
