//! The list from errors to agents: runs, distributions, releases, run settings, the schedule.

mod additions;
mod agents;
mod audit;
mod building;
mod history;
mod live;
mod model;
pub(crate) mod operations;
mod prepared;
mod registrations;
pub(crate) mod release_filters;
mod runs;
mod schedule;
mod search;
mod search_model;
mod settings;
pub(crate) mod sums;

use crate::support::{TestApp, Workplace, client::Client};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    AddressKey, ListChecksum, Page,
    agent_sync::{Acknowledgement, AcknowledgementResult, ListBody, ListHeader},
    list::{BlockedAddress, ReleaseResult},
    run::{Distribution, DistributionState, Run, RunState},
    run_settings::RunSettings,
};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// Longer than anything asynchronous may take here.
const PATIENCE: Duration = Duration::from_secs(20);

/// An account, its configuration and what tests do with it.
pub(crate) struct Scene {
    pub(crate) app: TestApp,
    pub(crate) place: Workplace,
    secret: String,
}

impl Scene {
    async fn start() -> Self {
        Self::on(TestApp::start().await).await
    }

    /// With the HTTP half of the service only: the test performs the jobs itself.
    pub(crate) async fn start_without_jobs() -> Self {
        Self::on(TestApp::start_without_jobs().await).await
    }

    /// Acts by an API token: a session would end when a test moves the clock by days.
    async fn on(app: TestApp) -> Self {
        let mut place = app.workplace().await;
        let body = json!({ "name": "test", "scopes": ["read", "lists", "manage"] });
        let secret = place.administrator.post("/api/v1/tokens", &body).await.expect(201);
        let secret = secret.json::<shared::session::ApiTokenSecret>().secret;
        place.administrator = app.client(Some(secret.clone()));
        Self { app, place, secret }
    }

    /// Stops the service and starts it as a whole.
    async fn restart(self) -> Self {
        let Self { app, mut place, secret } = self;
        let app = app.restart().await;
        place.administrator = app.client(Some(secret.clone()));
        Self { app, place, secret }
    }

    pub(crate) fn admin(&self) -> &Client {
        &self.place.administrator
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        self.admin().get(&self.place.path(path)).await.expect(200).json()
    }

    /// Reports `count` errors of an address.
    pub(crate) async fn errors(&self, address: &str, reason: &str, count: usize) {
        let events: Vec<Value> = (0..count)
            .map(|_| {
                json!({ "id": Uuid::new_v4().to_string(), "address": address, "outcome": "error", "reason": reason,
                    "occurred_at": self.app.clock.now() })
            })
            .collect();
        self.report(&events).await;
    }

    /// Reports one unknown user for each address.
    async fn unknown_users(&self, addresses: &[String]) {
        let events: Vec<Value> = addresses
            .iter()
            .map(|address| {
                json!({ "id": Uuid::new_v4().to_string(), "address": address, "outcome": "error",
                    "reason": "unknown_user", "occurred_at": self.app.clock.now() })
            })
            .collect();
        self.report(&events).await;
    }

    pub(crate) async fn report(&self, events: &[Value]) {
        let (agent, _) = self.place.mail_server(&self.app, &format!("reporter-{}", Uuid::new_v4())).await;
        let answer = agent.post(&self.place.path("/delivery-events"), &events).await.expect(200);
        assert_eq!(answer.json::<Value>()["accepted"], events.len(), "{}", String::from_utf8_lossy(&answer.body));
    }

    /// "Run now", performed by the test itself, with its distribution.
    pub(crate) async fn run_by_hand(&self) -> (Run, Distribution) {
        let run: Run = self.admin().post(&self.place.path("/runs"), &json!({})).await.expect(202).json();
        let state = &self.app.running.state;
        backend::service::runs::perform(state, run.id).await.expect("a run");
        let run: Run = self.get(&format!("/runs/{}", run.id)).await;
        let distribution = run.distribution_id.expect("a distribution");
        backend::service::distributions::perform(state, distribution).await.expect("a distribution");
        (run, self.get(&format!("/distributions/{distribution}")).await)
    }

    /// "Run now", until its distribution is published.
    async fn run_now(&self) -> (Run, Distribution) {
        let run: Run = self.admin().post(&self.place.path("/runs"), &json!({})).await.expect(202).json();
        self.finished(run.id).await
    }

    async fn finished(&self, run_id: Uuid) -> (Run, Distribution) {
        let run: Run = self
            .until(&format!("/runs/{run_id}"), |run: &Run| matches!(run.state, RunState::Done | RunState::Failed))
            .await;
        assert_eq!(run.state, RunState::Done, "{run:?}");
        let path = format!("/distributions/{}", run.distribution_id.expect("a distribution"));
        let distribution =
            self.until(&path, |distribution: &Distribution| distribution.state != DistributionState::Queued).await;
        (run, distribution)
    }

