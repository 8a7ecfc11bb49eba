//! Random histories: whatever is blocked, registered, published, cancelled, released and undone in whatever order, with
//! whatever in the middle of a list operation or of a run, every list, every snapshot and every change since any version is what a
//! plain model of the rules says, and every sum is that of its rows.

mod runs;

use super::*;
use backend::service::{
    agent_sync,
    agent_sync::{Holding, Pace},
    distributions, list_operations,
};
use futures::StreamExt;
use shared::list::{AdditionResult, Exemption};
use shared::list_operation::{ListOperation, ListOperationKind, ListOperationState};
use std::collections::BTreeMap;

use super::model::{Dice, Kind, Model, WATCH_DAYS, Work};
use super::prepared::unpacked_body;
use runs::RunAtWork;

#[tokio::test(flavor = "multi_thread")]
async fn every_history_equals_the_model() {
    let mut prepared = 0;
    for seed in 1..=4 {
        prepared += History::play(seed, 200).await;
    }
    assert!(prepared > 0, "lists of which something was prepared");
}

struct History {
    scene: Scene,
    reporter: Client,
    mail_server: Uuid,
    dice: Dice,
    model: Model,
    run: Option<RunAtWork>,
    /// Distributions that wait to be published.
    queued: Vec<Uuid>,
    /// As [`Self::play`] answers.
    prepared: usize,
}

