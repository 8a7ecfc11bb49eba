//! How much may be open at the same time: what lasts costs for as long as it does, however seldom it is asked for.
//!
//! Each node counts by itself, as it does in [`super::limits`].

use super::{Actor, Error, Result, downloads::AT_ONCE};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::{
    collections::HashMap,
    mem::discriminant,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use uuid::Uuid;

/// Bytes of a file that a reader must have taken before its patience ends: at 60 seconds some 1 KiB a second, which is also
/// the lowest speed of an upload.
const PIECE: usize = 64 * 1024;

/// How often it is looked for a place that is about to be given back, half a second in all.
const LOOKS: u32 = 10;
/// Between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lasting {
    /// A live stream: each looks every few seconds whether its listener may still hear.
    LiveStream,
    /// A call of an agent that waits for its list, or is being sent it.
    AgentCall,
    /// A download: each holds connections to the database, of which there are few.
    Download {
        /// Of the account; `None`: outside of all accounts.
        account_id: Option<Uuid>,
    },
}

impl Lasting {
    /// How many one session or token may have open.
    pub const fn limit(self) -> u32 {
        match self {
            // Of a session: all tabs of a browser.
            Self::LiveStream => 50,
            // An agent has one. Those that it lost on the way end by themselves, after a minute at the latest.
            Self::AgentCall => 20,
            Self::Download { .. } => 4,
        }
    }

    /// In words, of many.
    const fn described(self) -> &'static str {
        match self {
            Self::LiveStream => "live streams",
            Self::AgentCall => "calls for its list",
            Self::Download { .. } => "downloads",
        }
    }
}

/// Counts what every session and token has open.
#[derive(Debug, Clone)]
pub struct Slots {
    open: Arc<Mutex<HashMap<(Lasting, Uuid), u32>>>,
    /// How many downloads all together may have open.
    downloads: u32,
}

impl Slots {
    /// Nothing is open. Of the database's `connections` downloads leave a quarter to everything else, but for one.
    pub fn new(connections: u32) -> Self {
        let for_downloads = connections - connections.div_ceil(4);
        Self { open: Arc::default(), downloads: (for_downloads / AT_ONCE as u32).max(1) }
    }

    /// Takes a place for something that `actor` opens.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`].
    pub fn take(&self, what: Lasting, actor: &Actor) -> Result<Slot> {
        let key = actor.credential().map(|credential| (what, credential));
        if let Some(key) = key {
            let mut open = self.lock();
            let count = |belongs: &dyn Fn(Lasting, Uuid) -> bool| -> u32 {
                open.iter().filter(|((kind, credential), _)| belongs(*kind, *credential)).map(|(_, count)| count).sum()
            };
            let refuse = |who, limit| Err(Error::TooManyOpen { who, what: what.described(), limit });
            let is_same = |kind: Lasting| discriminant(&kind) == discriminant(&what);
            if count(&|kind, credential| is_same(kind) && credential == key.1) >= what.limit() {
                return refuse("this session or token has", what.limit());
            }
            if let Lasting::Download { account_id } = what {
                if account_id.is_some() && count(&|kind, _| kind == what) >= self.downloads_of_account() {
                    return refuse("this account has", self.downloads_of_account());
                }
                if count(&|kind, _| is_same(kind)) >= self.downloads {
                    return refuse("everybody together has", self.downloads);
                }
            }
            *open.entry(key).or_default() += 1;
        }
        Ok(Slot { slots: self.clone(), key })
    }

