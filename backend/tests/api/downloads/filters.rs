//! Downloads with any filter: what the search with the same one finds.

use super::*;
use crate::lists::release_filters::{Filters, REASONS, address, matches, query};
use shared::{
    list::{BlockState, Origin},
    list_operation::BlockFilter,
};

/// In 28 rounds each of them comes with each of the seven fields of a filter.
const ORDERS: [&str; 4] = [
    "sort=date&direction=descending",
    "sort=date&direction=ascending",
    "sort=address&direction=descending",
    "sort=address&direction=ascending",
];

/// Blocks of every origin and state, with several reasons and domains, and entries of the stop cancellation list, made
/// at times a millisecond apart.
async fn filled() -> Scene {
    let scene = Scene::new().await;
    // It holds the blocks and never comes again for their releases.
    let (agent, _) = scene.place.mail_server(&scene.app, "late").await;
    let later = || scene.app.clock.set(scene.app.clock.now() + TimeDelta::milliseconds(1));
    for batch in 0..3 {
        later();
        let names: Vec<String> = (batch * 24..(batch + 1) * 24).map(address).collect();
        let failed = names[..12].iter().zip(REASONS.iter().cycle()).map(|(name, reason)| {
            let mut event = error(name, "no", 0);
            event["reason"] = json!(reason);
            event
        });
        scene.report(&failed.collect::<Vec<_>>()).await;
        let body = json!({ "addresses": names[12..18] });
        scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
        register(&scene, names[18..].join("\n").into_bytes()).await;
        // The last ones are pending.
        if batch < 2 {
            scene.run().await;
        }
    }
    acknowledge(&agent).await;
    for part in 0..3 {
        later();
        let released: Vec<String> = (0..48).filter(|n| n % 7 == part).map(address).collect();
        scene.release(&released, "asked").await;
    }
    scene
}

/// An entry of the stop cancellation list, to be looked for as a block is.
fn as_block(entry: &Exemption) -> BlockedAddress {
    BlockedAddress {
        id: entry.id,
        address: entry.address.clone(),
        reason: entry.reason,
        origin: Origin::Api,
        state: BlockState::InEffect,
        blocked_at: entry.released_at,
        version: None,
        removal: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_any_filter_a_download_is_what_the_search_finds() {
    let scene = filled().await;
    let (mut blocked, mut exempt): (Vec<Vec<BlockedAddress>>, Vec<Vec<Exemption>>) = Default::default();
    for order in ORDERS {
        blocked.push(scene.pages(&format!("/blocked-addresses?{order}")).await);
        exempt.push(scene.pages(&format!("/exemptions?{order}")).await);
    }
    for state in [BlockState::InEffect, BlockState::Pending, BlockState::Releasing] {
        assert!(blocked[0].iter().any(|block| block.state == state), "none is {state:?}");
    }
    let mut filters = Filters::new(0xf11e);
    for round in 0..28 {
        let order = round % ORDERS.len();
        let filter = filters.of(&blocked[order], round);
        let search = format!("{}&{}", ORDERS[order], query(&filter));
        let found = blocked[order].iter().filter(|block| matches(&filter, block));
        let found: Vec<BlockedAddress> = found.cloned().collect();
        let shown: Vec<BlockedAddress> = scene.pages(&format!("/blocked-addresses?{search}")).await;
        assert_eq!(shown, found, "{search}");
        let (_, rows) = scene.download(&format!("/blocked-addresses.csv?{search}")).await;
        let found =
            found.iter().map(|row| [json!(row.address), json!(row.reason), json!(row.origin), json!(row.state)]);
        assert!(rows[1..].iter().map(|row| [0, 1, 2, 3].map(|n| json!(row[n]))).eq(found), "{search}: {rows:?}");

        let entries: Vec<BlockedAddress> = exempt[order].iter().map(as_block).collect();
        let filter = BlockFilter { origin: None, state: None, ..filters.of(&entries, round) };
        let search = format!("{}&{}", ORDERS[order], query(&filter));
        let found = exempt[order].iter().filter(|entry| matches(&filter, &as_block(entry)));
        let found: Vec<Exemption> = found.cloned().collect();
        let shown: Vec<Exemption> = scene.pages(&format!("/exemptions?{search}")).await;
        assert_eq!(shown, found, "{search}");
        let (_, rows) = scene.download(&format!("/exemptions.csv?{search}")).await;
        let found = found.iter().map(|row| [json!(row.address), json!(row.reason)]);
        assert!(rows[1..].iter().map(|row| [0, 1].map(|n| json!(row[n]))).eq(found), "{search}: {rows:?}");
    }
}
