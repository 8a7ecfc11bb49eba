//! What the database must hold, kept by the test beside the service and compared row by row.

use super::agent::{Agent, checksum};
use anyhow::ensure;
use backend::store::{ConnectionTrait, Db, Pool, statement};
use shared::delivery_event::NewDeliveryEvent;
use std::collections::{BTreeMap, BTreeSet};

/// The books of one server configuration, in which one error of an unknown user blocks.
pub struct Books {
    database: Db,
    /// How many runs there were.
    pub runs: usize,
    /// How many list operations there were that published their changes themselves.
    operations: usize,
    registrations: usize,
    cancelled: usize,
    releases: usize,
    events: BTreeSet<String>,
    tallies: BTreeMap<(String, String), i64>,
    blocked: BTreeSet<String>,
    exempt: BTreeSet<String>,
    /// How often each was taken off the list.
    removed: BTreeMap<String, i64>,
    /// How often the release of each was undone.
    undone: BTreeMap<String, i64>,
}

/// Every row of a query, its columns put together with a `|`.
type Rows = Vec<String>;

fn counts(of: &BTreeMap<String, i64>) -> Rows {
    of.iter().map(|(key, count)| format!("{key}|{count}")).collect()
}

impl Books {
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            database: Db::connect(url).await?,
            runs: 0,
            operations: 0,
            registrations: 0,
            cancelled: 0,
            releases: 0,
            events: BTreeSet::new(),
            tallies: BTreeMap::new(),
            blocked: BTreeSet::new(),
            exempt: BTreeSet::new(),
            removed: BTreeMap::new(),
            undone: BTreeMap::new(),
        })
    }

    /// These were reported.
    pub fn counted(&mut self, events: &[NewDeliveryEvent]) {
        for event in events {
            self.events.insert(event.id.clone());
            let reason = event.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default();
            *self.tallies.entry((event.address.clone(), reason)).or_default() += 1;
        }
    }

    /// A run blocked what passes, and its distribution published it.
    pub fn ran(&mut self) {
        self.runs += 1;
        let passing = self.tallies.iter().filter(|((_, reason), count)| reason == "unknown_user" && **count > 0);
        let passing = passing.map(|((address, _), _)| address).filter(|address| !self.exempt.contains(*address));
        self.blocked.extend(passing.cloned());
    }

    /// These were released.
    pub fn released(&mut self, addresses: &[&str]) {
        self.releases += 1;
        for address in addresses {
            assert!(self.blocked.remove(*address), "{address} was not blocked");
            self.exempt.insert((*address).to_owned());
            *self.removed.entry((*address).to_owned()).or_default() += 1;
            for ((_, _), count) in self.tallies.iter_mut().filter(|((of, _), _)| of == address) {
                *count = 0;
            }
        }
    }

    /// All were released by one list operation, which leaves their counts alone.
    pub fn released_all(&mut self) {
        self.operations += 1;
        for address in &self.blocked {
            *self.removed.entry(address.clone()).or_default() += 1;
        }
        self.exempt.append(&mut self.blocked);
    }

    /// That was undone by another.
    pub fn undid_release(&mut self) {
        self.operations += 1;
        for address in &self.exempt {
            *self.undone.entry(address.clone()).or_default() += 1;
        }
        self.blocked.append(&mut self.exempt);
    }

    /// These were registered; the next run publishes them.
    pub fn registered(&mut self, addresses: &[String]) {
        self.registrations += 1;
        self.blocked.extend(addresses.iter().cloned());
    }

    /// A registration was begun, and cancelled: nothing of it is left.
    pub fn cancelled_registration(&mut self) {
        self.cancelled += 1;
    }

    /// That was undone, and nothing else was blocked.
    pub fn undid_registration(&mut self) {
        self.operations += 1;
        for address in std::mem::take(&mut self.blocked) {
            *self.removed.entry(address).or_default() += 1;
        }
    }

    /// The agent holds exactly the published list.
    pub fn is_held_by(&self, agent: &Agent) -> anyhow::Result<()> {
        ensure!(agent.keys == self.blocked, "it holds {:?} instead of {:?}", agent.keys, self.blocked);
        Ok(())
    }

    /// Removes the jobs that a dead node was performing. On PostgreSQL the queue gives them to another node after 15 s,
    /// in the middle of a later round, where their statements would be counted as its own. The rows of the work are
    /// what brings it back at the start; SQLite takes its jobs back then.
    pub async fn forget_orphans(&self) -> anyhow::Result<()> {
        if let Pool::Postgres(_) = self.database.pool() {
            let sql = "DELETE FROM apalis.jobs WHERE status IN ('Running', 'Queued')";
            let connection = self.database.connection();
            connection.execute_raw(statement(connection, sql, [])).await?;
        }
        Ok(())
    }

    /// Compares everything.
    pub async fn balance(&self) -> anyhow::Result<()> {
        let events: Rows = self.events.iter().cloned().collect();
        self.holds("SELECT event_id AS line FROM delivery_events ORDER BY 1", &events).await?;
        let tallies: Rows =
            self.tallies.iter().map(|((address, reason), count)| format!("{address}|{reason}|{count}")).collect();
        self.holds(
            "SELECT address_key || '|' || reason || '|' || count AS line FROM error_tallies ORDER BY 1",
            &tallies,
        )
        .await?;
        let blocked: Rows = self.blocked.iter().cloned().collect();
        self.holds("SELECT address_key AS line FROM blocked_addresses ORDER BY 1", &blocked).await?;
        let exempt: Rows = self.exempt.iter().cloned().collect();
        self.holds("SELECT address_key AS line FROM exemptions WHERE ended_set_id IS NULL ORDER BY 1", &exempt).await?;
        self.holds(
            "SELECT address_key || '|' || COUNT(*) AS line FROM exemptions WHERE ended_set_id IS NOT NULL \
             GROUP BY address_key ORDER BY 1",
            &counts(&self.undone),
        )
        .await?;
        self.holds(
            "SELECT address_key || '|' || COUNT(*) AS line FROM removed_blocks GROUP BY address_key ORDER BY 1",
            &counts(&self.removed),
        )
        .await?;

        let mut operations = vec!["cancelled".to_owned(); self.cancelled];
        operations.extend(vec!["done".to_owned(); self.operations + self.registrations]);
        self.holds("SELECT state AS line FROM list_operations ORDER BY 1", &operations).await?;
        self.holds("SELECT 'left behind' AS line FROM change_sets WHERE NOT ready", &[]).await?;
        self.holds("SELECT 'left behind' AS line FROM pending_parts", &[]).await?;
        self.holds("SELECT state AS line FROM runs", &vec!["done".to_owned(); self.runs]).await?;
        self.holds(
            "SELECT 'unlike its run' AS line FROM runs r LEFT JOIN distributions d ON d.id = r.distribution_id \
             WHERE d.published_at IS NULL OR r.error IS NOT NULL",
            &[],
        )
        .await?;
        // Each publication changes the list here, so each has the next version, and none has two.
        let publications = self.runs + self.releases + self.operations;
        let versions: Rows = (1..=publications).map(|version| format!("{version:06}")).collect();
        for table in ["distributions", "change_sets"] {
            let sql =
                format!("SELECT substr('000000' || version, length('000000' || version) - 5) AS line FROM {table}");
            self.holds(&format!("{sql} ORDER BY 1"), &versions).await?;
        }
        let head = format!("{publications}|{}|{}", self.blocked.len(), checksum(&self.blocked));
        self.holds(
            "SELECT list_version || '|' || list_count || '|' || list_checksum AS line FROM server_configurations",
            std::slice::from_ref(&head),
        )
        .await?;
        self.holds(
            "SELECT version || '|' || count || '|' || checksum AS line FROM distributions ORDER BY version DESC LIMIT 1",
            &if publications == 0 { vec![] } else { vec![head] },
        )
        .await?;
        let removed = self.removed.values().sum::<i64>();
        let sums = format!("{}|{removed}", self.blocked.len() as i64 + removed);
        self.holds(
            "SELECT COALESCE(SUM(added_count), 0) || '|' || COALESCE(SUM(removed_count), 0) AS line FROM change_sets",
            &[sums],
        )
        .await
    }

    async fn holds(&self, sql: &str, wanted: &[String]) -> anyhow::Result<()> {
        let connection = self.database.connection();
        let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
        let mut found = Rows::new();
        for row in rows {
            found.push(row.try_get("", "line")?);
        }
        ensure!(found == wanted, "{sql}\nfinds {found:?}\ninstead of {wanted:?}");
        Ok(())
    }
}
