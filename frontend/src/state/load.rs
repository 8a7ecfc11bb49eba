//! Data that a page shows.

use super::{Pending, Url, bump, effect};
use crate::api::{ApiError, Client, SignedIn};
use futures::future::{FutureExt, LocalBoxFuture};
use leptos::prelude::*;
use shared::Page;
use std::{future::Future, mem};
use uuid::Uuid;

/// Data with its loading and failed states. While it is read again, the old data stays.
pub struct Loader<T: Send + Sync + 'static> {
    /// What was read last.
    pub data: RwSignal<Option<T>>,
    /// Why the last reading failed.
    pub error: RwSignal<Option<ApiError>>,
    /// Whether it is being read.
    pub busy: Signal<bool>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loader<T> {}

impl<T: Send + Sync + 'static> Loader<T> {
    /// Reads again.
    pub fn reload(self) {
        bump(self.again);
    }
}

impl<T: Clone + Send + Sync + 'static> Loader<Page<T>> {
    /// Keeps a list, newest first, up with what `changed` tells: on its first page what is new comes to its place, by
    /// ids in the order of creation. `url` has the cursor; without one the first page is all that is ever read.
    pub fn keep_up(self, changed: RwSignal<Option<T>>, url: impl Into<Option<Url>>, id: fn(&T) -> Uuid) {
        let url: Option<Url> = url.into();
        let behind = catch_up(self.busy, self.again);
        let mut begun = false;
        effect(move || {
            let changed = changed.get();
            // What was told before is in what is being read.
            if !mem::replace(&mut begun, true) {
                return;
            }
            let Some(changed) = changed else { return };
            if self.busy.get_untracked() {
                return behind.set_value(true);
            }
            let first_page = untrack(|| url.is_none_or(|url| url.get("cursor").is_empty()));
            self.data.update(|page| {
                let Some(Page { items, next_cursor, .. }) = page else { return };
                match items.iter_mut().find(|known| id(known) == id(&changed)) {
                    Some(known) => *known = changed,
                    None if first_page => {
                        let newer = items.iter().rposition(|known| id(known) > id(&changed));
                        let place = newer.map_or(0, |newer| newer + 1);
                        // What is older than all that are here is on a later page.
                        if place < items.len() || next_cursor.is_none() {
                            items.insert(place, changed);
                        }
                    }
                    None => {}
                }
            });
        });
    }
}

/// Reads once more after the answer that is awaited, where what is given back says that something was told meanwhile:
/// the answer may be older than that.
fn catch_up(busy: Signal<bool>, again: RwSignal<u32>) -> StoredValue<bool> {
    let behind = StoredValue::new(false);
    effect(move || {
        if !busy.get() && behind.try_update_value(mem::take) == Some(true) {
            bump(again);
        }
    });
    behind
}

/// Reads whenever `key` changes and when a lost connection or session is back; old data goes when `scope` does, the data of another
/// configuration for example.
pub fn load<S, K, T, F>(
    scope: impl Fn() -> S + Send + Sync + 'static,
    key: impl Fn() -> K + Send + Sync + 'static,
    fetch: impl Fn(S, K) -> F + Send + Sync + 'static,
) -> Loader<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    K: PartialEq + Clone + Send + Sync + 'static,
    T: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let pending = Pending::new();
    let loader =
        Loader { data: RwSignal::new(None), error: RwSignal::new(None), busy: pending.busy(), again: RwSignal::new(0) };
    let mut before = None;
    // Not a memo: each type that one holds makes the console larger.
    effect(move || {
        let asked = (scope(), key(), loader.again.get());
        if before.as_ref() != Some(&asked) {
            let future = fetch(asked.0.clone(), asked.1.clone()).boxed_local();
            let other = before.replace(asked.clone()).is_some_and(|before| before.0 != asked.0);
            read(loader, pending, other, future);
        }
    });
    retry(loader.error, loader.again);
    loader
}

/// Takes what is read, if it is something new: what is drawn stays as it is. What was read before goes at once where it
/// belonged to something `other`.
fn read<T: PartialEq + Send + Sync + 'static>(
    loader: Loader<T>,
    pending: Pending,
    other: bool,
    future: LocalBoxFuture<'static, Result<T, ApiError>>,
) {
    if other {
        loader.data.set(None);
    }
    pending.replace(async move {
        match future.await {
            Ok(data) => {
                if loader.error.with_untracked(Option::is_some) {
                    loader.error.set(None);
                }
                let data = Some(data);
                if loader.data.with_untracked(|before| *before != data) {
                    loader.data.set(data);
                }
            }
            Err(error) => loader.error.set(Some(error)),
        }
    });
}

/// Asks again when a lost connection or session is back.
fn retry(error: RwSignal<Option<ApiError>>, again: RwSignal<u32>) {
    if let Some(client) = use_context::<Client>() {
        effect(move || {
            let (reachable, signed_in) = (client.reachable().get(), client.signed_in().get());
            let back = match error.get_untracked() {
                Some(ApiError::Unreachable) => reachable,
                Some(ApiError::SignedOut) => signed_in == SignedIn::Yes,
                _ => false,
            };
            if back {
                bump(again);
            }
        });
    }
}