impl History {
    /// Answers how many pieces of lists were packed before their publication.
    async fn play(seed: u64, length: usize) -> usize {
        let scene = Scene::start_without_jobs().await;
        scene.change_settings(|body| body["watch_period_days"] = json!(WATCH_DAYS)).await.expect(200);
        let (reporter, mail_server) = scene.place.mail_server(&scene.app, "mx1").await;
        let dice = Dice(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15));
        let model = Model { history: vec![BTreeSet::new()], ..Model::default() };
        let mut history =
            Self { scene, reporter, mail_server, dice, model, run: None, queued: Vec::new(), prepared: 0 };
        let mut finished = BTreeMap::new();
        for step in 0..length {
            let before = history.model.states();
            if history.dice.roll(2) == 0 {
                let (state, id) = (&history.scene.app.running.state, history.scene.place.configuration);
                agent_sync::prepare(state, id, 1).await.expect("prepared");
            }
            let Some(did) = history.act(step).await else { continue };
            let context = format!("seed {seed}, step {step}: {did}");
            *finished.entry(did.split(' ').next().expect("a word").to_owned()).or_insert(0) += 1;
            let after = history.model.states();
            let keys = before.keys().chain(after.keys());
            let touched = keys.filter(|key| before.get(*key) != after.get(*key)).cloned().collect::<Vec<_>>();
            if let Some(work) = &mut history.model.work {
                work.touched.extend(touched.iter().cloned());
            }
            if let Some(run) = &mut history.run {
                run.touched.extend(touched);
            }
            history.check(&context).await;
        }
        println!("seed {seed}: {finished:?}");
        assert!(history.model.history.len() > 10, "seed {seed}: a history with versions");
        history.prepared
    }

    async fn act(&mut self, step: usize) -> Option<String> {
        let key = self.dice.key();
        let now = self.scene.app.clock.now();
        Some(match self.dice.roll(20) {
            0..=3 => {
                let event = json!([{ "id": format!("{step}"), "address": key, "outcome": "error",
                    "reason": "unknown_user", "occurred_at": now }]);
                self.reporter.post(&self.scene.place.path("/delivery-events"), &event).await.expect(200);
                self.model.tallies.insert(key.clone());
                if let Some(run) = &mut self.run {
                    // It may have been looked at before or after that.
                    run.touched.insert(key.clone());
                }
                format!("error of {key}")
            }
            4 | 5 if self.run.is_none() => self.begin_run().await,
            // Operations wait for it.
            4 | 5 | 12.. if self.run.is_some() => self.step_of_run().await,
            6 | 7 => {
                let id = self.queued.pop()?;
                let state = &self.scene.app.running.state;
                distributions::perform(state, id).await.expect("a distribution");
                distributions::perform(state, id).await.expect("nothing the second time");
                self.model.publish();
                "publication".to_owned()
            }
            8 => {
                let body = json!({ "addresses": [key] });
                self.scene.admin().post(&self.scene.place.path("/releases"), &body).await.expect(200);
                self.model.release(&key);
                format!("release of {key}")
            }
            9 => {
                let found: Value = self.scene.get(&format!("/exemptions?q={key}")).await;
                let id = found["items"][0]["id"].as_str()?;
                self.scene.admin().delete(&self.scene.place.path(&format!("/exemptions/{id}"))).await.expect(204);
                self.model.exempt.remove(&key);
                self.model.tallies.remove(&key);
                format!("end of the exemption of {key}")
            }
            10 => {
                let block_exempt = self.dice.roll(2) == 0;
                let body = json!({ "addresses": [key], "block_exempt": block_exempt });
                let path = self.scene.place.path("/blocked-addresses");
                let result: AdditionResult = self.scene.admin().post(&path, &body).await.expect(200).json();
                let expected = self.model.add(&key, block_exempt, now);
                assert_eq!(result.items[0].status, expected, "step {step}: addition of {key}");
                format!("addition of {key}: {expected:?}")
            }
            11..=13 if self.model.work.is_none() => self.begin().await?,
            _ => {
                let id = self.model.work.as_ref()?.id;
                if self.dice.roll(12) == 0 {
                    let path = self.scene.place.path(&format!("/list-operations/{id}/cancel"));
                    self.scene.admin().post(&path, &json!({})).await.expect(202);
                    self.settle().await;
                    format!("cancellation of {id}")
                } else {
                    let rows = 1 + self.dice.roll(4) as usize;
                    let state = &self.scene.app.running.state;
                    list_operations::step(state, id, rows).await.expect("a step");
                    self.settle().await
                }
            }
        })
    }

    /// Asks for a list operation.
    async fn begin(&mut self) -> Option<String> {
        let scene = &self.scene;
        let mut keys: Vec<String> = (0..1 + self.dice.roll(8)).map(|_| self.dice.key()).collect();
        let (path, body, kind, wanted) = match self.dice.roll(4) {
            0 => {
                let upload = sums::upload(scene, &keys).await;
                let block_exempt = self.dice.roll(2) == 0;
                let body = json!({ "block_exempt": block_exempt, "delivery_timing": "next_execution" });
                (format!("/uploads/{upload}/registration"), body, Kind::Register { block_exempt }, keys)
            }
            1 => {
                // a1, a10 and a11; or every address.
                let q = ["a1", "EXAMPLE"][self.dice.roll(2) as usize];
                keys = (0..12)
                    .map(|n| format!("a{n}@example.com"))
                    .filter(|key| key.contains(&q.to_lowercase()))
                    .collect();
                ("/bulk-releases".to_owned(), json!({ "filter": { "q": q } }), Kind::Release, keys)
            }
            2 => {
                let upload = sums::upload(scene, &keys).await;
                ("/bulk-releases".to_owned(), json!({ "upload_id": upload }), Kind::Release, keys)
            }
            _ => {
                let index = self.dice.roll(self.model.done.len().max(1) as u64) as usize;
                let (of, kind) = *self.model.done.get(index)?;
                self.model.done.remove(index);
                let kind =
                    if kind == ListOperationKind::Release { Kind::UndoRelease(of) } else { Kind::UndoRegistration(of) };
                let all = (0..12).map(|n| format!("a{n}@example.com")).collect();
                (format!("/list-operations/{of}/undo"), json!({}), kind, all)
            }
        };
        let queued: ListOperation = scene.admin().post(&scene.place.path(&path), &body).await.expect(202).json();
        let wanted = wanted.into_iter().collect();
        self.model.work = Some(Work { id: queued.id, kind, wanted, touched: BTreeSet::new() });
        Some(format!("begin {kind:?}"))
    }

    /// Takes into the model what an operation has done, if it is over.
    async fn settle(&mut self) -> String {
        let scene = &self.scene;
        let work = self.model.work.take().expect("work");
        let operation: ListOperation = scene.get(&format!("/list-operations/{}", work.id)).await;
        let kind = work.kind;
        match operation.state {
            ListOperationState::Done => {}
            ListOperationState::Cancelled => {
                if let Kind::UndoRegistration(of) | Kind::UndoRelease(of) = kind {
                    let of: ListOperation = scene.get(&format!("/list-operations/{of}")).await;
                    assert_eq!(of.undone_by, None);
                    self.model.done.push((of.id, of.kind));
                }
                return format!("cancelled {kind:?}");
            }
            ListOperationState::Queued | ListOperationState::Running | ListOperationState::Cancelling => {
                self.model.work = Some(work);
                return format!("step of {kind:?}");
            }
            ListOperationState::Failed => panic!("{operation:?}"),
        }
        let set = sums::set_of(scene, work.id).await.expect("a set");
        let at = operation.started_at.expect("a time");
        let (table, column) = match kind {
            Kind::Register { .. } | Kind::UndoRelease(_) => ("blocked_addresses", "added_set_id"),
            Kind::Release | Kind::UndoRegistration(_) => ("removed_blocks", "removed_set_id"),
        };
        let changed = sums::of_set(scene, set, table, column).await;
        for key in &changed {
            assert!(work.wanted.contains(key) && self.model.is_about(kind, key), "{kind:?} changed {key}");
        }
        for key in work.wanted.difference(&work.touched) {
            assert_eq!(changed.contains(key), self.model.is_about(kind, key), "{kind:?} and {key}");
        }
        let count = changed.len() as i64;
        assert_eq!(operation.counts.added + operation.counts.removed, count, "{operation:?}");
        for key in &changed {
            self.model.apply(work.id, kind, key, at);
        }
        match kind {
            Kind::Register { .. } => self.model.done.push((work.id, ListOperationKind::RegisterUpload)),
            Kind::Release => self.model.done.push((work.id, ListOperationKind::Release)),
            Kind::UndoRegistration(of) => {
                self.model.undone.insert(of);
                self.exempt_again(of, set, &work.touched).await;
            }
            Kind::UndoRelease(_) => {}
        }
        format!("done {kind:?}")
    }

    /// The exemptions that a registration had ended hold again after its undo, unless something newer stands against it.
    async fn exempt_again(&mut self, registration: Uuid, set: Uuid, touched: &BTreeSet<String>) {
        let again = sums::of_set(&self.scene, set, "exemptions", "made_set_id").await;
        let ended = self.model.ended.iter().filter(|((by, _), _)| *by == registration);
        let ended: Vec<(String, Option<Uuid>)> = ended.map(|((_, key), from)| (key.clone(), *from)).collect();
        for (key, from) in ended {
            let free = !self.model.live.contains_key(&key) && !self.model.exempt.contains_key(&key);
            assert!(touched.contains(&key) || again.contains(&key) == free, "the exemption of {key}");
            if again.contains(&key) {
                assert!(free, "{key} is exempt again");
                self.model.exempt.insert(key, from);
            }
        }
    }

    async fn check(&mut self, context: &str) {
        let (scene, model) = (&self.scene, &mut self.model);
        sums::prove(scene, context).await;
        let state = &scene.app.running.state;
        let (configuration, mail_server) = (scene.place.configuration, self.mail_server);
        let identity =
            agent_sync::identity(state, mail_server, String::new(), configuration).await.expect("the head of the list");
        let version = usize::try_from(identity.version).expect("a version");
        if version == model.history.len() {
            model.history.push(model.published.clone());
        }
        assert_eq!(model.history.len(), version + 1, "{context}: one version more at most");
        assert_eq!(model.history[version], model.published, "{context}: what is published");
        let from = usize::try_from(self.dice.roll(version as u64 + 1)).expect("a version");
        let held = Holding { epoch: identity.epoch, version: from as i64, checksum: None };
        for holding in [None, Some(held)] {
            let plan = agent_sync::plan(state, mail_server, configuration, holding, Duration::ZERO);
            let Some(plan) = plan.await.expect(context) else {
                assert_eq!(from, version, "{context}: nothing new only at the head");
                continue;
            };
            let at_once = version.is_multiple_of(2);
            let (body, prepared) = if at_once {
                unpacked_body(state, plan).await
            } else {
                let pieces: Vec<_> = agent_sync::body(state.db.clone(), plan, Pace::AsTaken).collect().await;
                (pieces.into_iter().flat_map(|piece| piece.expect("a piece")).collect(), 0)
            };
            self.prepared += prepared;
            let keys = if holding.is_some() { model.history[from].clone() } else { BTreeSet::new() };
            let (client, id) = (scene.app.anonymous(), mail_server);
            let mut agent = ModelAgent { client, id, header: None, keys };
            agent.apply(std::str::from_utf8(&body).expect("UTF-8"));
            assert_eq!(agent.keys, model.published, "{context}: from {holding:?}, at once: {at_once}");
        }
        let mut shown = scene.blocked("in_effect").await;
        shown.extend(scene.blocked("pending").await);
        shown.sort();
        assert_eq!(shown, model.live.keys().cloned().collect::<Vec<_>>(), "{context}: live blocks");
        let page: Page<Exemption> = scene.get("/exemptions?sort=address&direction=ascending&limit=500").await;
        let shown: Vec<String> = page.items.into_iter().map(|exemption| exemption.address).collect();
        assert_eq!(shown, model.exempt.keys().cloned().collect::<Vec<_>>(), "{context}: exempt addresses");
    }
}
