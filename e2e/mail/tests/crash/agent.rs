//! An agent that does what the protocol asks, with its list in memory.

use anyhow::{Context, ensure};
use mail_e2e::field::Service;
use shared::{
    AddressKey, ListChecksum,
    agent_sync::{Acknowledgement, AcknowledgementResult, ListBody, ListHeader},
};
use std::{collections::BTreeSet, time::Duration};

pub struct Agent {
    http: reqwest::Client,
    base: String,
    token: String,
    held: Option<ListHeader>,
    pub keys: BTreeSet<String>,
}

impl Agent {
    pub fn new(service: &Service, token: String) -> Self {
        let base = format!("{}/api/v1/agent", service.url());
        let http = mail_e2e::field::api::client(Duration::from_secs(60)).expect("a client");
        Self { http, base, token, held: None, keys: BTreeSet::new() }
    }

    /// Fetches what is new and acknowledges it.
    pub async fn follow(&mut self) -> anyhow::Result<()> {
        self.fetch().await?;
        self.acknowledge().await
    }

    /// Fetches the list, or what changed in it, and proves that the header is right about it.
    pub async fn fetch(&mut self) -> anyhow::Result<()> {
        let mut request = self.http.get(format!("{}/list", self.base)).bearer_auth(&self.token);
        if let Some(held) = &self.held {
            request = request.query(&[("epoch", held.epoch.to_string()), ("version", held.version.to_string())]);
        }
        let answer = request.send().await?.error_for_status()?;
        if answer.status() == reqwest::StatusCode::NO_CONTENT {
            return Ok(());
        }
        let body = answer.text().await?;
        let (header, lines) = body.split_once('\n').context("no header")?;
        let header: ListHeader = serde_json::from_str(header)?;
        for line in lines.lines() {
            let right = match (header.body, line.split_at_checked(1)) {
                (ListBody::Snapshot, _) => self.keys.insert(line.to_owned()),
                (ListBody::Changes, Some(("-", key))) => self.keys.remove(key),
                (ListBody::Changes, Some(("+", key))) => self.keys.insert(key.to_owned()),
                _ => false,
            };
            ensure!(right, "{line} does not fit to what was held");
        }
        ensure!(header.count == i64::try_from(self.keys.len())?, "{header:?} for {} keys", self.keys.len());
        ensure!(header.checksum == checksum(&self.keys), "{header:?} is wrong about its checksum");
        self.held = Some(header);
        Ok(())
    }

    /// Says what it holds; the service must agree.
    pub async fn acknowledge(&self) -> anyhow::Result<()> {
        let held = self.held.as_ref().context("nothing is held")?;
        let body = Acknowledgement {
            epoch: held.epoch,
            version: held.version,
            count: i64::try_from(self.keys.len())?,
            checksum: checksum(&self.keys),
        };
        let request = self.http.post(format!("{}/acknowledgements", self.base)).bearer_auth(&self.token).json(&body);
        let answer: AcknowledgementResult = request.send().await?.error_for_status()?.json().await?;
        ensure!(answer.matches, "the service disagrees");
        Ok(())
    }
}

/// The checksum of a list, from its keys alone.
pub fn checksum(keys: &BTreeSet<String>) -> ListChecksum {
    let keys: Vec<AddressKey> = keys.iter().map(|key| AddressKey::from_stored(key.clone())).collect();
    keys.iter().collect()
}
