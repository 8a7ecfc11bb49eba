//! How much may be open at the same time: what lasts costs for as long as it does, however seldom it is asked for.
//!
//! Each node counts by itself, as it does in [`super::limits`].

use super::{Actor, Error, Result};
use futures::{Stream, StreamExt};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// What lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lasting {
    /// A live stream: each looks every few seconds whether its listener may still hear.
    LiveStream,
    /// A call of an agent that waits for its list, or is being sent it.
    AgentCall,
    /// A download: each holds a connection to the database, of which there are few.
    Download,
}

impl Lasting {
    /// How many one session or token may have open.
    pub const fn limit(self) -> u32 {
        match self {
            // Of a session: all tabs of a browser.
            Self::LiveStream => 50,
            // An agent has one. Those that it lost on the way end by themselves, after a minute at the latest.
            Self::AgentCall => 20,
            Self::Download => 4,
        }
    }

    /// In words, of many.
    const fn described(self) -> &'static str {
        match self {
            Self::LiveStream => "live streams",
            Self::AgentCall => "calls for its list",
            Self::Download => "downloads",
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
    /// Nothing is open. Of the database's `connections` downloads leave a quarter to everything else.
    pub fn new(connections: u32) -> Self {
        Self { open: Arc::default(), downloads: connections - connections.div_ceil(4) }
    }

    /// Takes a place for something that `actor` opens.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`].
    pub fn take(&self, what: Lasting, actor: &Actor) -> Result<Slot> {
        let key = actor.credential().map(|credential| (what, credential));
        if let Some(key) = key {
            let mut open = self.lock();
            let refuse = |who, limit| Err(Error::TooManyOpen { who, what: what.described(), limit });
            if open.get(&key).is_some_and(|own| *own >= what.limit()) {
                return refuse("this session or token has", what.limit());
            }
            let all = || open.iter().filter(|((kind, _), _)| *kind == what).map(|(_, count)| count).sum::<u32>();
            if what == Lasting::Download && all() >= self.downloads {
                return refuse("everybody together has", self.downloads);
            }
            *open.entry(key).or_default() += 1;
        }
        Ok(Slot { slots: self.clone(), key })
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

    #[test]
    fn each_has_so_many_of_each_kind_and_nothing_is_left_of_them() {
        let slots = Slots::new(20);
        let take = |what, id| slots.take(what, &agent(id));
        let mut held: Vec<Slot> = (0..4).map(|_| take(Lasting::Download, 1).unwrap()).collect();
        let Err(Error::TooManyOpen { limit: 4, .. }) = take(Lasting::Download, 1) else { panic!("a fifth") };
        let of_others = [take(Lasting::Download, 2).unwrap(), take(Lasting::LiveStream, 1).unwrap()];
        held.pop();
        held.push(take(Lasting::Download, 1).unwrap());
        assert!(take(Lasting::Download, 1).is_err());
        drop((held, of_others));
        assert!(slots.lock().is_empty());
    }

    #[test]
    fn downloads_of_all_together_leave_connections_to_everything_else() {
        let slots = Slots::new(8);
        let take = |id| slots.take(Lasting::Download, &agent(id));
        let mut held: Vec<Slot> = (0..6).map(|n| take(n % 2).unwrap()).collect();
        let Err(Error::TooManyOpen { limit: 6, .. }) = take(3) else { panic!("a seventh") };
        held.pop();
        held.push(take(3).unwrap());
        let live = slots.take(Lasting::LiveStream, &agent(3)).unwrap();
        drop((held, live));
        assert!(slots.lock().is_empty());
    }

    #[test]
    fn a_stream_holds_its_place_until_it_is_dropped() {
        let slots = Slots::new(20);
        let stream = slots.take(Lasting::Download, &agent(1)).unwrap().hold(stream::iter([1]));
        assert_eq!(slots.lock().len(), 1);
        drop(stream);
        assert!(slots.lock().is_empty());
    }
}
