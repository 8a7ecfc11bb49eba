//! Sample data: ninety days in the life of an account, lived through the same services that real mail servers and
//! people use, with a clock that runs fast. Nothing in it is written in any other way than real data.

mod recipients;
mod traffic;

use super::{
    Access, Actor, Error, Result, agent_sync,
    authentication::Identity,
    delivery_events::{self, Report, batch},
    distributions, keys, mail_servers, releases, run_settings, runs, server_configurations, users,
};
use crate::{
    clock::Clock,
    state::AppState,
    store::{
        self,
        agent_lists::{self, At, Keys},
        audit::NewAuditEntry,
    },
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::json;
use shared::{
    RefusalCode,
    account::{Account, Plan},
    agent_sync::Acknowledgement,
    list::ReleaseRequest,
    mail_server::{NewMailServer, NewServerConfiguration},
    plan::Capability,
    session::Role,
};
use std::collections::HashSet;
use traffic::Traffic;
use uuid::Uuid;

/// How long the sample account has been sending, in days.
const DAYS: u32 = 90;
/// Days between releases by hand.
const RELEASE_EVERY: u32 = 6;
/// Who signs in.
const ADMINISTRATOR: &str = "sample@example.com";
/// Who runs the sample service.
const PROVIDER: &str = "provider@example.com";

/// What a server configuration of the sample sends.
struct Plot {
    name: &'static str,
    mail_servers: &'static [&'static str],
    recipients: usize,
    events: u64,
    seed: u64,
    /// The day on which the last of its mail servers goes away.
    server_lost_on: Option<u32>,
}

const PLOTS: [Plot; 2] = [
    Plot {
        name: "Newsletter",
        mail_servers: &["mail-1", "mail-2"],
        recipients: 6_000,
        events: 35_000,
        seed: 1,
        server_lost_on: None,
    },
    Plot {
        name: "Orders",
        mail_servers: &["orders-1", "orders-2"],
        recipients: 3_000,
        events: 15_000,
        seed: 2,
        server_lost_on: Some(DAYS - 2),
    },
];

