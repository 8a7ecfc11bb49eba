//! Runs in a random history: at once, or with whatever between their steps.

use super::{super::sums, History};
use backend::service::{Error, runs};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::run::{Run, RunState};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A run between two steps.
pub(super) struct RunAtWork {
    id: Uuid,
    at: DateTime<Utc>,
    /// The change set that it builds.
    set: Option<Uuid>,
    /// What a list operation takes off, and what it is about to block or exempt: a run leaves both alone.
    held: BTreeSet<String>,
    claimed: BTreeSet<String>,
    /// Addresses that something else changed meanwhile: the run may have looked before or after that.
    pub(super) touched: BTreeSet<String>,
}

impl History {
    pub(super) async fn begin_run(&mut self) -> String {
        let scene = &self.scene;
        scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(self.dice.roll(3).cast_signed()));
        let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
        let (at, none) = (scene.app.clock.now(), BTreeSet::new);
        self.run = Some(RunAtWork { id: run.id, at, set: None, held: none(), claimed: none(), touched: none() });
        self.look_at_operation().await;
        if self.dice.roll(2) == 0 {
            return self.step_of_run().await;
        }
        let state = &self.scene.app.running.state;
        while runs::step(state, run.id, 100).await.expect("a step") {}
        self.settle_run().await
    }

    /// An operation goes on until a run has begun to prepare something, and after that was taken back.
    async fn look_at_operation(&mut self) {
        let (held, claimed) = (sums::being_taken_off(&self.scene).await, sums::claimed(&self.scene).await);
        let run = self.run.as_mut().expect("a run");
        if run.set.is_none() {
            (run.held, run.claimed) = (held, claimed);
        }
    }

    pub(super) async fn step_of_run(&mut self) -> String {
        self.look_at_operation().await;
        let (state, id) = (&self.scene.app.running.state, self.run.as_ref().expect("a run").id);
        if self.dice.roll(15) == 0 {
            let full = Error::StorageFull(anyhow::anyhow!("no room"));
            runs::failed(state, id, &full).await.expect("a note");
        } else {
            runs::step(state, id, 1 + self.dice.roll(3) as usize).await.expect("a step");
        }
        self.settle_run().await
    }

    /// Takes into the model what a run has done, if it is over.
    async fn settle_run(&mut self) -> String {
        let scene = &self.scene;
        let mut work = self.run.take().expect("a run");
        let state = &scene.app.running.state;
        let stored = backend::store::runs::get(state.db.connection(), work.id).await.expect("a row").expect("the run");
        if stored.run.state != RunState::Done {
            assert_ne!(stored.run.state, RunState::Failed, "{stored:?}");
            let before = work.set;
            work.set = stored.progress.map(|progress| progress.change_set_id);
            let taken_back = before.is_some() && work.set.is_none();
            if taken_back {
                // What it had ended counts from zero, and nobody has seen it.
                let live: BTreeSet<String> = self.model.live.keys().cloned().collect();
                self.count_again(&live).await;
            }
            self.run = Some(work);
            return if taken_back { "run-taken-back" } else { "run-step" }.to_owned();
        }
        self.queued.push(stored.run.distribution_id.expect("a distribution"));
        // Whatever else happened is in the model already.
        let shown: BTreeSet<String> =
            scene.blocked("in_effect").await.into_iter().chain(scene.blocked("pending").await).collect();
        let live: BTreeSet<String> = self.model.live.keys().cloned().collect();
        let blocked: BTreeSet<String> = shown.difference(&live).cloned().collect();
        let ended: BTreeSet<String> = live.difference(&shown).cloned().collect();
        let expected = self.model.expect_of_run(work.at, &work.held, &work.claimed);
        for key in (0..12).map(|n| format!("a{n}@example.com")).filter(|key| !work.touched.contains(key)) {
            let did = (blocked.contains(&key), ended.contains(&key));
            assert_eq!(did, (expected.blocked.contains(&key), expected.ended.contains(&key)), "a run and {key}");
        }
        let count: i64 = stored.run.blocked.iter().map(|count| count.count).sum();
        assert_eq!((count, stored.run.cancelled), (blocked.len() as i64, ended.len() as i64), "{stored:?}");
        self.model.ran(work.at, &blocked, &ended);
        self.count_again(&work.touched).await;
        "run".to_owned()
    }

    /// Takes it from the database whether errors of these addresses are counted.
    async fn count_again(&mut self, keys: &BTreeSet<String>) {
        let counted = sums::counted(&self.scene).await;
        for key in keys {
            if counted.contains(key) {
                self.model.tallies.insert(key.clone());
            } else {
                self.model.tallies.remove(key);
            }
        }
    }
}
