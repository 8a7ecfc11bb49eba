//! Random histories: whatever is blocked, published, cancelled and released in whatever order, every snapshot and every
//! change since any version is what a plain model of the rules says.

use super::*;
use backend::service::{Access, agent_sync, agent_sync::Holding, distributions, releases, runs};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use shared::list::ReleaseRequest;
use std::collections::BTreeMap;

/// Days after which a block is cancelled.
const WATCH_DAYS: i64 = 5;

/// A small generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What the rules say.
#[derive(Default)]
struct Model {
    /// Errors counted.
    tallies: BTreeSet<String>,
    exempt: BTreeSet<String>,
    /// Live blocks: when they were made.
    live: BTreeMap<String, DateTime<Utc>>,
    /// What the published list holds.
    published: BTreeSet<String>,
    /// The published list at each version.
    history: Vec<BTreeSet<String>>,
}

impl Model {
    fn run(&mut self, now: DateTime<Utc>) {
        let over: Vec<String> = self
            .live
            .iter()
            .filter(|(_, made)| **made + TimeDelta::days(WATCH_DAYS) <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            self.live.remove(&key);
            self.tallies.remove(&key);
        }
        for key in &self.tallies {
            if !self.exempt.contains(key) {
                self.live.entry(key.clone()).or_insert(now);
            }
        }
    }

    fn publish(&mut self) {
        self.published = self.live.keys().cloned().collect();
    }

    fn release(&mut self, key: &str) {
        let was_live = self.live.remove(key).is_some();
        let was_published = self.published.remove(key);
        if was_live || was_published {
            self.exempt.insert(key.to_owned());
            self.tallies.remove(key);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_history_equals_the_model() {
    for seed in [1, 2, 3] {
        history(seed).await;
    }
}

async fn history(seed: u64) {
    let scene = Scene::start_without_jobs().await;
    scene.change_settings(|body| body["watch_period_days"] = json!(WATCH_DAYS)).await.expect(200);
    let state = &scene.app.running.state;
    let configuration = scene.place.configuration;
    let (reporter, mail_server) = scene.place.mail_server(&scene.app, "mx1").await;
    let mut dice = Dice(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15));
    let mut model = Model { history: vec![BTreeSet::new()], ..Model::default() };
    let mut queued: Vec<Uuid> = Vec::new();
    for step in 0..200 {
        let key = format!("a{}@example.com", dice.roll(12));
        let context = match dice.roll(12) {
            0..=4 => {
                let event = json!([{ "id": format!("{step}"), "address": key, "outcome": "error",
                    "reason": "unknown_user", "occurred_at": scene.app.clock.now() }]);
                reporter.post(&scene.place.path("/delivery-events"), &event).await.expect(200);
                model.tallies.insert(key.clone());
                format!("error of {key}")
            }
            5 | 6 => {
                scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(dice.roll(3).cast_signed()));
                let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
                runs::perform(state, run.id).await.expect("a run");
                let run = runs::get(state, configuration, run.id).await.expect("the run");
                queued.push(run.distribution_id.expect("a distribution"));
                model.run(scene.app.clock.now());
                "run".to_owned()
            }
            7 | 8 => {
                let Some(id) = queued.pop() else { continue };
                distributions::perform(state, id).await.expect("a distribution");
                distributions::perform(state, id).await.expect("nothing the second time");
                model.publish();
                "publication".to_owned()
            }
            9 => {
                let request = ReleaseRequest { addresses: vec![key.clone()], comment: None };
                let access = Access::system(Uuid::nil());
                releases::release(state, &access, configuration, &request).await.expect("a release");
                model.release(&key);
                format!("release of {key}")
            }
            _ => {
                let found: Value = scene.get(&format!("/exemptions?q={key}")).await;
                let Some(id) = found["items"][0]["id"].as_str() else { continue };
                scene.admin().delete(&scene.place.path(&format!("/exemptions/{id}"))).await.expect(204);
                model.exempt.remove(&key);
                model.tallies.remove(&key);
                format!("end of the exemption of {key}")
            }
        };
        check(&scene, mail_server, &mut model, &mut dice, &format!("seed {seed}, step {step}: {context}")).await;
    }
    assert!(model.history.len() > 10, "seed {seed}: a history with versions");
}

async fn check(scene: &Scene, mail_server: Uuid, model: &mut Model, dice: &mut Dice, context: &str) {
    let state = &scene.app.running.state;
    let configuration = scene.place.configuration;
    let identity =
        agent_sync::identity(state, mail_server, String::new(), configuration).await.expect("the head of the list");
    let version = usize::try_from(identity.version).expect("a version");
    if version == model.history.len() {
        model.history.push(model.published.clone());
    }
    assert_eq!(model.history.len(), version + 1, "{context}: one version more at most");
    assert_eq!(model.history[version], model.published, "{context}: what is published");
    let from = usize::try_from(dice.roll(version as u64 + 1)).expect("a version");
    let held = Holding { epoch: identity.epoch, version: from as i64 };
    for holding in [None, Some(held)] {
        let plan = agent_sync::plan(state, mail_server, configuration, holding, Duration::ZERO).await.expect(context);
        let Some(plan) = plan else {
            assert_eq!(from, version, "{context}: nothing new only at the head");
            continue;
        };
        let pieces: Vec<_> = agent_sync::body(state.db.clone(), plan).collect().await;
        let body: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.expect("a piece")).collect();
        let keys = if holding.is_some() { model.history[from].clone() } else { BTreeSet::new() };
        let (client, id) = (scene.app.anonymous(), mail_server);
        let mut agent = ModelAgent { client, id, header: None, keys };
        agent.apply(std::str::from_utf8(&body).expect("UTF-8"));
        assert_eq!(agent.keys, model.published, "{context}: from {holding:?}");
    }
    let live: Vec<String> = model.live.keys().cloned().collect();
    let mut shown = scene.blocked("in_effect").await;
    shown.extend(scene.blocked("pending").await);
    shown.sort();
    assert_eq!(shown, live, "{context}: live blocks");
}
