//! What the log said about messages that are still in the queue.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The messages in the queue, by queue id. Bounded: the message untouched for longest is forgotten first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    messages: HashMap<String, Message>,
    /// Counts touches.
    clock: u64,
    /// Queue ids by last touch; derived from `messages`.
    #[serde(skip)]
    order: BTreeMap<u64, String>,
    /// Messages and deferred recipients together; derived from `messages`.
    #[serde(skip)]
    weight: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    /// A bounce or other notification of a mail system, never an event.
    pub(super) notification: bool,
    touched: u64,
    /// By the final recipient, as the log has it.
    deferred: BTreeMap<String, Deferred>,
}

/// The last temporary failure of a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deferred {
    pub(super) address: String,
    pub(super) status: String,
    pub(super) reply: String,
    /// Whether a relay that is to be ignored failed.
    #[serde(default)]
    pub(super) ignored: bool,
}

impl State {
    /// How many messages are remembered.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether no message is remembered.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Derives what is not stored.
    pub(super) fn reindex(&mut self) {
        // Stored states are data: give every message its own place, and none beyond the clock.
        let mut queue_ids: Vec<_> = self.messages.iter().map(|(id, message)| (message.touched, id.clone())).collect();
        queue_ids.sort();
        self.clock = queue_ids.len() as u64;
        self.order = queue_ids.into_iter().zip(0..).map(|((_, id), place)| (place, id)).collect();
        for (place, id) in &self.order {
            if let Some(message) = self.messages.get_mut(id) {
                message.touched = *place;
            }
        }
        self.weight = self.messages.values().map(|message| 1 + message.deferred.len()).sum();
    }

    pub(super) fn message(&mut self, queue_id: &str) -> &mut Message {
        let touched = self.clock;
        self.clock += 1;
        match self.messages.get(queue_id) {
            Some(known) => self.order.remove(&known.touched),
            None => {
                self.weight += 1;
                None
            }
        };
        self.order.insert(touched, queue_id.to_owned());
        let message = self.messages.entry(queue_id.to_owned()).or_default();
        message.touched = touched;
        message
    }

    pub(super) fn is_notification(&self, queue_id: &str) -> bool {
        self.messages.get(queue_id).is_some_and(|message| message.notification)
    }

    pub(super) fn defer(&mut self, queue_id: &str, recipient: &str, deferred: Deferred) {
        if self.message(queue_id).deferred.insert(recipient.to_owned(), deferred).is_none() {
            self.weight += 1;
        }
    }

    pub(super) fn settle(&mut self, queue_id: &str, recipient: &str) {
        let removed = self.messages.get_mut(queue_id).and_then(|message| message.deferred.remove(recipient));
        self.weight -= usize::from(removed.is_some());
    }

    pub(super) fn take_deferred(&mut self, queue_id: &str) -> Vec<Deferred> {
        let deferred = self.messages.get_mut(queue_id).map(|message| std::mem::take(&mut message.deferred));
        let deferred = deferred.unwrap_or_default();
        self.weight -= deferred.len();
        deferred.into_values().collect()
    }

    pub(super) fn remove(&mut self, queue_id: &str) {
        if let Some(message) = self.messages.remove(queue_id) {
            self.order.remove(&message.touched);
            self.weight -= 1 + message.deferred.len();
        }
    }

    pub(super) fn evict(&mut self, limit: usize) {
        while self.weight > limit {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(&oldest);
        }
    }
}
