//! A small DNS server (RFC 1035) for the domains of the tests; every answer follows from the name.
//!
//! | Name | Answer |
//! |---|---|
//! | `anything.test` | mail goes to the sink |
//! | `nxdomain.…` and everything outside of `.test` | no such domain |
//! | `nullmx.….test` | accepts no mail (RFC 7505) |
//! | `dead.….test` | mail goes to an address where nothing listens |
//! | `servfail.…` | server failure |

use anyhow::Context;
use std::{net::Ipv4Addr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinHandle,
};

const TYPE_A: u16 = 1;
const TYPE_MX: u16 = 15;
const SINK: &str = "mx.sink.test";
const DEAD: &str = "dead-mx.sink.test";
/// Nothing listens here: connections are refused at once.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);

/// A running DNS server; it ends when dropped.
pub struct Dns {
    tasks: [JoinHandle<()>; 2],
}

impl Dns {
    /// Serves on port 53 of `address`, for UDP and TCP; mail is directed to `address` too.
    ///
    /// # Errors
    /// The port is taken, or only root may listen there.
    pub async fn start(address: Ipv4Addr) -> anyhow::Result<Self> {
        let udp = Arc::new(UdpSocket::bind((address, 53)).await?);
        let tcp = TcpListener::bind((address, 53)).await?;
        let datagrams = tokio::spawn(async move {
            let mut query = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut query).await {
                if let Some(answer) = answer(&query[..length], address) {
                    // A lost answer is asked for again.
                    let _ = udp.send_to(&answer, from).await;
                }
            }
        });
        let streams = tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                tokio::spawn(async move {
                    let length = stream.read_u16().await?;
                    let mut query = vec![0; usize::from(length)];
                    stream.read_exact(&mut query).await?;
                    let answer = answer(&query, address).context("not a query")?;
                    stream.write_u16(u16::try_from(answer.len())?).await?;
                    stream.write_all(&answer).await?;
                    anyhow::Ok(())
                });
            }
        });
        Ok(Self { tasks: [datagrams, streams] })
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The answer to one query; none when it is no query.
fn answer(query: &[u8], sink: Ipv4Addr) -> Option<Vec<u8>> {
    let (name, end) = read_name(query)?;
    let question = query.get(12..end + 4)?;
    let kind = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
    let (code, record) = lookup(&name, kind, sink);
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(query.get(..2)?);
    // An authoritative answer to a query that wished recursion.
    out.extend_from_slice(&(0x8580_u16 | code).to_be_bytes());
    for count in [1, u16::from(record.is_some()), 0, 0] {
        out.extend_from_slice(&count.to_be_bytes());
    }
    out.extend_from_slice(question);
    if let Some(data) = record {
        // The name is the question's: a pointer to offset 12. Class IN, valid for 60 s.
        out.extend_from_slice(&[0xc0, 12]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        out.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        out.extend_from_slice(&data);
    }
    Some(out)
}

/// The response code and the data of the one record, if there is one.
fn lookup(name: &str, kind: u16, sink: Ipv4Addr) -> (u16, Option<Vec<u8>>) {
    let first = name.split('.').next().unwrap_or_default();
    match (first, kind) {
        ("servfail", _) => (2, None),
        ("nxdomain", _) => (3, None),
        _ if !name.ends_with(".test") => (3, None),
        _ if name == SINK => (0, (kind == TYPE_A).then(|| sink.octets().to_vec())),
        _ if name == DEAD => (0, (kind == TYPE_A).then(|| NOWHERE.octets().to_vec())),
        ("nullmx", TYPE_MX) => (0, Some(vec![0, 0, 0])),
        ("dead", TYPE_MX) => (0, Some(mx(DEAD))),
        (_, TYPE_MX) => (0, Some(mx(SINK))),
        _ => (0, None),
    }
}

fn mx(host: &str) -> Vec<u8> {
    let mut data = vec![0, 10];
    for label in host.split('.') {
        data.push(u8::try_from(label.len()).unwrap_or(0));
        data.extend_from_slice(label.as_bytes());
    }
    data.push(0);
    data
}

/// The name that is asked for, in lower case, and where it ends in the query.
fn read_name(query: &[u8]) -> Option<(String, usize)> {
    let mut at = 12;
    let mut labels = vec![];
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
}
