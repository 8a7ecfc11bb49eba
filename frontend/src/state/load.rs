//! Data that a page shows.

use super::{Pending, Url, effect};
use crate::api::{ApiError, Client};
use futures::future::{FutureExt, LocalBoxFuture};
use leptos::prelude::*;
use shared::Page;
use std::future::Future;
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
        self.again.update(|times| *times = times.wrapping_add(1));
    }
}

impl<T: Clone + Send + Sync + 'static> Loader<Page<T>> {
    /// Keeps a list, newest first, up with what `changed` tells: on its first page what is new comes to the top.
    pub fn keep_up(self, changed: RwSignal<Option<T>>, url: Url, id: fn(&T) -> Uuid) {
        effect(move || {
            let Some(changed) = changed.get() else { return };
            let first_page = url.get("cursor").is_empty();
            self.data.update(|page| {
                let Some(page) = page else { return };
                match page.items.iter_mut().find(|known| id(known) == id(&changed)) {
                    Some(known) => *known = changed,
                    None if first_page => page.items.insert(0, changed),
                    None => {}
                }
            });
        });
    }
}

/// Reads whenever `key` changes and when a lost connection is back; old data goes when `scope` does, the data of another
/// configuration for example.
pub fn load<S, K, T, F>(
    scope: impl Fn() -> S + Send + Sync + 'static,
    key: impl Fn() -> K + Send + Sync + 'static,
    fetch: impl Fn(S, K) -> F + Send + Sync + 'static,
) -> Loader<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let pending = Pending::new();
    let loader =
        Loader { data: RwSignal::new(None), error: RwSignal::new(None), busy: pending.busy(), again: RwSignal::new(0) };
    let asked = Memo::new(move |_| (scope(), key(), loader.again.get()));
    follow(asked, Box::new(move |scope, key| fetch(scope, key).boxed_local()), loader, pending);
    retry(loader.error, loader.again);
    loader
}

type Fetch<S, K, T> = Box<dyn Fn(S, K) -> LocalBoxFuture<'static, Result<T, ApiError>>>;

/// Reads what is asked. Boxed, so that it is compiled once for pages that read the same.
fn follow<S, K, T>(asked: Memo<(S, K, u32)>, fetch: Fetch<S, K, T>, loader: Loader<T>, pending: Pending)
where
    S: PartialEq + Clone + Send + Sync + 'static,
    K: Clone + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    Effect::new(move |before: Option<S>| {
        let (scope, key, _) = asked.get();
        let future = fetch(scope.clone(), key);
        if before.is_some_and(|before| before != scope) {
            loader.data.set(None);
        }
        pending.replace(async move {
            match future.await {
                Ok(data) => {
                    loader.error.set(None);
                    loader.data.set(Some(data));
                }
                Err(error) => loader.error.set(Some(error)),
            }
        });
        scope
    });
}

/// Asks again when a lost connection is back.
fn retry(error: RwSignal<Option<ApiError>>, again: RwSignal<u32>) {
    if let Some(client) = use_context::<Client>() {
        effect(move || {
            if client.reachable().get() && error.get_untracked() == Some(ApiError::Unreachable) {
                again.update(|times| *times = times.wrapping_add(1));
            }
        });
    }
}
