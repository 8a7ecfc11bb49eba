//! The body of a list as it arrives.

use super::SyncError;
use crate::list::{Changes, ListError, Received};
use bytes::{Buf, Bytes};
use reqwest::{Response, header::CONTENT_ENCODING};
use shared::agent_sync::{ListBody, ListHeader};
use std::io::Write;
use zstd::stream::write::Decoder;

/// Longer lists of changes than this are not kept in memory; a snapshot is cheaper.
const MAX_CHANGES_OCTETS: usize = 32 << 20;

/// The body of an answer: a header line, then lines.
pub(super) struct Body {
    response: Response,
    /// What has come and was not looked at yet.
    pending: Bytes,
    packed: Option<Packed>,
    /// What was unpacked and not given yet.
    buffer: Vec<u8>,
    header_octets: usize,
    ended: bool,
}

/// A body that is compressed by Zstandard. It is unpacked here and not on its way to here, because changes are kept as they
/// came.
struct Packed {
    decoder: Decoder<'static, Vec<u8>>,
    /// All of it so far; `None` when it is not to be kept.
    kept: Option<Vec<u8>>,
}

impl Body {
    /// Of this answer.
    pub(super) fn new(response: Response) -> Result<Self, SyncError> {
        let is_packed = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "zstd");
        let packed =
            if is_packed { Some(Packed { decoder: Decoder::new(Vec::new())?, kept: Some(Vec::new()) }) } else { None };
        Ok(Self { response, pending: Bytes::new(), packed, buffer: Vec::new(), header_octets: 0, ended: false })
    }

    /// Puts a little more into the buffer, however much the next octets are unpacked.
    async fn more(&mut self) -> Result<(), SyncError> {
        if self.pending.is_empty() {
            match self.response.chunk().await? {
                Some(chunk) => self.pending = chunk,
                None => self.ended = true,
            }
            if let Some(kept) = self.packed.as_mut().and_then(|packed| packed.kept.as_mut()) {
                kept.extend_from_slice(&self.pending);
            }
        }
        match &mut self.packed {
            Some(packed) => {
                let taken = packed.unpack(&self.pending).map_err(|_| SyncError::NoList("it cannot be unpacked"))?;
                self.pending.advance(taken);
                self.buffer.append(packed.decoder.get_mut());
            }
            None => self.buffer.extend_from_slice(&std::mem::take(&mut self.pending)),
        }
        Ok(())
    }

    /// The first line.
    pub(super) async fn header(&mut self) -> Result<ListHeader, SyncError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                self.header_octets = line.len();
                let header: ListHeader = serde_json::from_slice(&line).map_err(|_| SyncError::NotStoplist)?;
                if let (ListBody::Snapshot, Some(packed)) = (header.body, &mut self.packed) {
                    packed.kept = None;
                }
                return Ok(header);
            }
            if self.ended || self.buffer.len() > 4_096 {
                return Err(SyncError::NotStoplist);
            }
            self.more().await?;
        }
    }

    /// The next whole lines; `None` at the end.
    pub(super) async fn lines(&mut self) -> Result<Option<String>, SyncError> {
        loop {
            if let Some(end) = self.buffer.iter().rposition(|octet| *octet == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let lines = std::mem::replace(&mut self.buffer, rest);
                return String::from_utf8(lines).map(Some).map_err(|_| SyncError::NoList("it is not UTF-8"));
            }
            if self.ended {
                return if self.buffer.is_empty() { Ok(None) } else { Err(SyncError::NoList("it is torn")) };
            }
            if self.buffer.len() > 4_096 {
                return Err(SyncError::NoList("a line of it is too long"));
            }
            self.more().await?;
        }
    }

    /// What all lines that are left change, read while the next ones are on their way; and how they came.
    pub(super) async fn changes(mut self) -> Result<(Changes, Received), SyncError> {
        let (mut changes, mut plain, mut octets) = (Changes::default(), Vec::new(), 0);
        while let Some(lines) = self.lines().await? {
            changes.push_lines(&lines).ok_or(ListError::Damaged("the list of changes"))?;
            octets += lines.len();
            if octets > MAX_CHANGES_OCTETS {
                return Err(SyncError::NoList("it has too many changes"));
            }
            if self.packed.is_none() {
                plain.extend_from_slice(lines.as_bytes());
            }
        }
        let received = match self.packed.and_then(|packed| packed.kept) {
            Some(octets_as_they_came) => {
                Received { octets: octets_as_they_came, unpacked: Some((self.header_octets + octets) as u64) }
            }
            None => Received::plain(plain),
        };
        Ok((changes, received))
    }
}

impl Packed {
    /// Unpacks some of these octets, and says how many. None there are: what was held back comes too.
    fn unpack(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        if octets.is_empty() { self.decoder.flush().map(|()| 0) } else { self.decoder.write(octets) }
    }
}
