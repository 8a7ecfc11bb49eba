//! A service that answers agents from memory and misbehaves on demand.

use super::eventually;
use shared::{
    AddressKey, ListChecksum,
    agent_sync::{Acknowledgement, AcknowledgementResult, AgentIdentity, ListBody, ListHeader},
};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};
use uuid::Uuid;

/// What goes wrong with the next list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks in the middle of the body.
    Torn,
    /// The header's checksum is of another list.
    WrongChecksum,
    /// The acknowledgement is not agreed to.
    Disagree,
    /// The body stops in the middle and the connection stays open.
    Stalled,
}

/// What a proxy says instead of the service.
#[derive(Debug, Clone)]
pub struct Foreign {
    pub status: u16,
    /// Further header lines, each with its end.
    pub headers: &'static str,
    pub body: String,
}

pub struct State {
    pub epoch: Uuid,
    /// The lists of all versions, from 0.
    pub versions: Vec<BTreeSet<String>>,
    /// Changes since versions before this one are gone.
    pub oldest_version: usize,
    pub faults: Vec<Fault>,
    /// Lists are compressed by Zstandard for who takes that.
    pub packs: bool,
    pub acknowledged: Vec<Acknowledgement>,
    pub snapshots: u32,
    pub change_lists: u32,
    /// Bodies of the reported batches.
    pub reports: Vec<serde_json::Value>,
    /// The status that reports are answered with, and the ids that are rejected.
    pub report_status: u16,
    pub rejected_ids: BTreeSet<String>,
    /// The token that is good.
    pub token: &'static str,
    /// Acknowledgements arrive and are never answered.
    pub holds_acknowledgements: bool,
    /// Every request is answered by a proxy.
    pub foreign: Option<Foreign>,
    /// When the proxy answered.
    pub foreign_answers: Vec<Instant>,
}

pub struct FakeService {
    pub address: SocketAddr,
    pub state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    accepting: JoinHandle<()>,
}

fn checksum(keys: &BTreeSet<String>) -> ListChecksum {
    let mut sum = ListChecksum::EMPTY;
    keys.iter().for_each(|key| sum.add(&AddressKey::from_stored(key.clone())));
    sum
}

impl FakeService {
    pub async fn start(keys: impl IntoIterator<Item = String>) -> Self {
        let state = State {
            epoch: Uuid::from_u128(7),
            versions: vec![keys.into_iter().collect()],
            oldest_version: 0,
            faults: Vec::new(),
            packs: false,
            acknowledged: Vec::new(),
            snapshots: 0,
            change_lists: 0,
            reports: Vec::new(),
            report_status: 200,
            rejected_ids: BTreeSet::new(),
            token: "secret-token",
            holds_acknowledgements: false,
            foreign: None,
            foreign_answers: Vec::new(),
        };
        Self::listen("127.0.0.1:0".parse().unwrap(), Arc::new(Mutex::new(state))).await
    }