    /// As [`Slots::take`], and looks again for a moment: a place is given back a little after its reader has the last byte,
    /// which may ask for the next file by then.
    ///
    /// # Errors
    /// As [`Slots::take`].
    pub async fn take_soon(&self, what: Lasting, actor: &Actor) -> Result<Slot> {
        for _ in 0..LOOKS {
            if let Ok(slot) = self.take(what, actor) {
                return Ok(slot);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        self.take(what, actor)
    }

    /// How many downloads one account may have open: where there is more than one place, it leaves some to the others,
    /// however many sessions it has.
    fn downloads_of_account(&self) -> u32 {
        (self.downloads - self.downloads.div_ceil(6)).max(1)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Lasting, Uuid), u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the open ones; given back when it is dropped, whyever.
#[derive(Debug)]
#[must_use]
pub struct Slot {
    slots: Slots,
    key: Option<(Lasting, Uuid)>,
}

impl Slot {
    /// The stream, which holds the place for as long as somebody reads it.
    pub fn hold<T>(self, stream: impl Stream<Item = T>) -> impl Stream<Item = T> {
        stream.inspect(move |_| {
            let _held = &self;
        })
    }

    /// The file, which holds the place for as long as somebody reads it: whoever takes less than [`PIECE`] in `patience`
    /// has gone, or keeps the place from others.
    pub fn hold_while_read(
        self,
        file: impl Stream<Item = Result<Bytes>> + Send + 'static,
        patience: Duration,
    ) -> impl Stream<Item = Result<Bytes>> {
        let (sender, mut pieces) = mpsc::channel(1);
        let sent = tokio::spawn(async move {
            let _held = self;
            let mut file = std::pin::pin!(file);
            loop {
                let part = tokio::select! {
                    part = file.next() => part.transpose()?,
                    () = sender.closed() => None,
                };
                let Some(mut part) = part else { return Ok(()) };
                while !part.is_empty() {
                    let piece = part.split_to(part.len().min(PIECE));
                    match sender.send_timeout(piece, patience).await {
                        Ok(()) => {}
                        Err(SendTimeoutError::Timeout(_)) => {
                            return Err(Error::TooSlow("the download was read too slowly".to_owned()));
                        }
                        Err(SendTimeoutError::Closed(_)) => return Ok(()),
                    }
                }
            }
        });
        async_stream::try_stream! {
            while let Some(piece) = pieces.recv().await {
                yield piece;
            }
            // A file that was not sent to its end must not look like a whole one.
            sent.await.map_err(|error| Error::Internal(error.into()))??;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut open = self.slots.lock();
        if let Some(count) = open.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    fn agent(id: u128) -> Actor {
        Actor::MailServer { id: Uuid::from_u128(id), name: String::new(), server_configuration_id: Uuid::nil() }
    }

    const fn download(account: u128) -> Lasting {
        Lasting::Download { account_id: Some(Uuid::from_u128(account)) }
    }

    #[test]
    fn each_has_so_many_of_each_kind_and_nothing_is_left_of_them() {
        let slots = Slots::new(20);
        let take = |what, id| slots.take(what, &agent(id));
        let mut held: Vec<Slot> = (0..4).map(|_| take(download(1), 1).unwrap()).collect();
        let Err(Error::TooManyOpen { limit: 4, .. }) = take(download(1), 1) else { panic!("a fifth") };
        // A provider's session in another account has no more.
        assert!(take(download(2), 1).is_err());
        let of_others = [take(download(1), 2).unwrap(), take(Lasting::LiveStream, 1).unwrap()];
        held.pop();
        held.push(take(download(1), 1).unwrap());
        assert!(take(download(1), 1).is_err());
        drop((held, of_others));
        assert!(slots.lock().is_empty());
    }

    #[test]
    fn an_account_leaves_downloads_to_others_and_all_leave_connections_to_everything_else() {
        let slots = Slots::new(8);
        let take = |account, id| slots.take(download(account), &agent(id));
        let mut held: Vec<Slot> = (0..2).map(|n| take(1, n).unwrap()).collect();
        let Err(Error::TooManyOpen { limit: 2, .. }) = take(1, 3) else { panic!("a third of an account") };
        held.push(take(2, 3).unwrap());
        let Err(Error::TooManyOpen { limit: 3, .. }) = take(2, 3) else { panic!("a fourth") };
        held.pop();
        held.push(take(3, 3).unwrap());
        let live = slots.take(Lasting::LiveStream, &agent(3)).unwrap();
        drop((held, live));
        assert!(slots.lock().is_empty());
    }

    #[test]
    fn one_download_is_possible_however_few_connections_there_are() {
        for connections in 0..=3 {
            let slots = Slots::new(connections);
            let held = slots.take(download(1), &agent(1)).unwrap();
            assert!(slots.take(download(2), &agent(2)).is_err(), "{connections}");
            drop(held);
        }
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_in_a_moment_is_waited_for() {
        let slots = Slots::new(2);
        let reader = agent(1);
        let held = slots.take(download(1), &reader).unwrap();
        let given_back = async {
            tokio::time::sleep(BETWEEN_LOOKS * 3).await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(slots.take_soon(download(1), &reader), given_back);
        let _held = taken.unwrap();
        let Err(Error::TooManyOpen { .. }) = slots.take_soon(download(1), &reader).await else { panic!("a second") };
    }

    #[test]
    fn a_stream_holds_its_place_until_it_is_dropped() {
        let slots = Slots::new(20);
        let stream = slots.take(Lasting::LiveStream, &agent(1)).unwrap().hold(stream::iter([1]));
        assert_eq!(slots.lock().len(), 1);
        drop(stream);
        assert!(slots.lock().is_empty());
    }

    #[tokio::test]
    async fn a_file_is_whole_or_breaks_off_and_its_place_is_given_back() {
        let slots = Slots::new(20);
        let patience = Duration::from_millis(200);
        let read = || {
            let parts = stream::iter((0..3).map(|_| Ok(Bytes::from(vec![b'x'; 2 * PIECE + 1]))));
            slots.take(download(1), &agent(1)).unwrap().hold_while_read(parts, patience).boxed()
        };
        // Slowly, but not too slowly.
        let mut slow = read();
        let mut length = 0;
        while let Some(piece) = slow.next().await {
            length += piece.unwrap().len();
            tokio::time::sleep(patience / 2).await;
        }
        assert_eq!(length, 3 * (2 * PIECE + 1));
        assert!(slots.lock().is_empty());

        let mut stopped = read();
        stopped.next().await.unwrap().unwrap();
        tokio::time::sleep(patience * 2).await;
        assert!(slots.lock().is_empty(), "it is given back while the reader still holds on");
        let rest: Vec<_> = stopped.collect().await;
        assert!(matches!(rest.last(), Some(Err(Error::TooSlow(_)))), "{rest:?}");
    }
}