/// The people of the sample and their passwords, which are shown this once.
pub struct SignIns {
    /// The account's name.
    pub account: &'static str,
    /// Its administrator and the password.
    pub administrator: (&'static str, String),
    /// The provider and the password.
    pub provider: (&'static str, String),
}

/// Fills an empty database with the sample account.
///
/// # Errors
/// [`Error::Conflict`] when the database has an account or a provider already; then nothing changed.
pub async fn fill(state: &AppState) -> Result<SignIns> {
    let connection = state.db.connection();
    if store::accounts::count(connection).await? > 0 || store::users::provider_exists(connection).await? {
        return Err(Error::conflict(
            RefusalCode::NotAccepted,
            "this database is in use: sample data needs an empty one",
        ));
    }
    let end = state.clock.now().duration_trunc(TimeDelta::hours(1)).map_err(|error| Error::Internal(error.into()))?;
    let start = end - TimeDelta::days(i64::from(DAYS));
    let state = &AppState { clock: Clock::manual(start), ..state.clone() };
    let (access, sign_ins) = people(state).await?;
    let mut stories = Vec::with_capacity(PLOTS.len());
    for plot in &PLOTS {
        stories.push(Story::begin(state, &access, plot, start, end).await?);
    }
    for day in 0..=DAYS {
        for story in &mut stories {
            story.live_until_next_run(state, day, end).await?;
        }
        if state.clock.now() >= end {
            break;
        }
        for story in &mut stories {
            story.run(state, day).await?;
        }
        let morning = state.clock.now() + TimeDelta::hours(10);
        if day % RELEASE_EVERY == RELEASE_EVERY - 1 && morning < end {
            state.clock.set(morning);
            for story in &mut stories {
                story.release(state, day).await?;
            }
        }
    }
    // Every run and distribution is done: nothing is left for the queue to ring for.
    store::queue::clear(state.db.connection()).await?;
    Ok(sign_ins)
}

/// The account with its administrator, and the provider.
async fn people(state: &AppState) -> Result<(Access, SignIns)> {
    let now = state.clock.now();
    let mut account = Account::new(Uuid::now_v7(), "Sample Inc.".to_owned(), Plan::Professional, now);
    account.downloads_enabled = true;
    let passwords = [keys::new_code(), keys::new_code()];
    let [administrator_hash, provider_hash] =
        [state.keys.hash("", passwords[0].clone()).await?, state.keys.hash("", passwords[1].clone()).await?];
    let transaction = state.db.begin().await?;
    store::accounts::insert(&transaction, &account).await?;
    let email = users::email(ADMINISTRATOR, "/email")?;
    let administrator =
        users::insert(&transaction, Some(account.id), &email, administrator_hash, Role::Administrator, now).await?;
    let email = users::email(PROVIDER, "/email")?;
    let provider = users::insert(&transaction, None, &email, provider_hash, Role::Provider, now).await?;
    let system = Identity::system();
    for (entry, after) in [
        (
            system.audit(Some(account.id), now, "account.create", account.id.to_string()),
            json!({ "name": account.name, "plan": account.plan, "administrator": ADMINISTRATOR }),
        ),
        (system.audit(None, now, "provider.create", provider.id.to_string()), json!({ "email": provider.email })),
    ] {
        transaction.audit(NewAuditEntry { after: Some(after), ..entry });
    }
    transaction.commit().await?;
    let actor = Actor::User {
        id: administrator.id,
        session_id: Uuid::nil(),
        email: administrator.email,
        role: Role::Administrator,
    };
    let access = Access { actor, ..Access::system(account.id) };
    let [administrator, provider] = passwords;
    let sign_ins = SignIns {
        account: "Sample Inc.",
        administrator: (ADMINISTRATOR, administrator),
        provider: (PROVIDER, provider),
    };
    Ok((access, sign_ins))
}

/// A server configuration and what happens in it.
struct Story {
    access: Access,
    configuration: Uuid,
    mail_servers: Vec<Uuid>,
    traffic: Traffic,
    /// Hours still to come, with the number of messages of each.
    hours: std::vec::IntoIter<(DateTime<Utc>, u64)>,
    /// The first hour of the next day, taken from `hours` too early.
    next_hour: Option<(DateTime<Utc>, u64)>,
    server_lost_on: Option<u32>,
    /// Keys that the mail servers hold.
    blocked: HashSet<String>,
}

impl Story {
    async fn begin(
        state: &AppState,
        access: &Access,
        plot: &Plot,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Result<Self> {
        let new = NewServerConfiguration { name: plot.name.to_owned(), time_zone: "Asia/Tokyo".to_owned() };
        let configuration = server_configurations::create(state, access, new).await?.id;
        let open = server_configurations::open(&state.db, access, configuration, Capability::Connect).await?;
        let mut mail_servers = Vec::new();
        for name in plot.mail_servers {
            let new = NewMailServer { name: (*name).to_owned() };
            mail_servers.push(mail_servers::create(state, access, &open, new).await?.mail_server.id);
        }
        Ok(Self {
            access: access.clone(),
            configuration,
            mail_servers,
            traffic: Traffic::new(plot.seed, plot.recipients, DAYS),
            hours: hours(start, end, plot.events).into_iter(),
            next_hour: None,
            server_lost_on: plot.server_lost_on,
            blocked: HashSet::new(),
        })
    }

    /// Sends until the next scheduled run or `end`, and reports what became of it, each mail server its part.
    async fn live_until_next_run(&mut self, state: &AppState, day: u32, end: DateTime<Utc>) -> Result<()> {
        let until = run_settings::get(state, self.configuration).await?.next_execution.min(end);
        let mut events = Vec::new();
        while let Some((hour, count)) = self.next_hour.take().or_else(|| self.hours.next()) {
            if hour >= until {
                self.next_hour = Some((hour, count));
                break;
            }
            events.extend(self.traffic.hour(day, hour, count, &self.blocked));
        }
        state.clock.set(until);
        let half = events.len() / 2;
        let later = events.split_off(half);
        for (mail_server, part) in self.mail_servers.iter().zip([events, later]) {
            let report = Report {
                server_configuration_id: self.configuration,
                mail_server_id: Some(*mail_server),
                received_at: until,
            };
            let items: Vec<batch::Item> = part.into_iter().map(Ok).collect();
            delivery_events::take_in(state, report, None, move || Ok(items)).await?;
        }
        Ok(())
    }

    /// The nightly run, its distribution, and the acknowledgements.
    async fn run(&mut self, state: &AppState, day: u32) -> Result<()> {
        runs::schedule(state).await?;
        let newest = runs::list(state, self.configuration, None, 1).await?;
        let Some(run) = newest.items.first() else { return Ok(()) };
        runs::perform(state, run.id).await?;
        let run = runs::get(state, self.configuration, run.id).await?;
        if let Some(distribution) = run.distribution_id {
            distributions::perform(state, distribution).await?;
        }
        self.acknowledge(state, day).await
    }

    /// Every mail server takes the new list, except one that went away.
    async fn acknowledge(&mut self, state: &AppState, day: u32) -> Result<()> {
        let open = server_configurations::open(&state.db, &self.access, self.configuration, Capability::Watch).await?;
        let head = open.stored.head;
        let acknowledgement =
            Acknowledgement { epoch: head.epoch, version: head.version, count: head.count, checksum: head.checksum };
        let away = usize::from(self.server_lost_on.is_some_and(|lost_on| day >= lost_on));
        for mail_server in &self.mail_servers[..self.mail_servers.len() - away] {
            state.clock.set(state.clock.now() + TimeDelta::milliseconds(40));
            agent_sync::acknowledge(state, *mail_server, self.configuration, &acknowledgement).await?;
        }
        let connection = state.db.connection();
        let sets = store::change_sets::published_between(connection, self.configuration, 0, head.version).await?;
        let sets: Vec<Uuid> = sets.iter().map(|set| set.id).collect();
        self.blocked.clear();
        if !sets.is_empty() {
            let held =
                agent_lists::added_by(connection, &sets, At::Version(head.version), ("", Keys::ALL), 100_000).await?;
            self.blocked.extend(held.lines.lines().map(str::to_owned));
        }
        Ok(())
    }

    /// A person releases a few addresses on request.
    async fn release(&mut self, state: &AppState, day: u32) -> Result<()> {
        let addresses = self.traffic.pick(&self.blocked, 2);
        let request = ReleaseRequest { addresses, comment: Some("The recipient asked for our mail".to_owned()) };
        releases::release(state, &self.access, self.configuration, &request).await?;
        self.acknowledge(state, day).await
    }
}

/// Spreads `events` messages over the hours from `start` to `end`, by [`traffic::weight`].
fn hours(start: DateTime<Utc>, end: DateTime<Utc>, events: u64) -> Vec<(DateTime<Utc>, u64)> {
    let hours: Vec<_> = std::iter::successors(Some(start), |hour| Some(*hour + TimeDelta::hours(1)))
        .take_while(|hour| *hour < end)
        .collect();
    let whole: u64 = hours.iter().map(|hour| traffic::weight(*hour)).sum();
    let (mut weight, mut sent) = (0, 0);
    hours
        .into_iter()
        .map(|hour| {
            weight += traffic::weight(hour);
            let due = events * weight / whole.max(1);
            let count = due - sent;
            sent = due;
            (hour, count)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_share_out_every_message() {
        let start = DateTime::UNIX_EPOCH;
        let shared = hours(start, start + TimeDelta::days(7), 5_001);
        assert_eq!(shared.len(), 7 * 24);
        assert_eq!(shared.iter().map(|(_, count)| count).sum::<u64>(), 5_001);
    }

    #[test]
    fn the_same_seed_gives_the_same_history() {
        let history = || Traffic::new(1, 500, 90).hour(3, DateTime::UNIX_EPOCH, 200, &HashSet::new());
        assert_eq!(history(), history());
        assert!(history().iter().any(|event| event.reason.is_some()));
        assert!(history().iter().any(|event| event.reason.is_none()));
    }
}
