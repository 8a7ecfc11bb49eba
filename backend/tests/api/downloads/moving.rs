//! Lists that change while they are read.

use super::*;
use backend::{
    service::{distributions, list_operations, runs},
    store::{
        blocked_addresses::{self, Filter},
        downloads,
    },
};
use futures::StreamExt;
use shared::{list::ListSort, page::Direction};
use std::{collections::HashSet, pin::pin};

impl Scene {
    /// Blocks so many addresses, and publishes them.
    async fn filled(count: usize) -> Self {
        let scene = Self::on(TestApp::start_without_jobs().await).await;
        let addresses = (0..count).map(|n| format!("u{n:05}@example.com"));
        let events: Vec<Value> = addresses.zip(0..).map(|(address, n)| error(&address, "no", n % 50)).collect();
        scene.report(&events).await;
        let state = &scene.app.running.state;
        let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
        runs::perform(state, run.id).await.expect("a run");
        let run: Run = scene.admin().get(&scene.place.path(&format!("/runs/{}", run.id))).await.expect(200).json();
        distributions::perform(state, run.distribution_id.expect("one")).await.expect("a distribution");
        scene
    }

    async fn bulk_release(&self) -> uuid::Uuid {
        let body = json!({ "filter": { "domain": "example.com" } });
        let queued = self.admin().post(&self.place.path("/bulk-releases"), &body).await.expect(202);
        queued.json::<ListOperation>().id
    }

    /// The parts of a download, each as the addresses that it has. As in a download the next begins before one is read;
    /// `between` happens between these.
    async fn parts(&self, filter: &Filter, sort: ListSort, mut between: impl AsyncFnMut()) -> Vec<Vec<String>> {
        let sources =
            blocked_addresses::sources(self.place.configuration, filter, i64::MAX, sort, Direction::Descending);
        let mut parts = pin!(downloads::parts(self.app.running.state.db.clone(), sources));
        let (mut read, mut begun) = (Vec::new(), parts.next().await);
        while let Some(part) = begun {
            between().await;
            begun = parts.next().await;
            let part = part.expect("it begins").await.expect("a part");
            read.push(part.rows().map(|row| row[0].to_owned()).collect());
        }
        read
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_has_what_stands_on_the_list_throughout() {
    let scene = Scene::filled(6_000).await;
    for sort in [ListSort::Date, ListSort::Address] {
        // Oldest first: what it takes off is what the download has not come to yet.
        let release = scene.bulk_release().await;
        let step = async || {
            list_operations::step(&scene.app.running.state, release, 900).await.expect("a step");
        };
        step().await;
        let parts = scene.parts(&Filter::default(), sort, step).await;
        assert!(parts.len() > 1 && parts[0].len() < 6_000, "in one part nothing happens in the middle");
        let mut addresses = parts.concat();
        addresses.sort();
        let expected: Vec<String> = (0..6_000).map(|n| format!("u{n:05}@example.com")).collect();
        assert!(addresses == expected, "{} of {}", addresses.len(), expected.len());
        let cancel = scene.place.path(&format!("/list-operations/{release}/cancel"));
        scene.admin().post(&cancel, &json!({})).await.expect(202);
        while list_operations::step(&scene.app.running.state, release, 900).await.expect("it is taken back") {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_ends_after_so_many_rows_that_do_not_match() {
    let scene = Scene::filled(6_000).await;
    let none = Filter { text: Some("nobody".to_owned()), ..Filter::default() };
    let parts = scene.parts(&none, ListSort::Date, async || {}).await;
    assert_eq!(parts, [[""; 0]; 2], "the second looks at the rest");
    let rare = Filter { text: Some("u0000".to_owned()), ..Filter::default() };
    let parts = scene.parts(&rare, ListSort::Address, async || {}).await;
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [0, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_each_row_once_while_rows_move() {
    const ROWS: usize = 300;
    let scene = Scene::filled(ROWS).await;
    let release = scene.bulk_release().await;
    let taken_off = async {
        for _ in 0..ROWS / 3 {
            list_operations::step(&scene.app.running.state, release, 3).await.expect("a step");
        }
    };
    let path = scene.place.path("/blocked-addresses?state=in_effect&limit=500");
    let searched = async {
        for _ in 0..100 {
            let page: Page<BlockedAddress> = scene.admin().get(&path).await.expect(200).json();
            let distinct: HashSet<_> = page.items.iter().map(|block| block.id).collect();
            assert_eq!((page.items.len(), distinct.len()), (ROWS, ROWS));
        }
    };
    futures::join!(taken_off, searched);
}