    async fn listen(address: SocketAddr, state: Arc<Mutex<State>>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let changed = Arc::new(Notify::new());
        let (serving, waking) = (state.clone(), changed.clone());
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(connection(stream, serving.clone(), waking.clone()));
            }
        });
        Self { address, state, changed, accepting }
    }

    /// Goes away with all its connections; [`Self::back`] returns at the same address.
    pub async fn away(self) -> (SocketAddr, Arc<Mutex<State>>) {
        self.accepting.abort();
        let _ = self.accepting.await;
        (self.address, self.state)
    }

    pub async fn back((address, state): (SocketAddr, Arc<Mutex<State>>)) -> Self {
        Self::listen(address, state).await
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn publish(&self, change: impl FnOnce(&mut BTreeSet<String>)) {
        let mut state = self.state();
        let mut keys = state.versions.last().unwrap().clone();
        change(&mut keys);
        state.versions.push(keys);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until the agent acknowledged the last version as it is.
    pub async fn in_sync(&self) {
        eventually("the last version is acknowledged", || {
            let state = self.state();
            let keys = state.versions.last().unwrap();
            let expected = Acknowledgement {
                epoch: state.epoch,
                version: state.versions.len() as i64 - 1,
                count: keys.len() as i64,
                checksum: checksum(keys),
            };
            state.acknowledged.last() == Some(&expected)
        })
        .await;
    }
}

async fn connection(stream: TcpStream, state: Arc<Mutex<State>>, changed: Arc<Notify>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if stream.read_line(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let (mut length, mut authorization, mut takes_packed) = (0, String::new(), false);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "authorization" => authorization = value.to_owned(),
                "accept-encoding" => takes_packed = value.contains("zstd"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let target = request.split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (foreign, token) = {
            let mut state = state.lock().unwrap();
            let foreign = state.foreign.clone();
            state.foreign_answers.extend(foreign.is_some().then(Instant::now));
            (foreign, state.token)
        };
        if let Some(Foreign { status, headers, body }) = foreign {
            let answer = format!("HTTP/1.1 {status} Test\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        if authorization != format!("Bearer {token}") {
            let answer = format!("HTTP/1.1 401 Test\r\nContent-Length: {}\r\n\r\n{UNAUTHORIZED}", UNAUTHORIZED.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        let (status, body, end) = match path.strip_prefix("/api/v1").unwrap() {
            "/agent" => (200, serde_json::to_vec(&identity(&state.lock().unwrap())).unwrap(), End::Whole),
            "/agent/list" => list(query, takes_packed, &state, &changed).await,
            "/agent/acknowledgements" => {
                let (holds, matches) = {
                    let mut state = state.lock().unwrap();
                    state.acknowledged.push(serde_json::from_slice(&body).unwrap());
                    let disagree = state.faults.iter().position(|fault| *fault == Fault::Disagree);
                    (state.holds_acknowledgements, disagree.map(|index| state.faults.remove(index)).is_none())
                };
                if holds {
                    std::future::pending::<()>().await;
                }
                (200, serde_json::to_vec(&AcknowledgementResult { matches }).unwrap(), End::Whole)
            }
            "/server-configurations/00000000-0000-0000-0000-000000000009/delivery-events" => {
                let (status, answer) = report(&mut state.lock().unwrap(), &body);
                (status, answer, End::Whole)
            }
            other => panic!("no such path: {other}"),
        };
        let declared = if end == End::Whole { body.len() } else { body.len() + 1_000 };
        let encoding = if body.starts_with(&ZSTANDARD_MAGIC) { "Content-Encoding: zstd\r\n" } else { "" };
        let head = format!("HTTP/1.1 {status} Test\r\nContent-Length: {declared}\r\n{encoding}\r\n");
        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(&body).await.is_err() {
            return;
        }
        match end {
            End::Whole => {}
            End::Torn => return,
            End::Stalled => std::future::pending().await,
        }
    }
}

/// How an answer ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Torn,
    Stalled,
}

const UNAUTHORIZED: &str =
    r#"{"type":"/problems/unauthorized","title":"Unauthorized","status":401,"detail":"a bad token"}"#;

fn identity(state: &State) -> AgentIdentity {
    AgentIdentity {
        mail_server_id: Uuid::from_u128(8),
        mail_server_name: "mx1".to_owned(),
        server_configuration_id: Uuid::from_u128(9),
        epoch: state.epoch,
        version: state.versions.len() as i64 - 1,
    }
}

/// RFC 8878 section 3.1.1.
const ZSTANDARD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Several frames, which end where no line does.
fn pack(body: &[u8]) -> Vec<u8> {
    body.chunks(1_000).flat_map(|chunk| zstd::encode_all(chunk, 1).unwrap()).collect()
}

async fn list(query: &str, takes_packed: bool, state: &Mutex<State>, changed: &Notify) -> (u16, Vec<u8>, End) {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let since = value("version").map(|version| version.parse::<usize>().unwrap());
    if let Some(since) = since {
        let woken = changed.notified();
        let (current, newest, held) = {
            let state = state.lock().unwrap();
            let newest = state.versions.len() - 1;
            let held = checksum(&state.versions[newest]).to_string();
            (value("epoch") == Some(state.epoch.to_string().as_str()), newest, held)
        };
        if current && since == newest {
            if value("checksum").is_some_and(|checksum| checksum != held) {
                return gone();
            }
            let wait = Duration::from_secs(value("wait").unwrap().parse().unwrap());
            if tokio::time::timeout(wait, woken).await.is_err() {
                return (204, Vec::new(), End::Whole);
            }
        }
    }
    let mut state = state.lock().unwrap();
    let newest = state.versions.len() - 1;
    let known = value("epoch").is_none_or(|epoch| epoch == state.epoch.to_string());
    let (body, lines) = match since {
        None => {
            state.snapshots += 1;
            (ListBody::Snapshot, state.versions[newest].iter().map(|key| format!("{key}\n")).collect::<String>())
        }
        Some(since) if known && since >= state.oldest_version && since <= newest => {
            state.change_lists += 1;
            let (old, new) = (&state.versions[since], &state.versions[newest]);
            let removed = old.difference(new).map(|key| format!("-{key}\n"));
            (ListBody::Changes, removed.chain(new.difference(old).map(|key| format!("+{key}\n"))).collect())
        }
        Some(_) => return gone(),
    };
    let keys = &state.versions[newest];
    let mut header = ListHeader {
        body,
        epoch: state.epoch,
        version: newest as i64,
        count: keys.len() as i64,
        checksum: checksum(keys),
    };
    let fault = state.faults.first().copied().filter(|fault| *fault != Fault::Disagree);
    if fault.is_some() {
        state.faults.remove(0);
    }
    if fault == Some(Fault::WrongChecksum) {
        header.checksum.add_hash(1);
    }
    let mut answer = serde_json::to_vec(&header).unwrap();
    answer.push(b'\n');
    answer.extend_from_slice(lines.as_bytes());
    if takes_packed && state.packs {
        answer = pack(&answer);
    }
    match fault {
        Some(Fault::Torn) => {
            answer.truncate(answer.len() - 3);
            (200, answer, End::Torn)
        }
        Some(Fault::Stalled) => {
            answer.truncate(answer.len() / 2);
            (200, answer, End::Stalled)
        }
        _ => (200, answer, End::Whole),
    }
}

fn gone() -> (u16, Vec<u8>, End) {
    let problem = r#"{"type":"/problems/gone","title":"Gone","status":410,"detail":"fetch a snapshot"}"#;
    (410, problem.as_bytes().to_vec(), End::Whole)
}

/// Why an event is not taken; names whom it is about, as mail servers do.
fn refusal(event: &serde_json::Value) -> String {
    let address = event["address"].as_str().unwrap();
    let local = address.split('@').next().unwrap();
    format!("<{address}>: no mailbox '{local}' here")
}

fn report(state: &mut State, body: &[u8]) -> (u16, Vec<u8>) {
    let events: Vec<serde_json::Value> = serde_json::from_slice(body).unwrap();
    if state.report_status != 200 {
        let (status, detail) = (state.report_status, refusal(&events[0]));
        let problem = serde_json::json!({ "type": "/problems/x", "title": "No", "status": status, "detail": detail });
        return (status, serde_json::to_vec(&problem).unwrap());
    }
    let mut items = Vec::new();
    let mut rejected = 0;
    for (index, event) in events.iter().enumerate() {
        let refused = state.rejected_ids.contains(event["id"].as_str().unwrap());
        rejected += u32::from(refused);
        let status = if refused { "rejected" } else { "accepted" };
        items.push(serde_json::json!({ "index": index, "status": status, "detail": refusal(event) }));
    }
    let accepted = events.len() as u32 - rejected;
    state.reports.extend(events);
    let answer = serde_json::json!({ "accepted": accepted, "duplicates": 0, "rejected": rejected, "items": items });
    (200, serde_json::to_vec(&answer).unwrap())
}