    /// Reads until what is read is as wanted.
    async fn until<T: serde::de::DeserializeOwned + std::fmt::Debug>(
        &self,
        path: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> T {
        let begun = tokio::time::Instant::now();
        loop {
            let found: T = self.get(path).await;
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn release(&self, addresses: &[&str]) -> ReleaseResult {
        let body = json!({ "addresses": addresses, "comment": "asked by the customer" });
        self.admin().post(&self.place.path("/releases"), &body).await.expect(200).json()
    }

    /// The addresses of the blocked list with a state.
    async fn blocked(&self, state: &str) -> Vec<String> {
        let page: Page<BlockedAddress> =
            self.get(&format!("/blocked-addresses?state={state}&sort=address&direction=ascending&limit=500")).await;
        page.items.into_iter().map(|block| block.address).collect()
    }

    async fn settings(&self) -> RunSettings {
        self.get("/run-settings").await
    }

    /// Saves the run settings after `change`, as a console does.
    pub(crate) async fn change_settings(&self, change: impl FnOnce(&mut Value)) -> crate::support::client::Response {
        let settings = self.settings().await;
        let mut body = json!(settings);
        for name in ["revision", "time_zone", "previous_execution", "next_execution"] {
            body.as_object_mut().expect("an object").remove(name);
        }
        body["delivery_timing"] = json!("next_execution");
        change(&mut body);
        let request = self.admin().request(Method::PUT, &self.place.path("/run-settings"));
        self.admin().send(request.header("If-Match", format!("\"{}\"", settings.revision)).json(&body)).await
    }
}

/// An agent that does what the protocol asks, with its list in memory.
pub(crate) struct ModelAgent {
    pub(crate) client: Client,
    id: Uuid,
    header: Option<ListHeader>,
    keys: BTreeSet<String>,
}

impl ModelAgent {
    pub(crate) async fn new(scene: &Scene, name: &str) -> Self {
        let (client, id) = scene.place.mail_server(&scene.app, name).await;
        Self { client, id, header: None, keys: BTreeSet::new() }
    }

    /// Fetches what is new, proves that the list is what the header says, and acknowledges it. False: nothing was new.
    pub(crate) async fn sync(&mut self, wait: u32) -> bool {
        let path = match &self.header {
            None => "/api/v1/agent/list".to_owned(),
            Some(held) => format!("/api/v1/agent/list?epoch={}&version={}&wait={wait}", held.epoch, held.version),
        };
        let answer = self.client.get(&path).await;
        if answer.status == 204 {
            return false;
        }
        let answer = answer.expect(200);
        self.apply(std::str::from_utf8(&answer.body).expect("UTF-8"));
        assert!(self.acknowledge().await, "the service agrees");
        true
    }

    fn apply(&mut self, body: &str) {
        let (header, lines) = body.split_once('\n').expect("a header line");
        let header: ListHeader = serde_json::from_str(header).expect("a header");
        if header.body == ListBody::Snapshot {
            self.keys.clear();
        }
        let mut additions = false;
        for line in lines.lines() {
            match header.body {
                ListBody::Snapshot => assert!(self.keys.insert(line.to_owned()), "{line} comes twice"),
                ListBody::Changes => match line.split_at(1) {
                    ("-", key) => {
                        assert!(!additions, "removals come first");
                        assert!(self.keys.remove(key), "{key} was not held");
                    }
                    ("+", key) => {
                        additions = true;
                        assert!(self.keys.insert(key.to_owned()), "{key} was held");
                    }
                    _ => panic!("{line}"),
                },
            }
        }
        assert_eq!(header.count, self.keys.len() as i64);
        assert_eq!(header.checksum, self.checksum());
        self.header = Some(header);
    }

    fn checksum(&self) -> ListChecksum {
        let keys: Vec<AddressKey> = self.keys.iter().map(|key| AddressKey::from_stored(key.clone())).collect();
        keys.iter().collect()
    }

    async fn acknowledge(&self) -> bool {
        let header = self.header.as_ref().expect("a list");
        let body = Acknowledgement {
            epoch: header.epoch,
            version: header.version,
            count: self.keys.len() as i64,
            checksum: self.checksum(),
        };
        let answer = self.client.post("/api/v1/agent/acknowledgements", &body).await.expect(200);
        answer.json::<AcknowledgementResult>().matches
    }

    fn holds(&self, address: &str) -> bool {
        self.keys.contains(address)
    }

    fn version(&self) -> i64 {
        self.header.as_ref().map_or(0, |header| header.version)
    }
}
