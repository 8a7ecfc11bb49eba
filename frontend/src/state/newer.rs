//! A newer console than the one that runs in this tab.

use super::effect;
use crate::api::{self, Client};
use leptos::{prelude::*, task::spawn_local};

/// Whether the service has brought a newer console since this one was loaded.
#[derive(Clone, Copy)]
pub struct Newer(RwSignal<bool>);

impl Newer {
    /// Looks whenever a lost connection is back: a new version begins with a restart.
    pub fn watch(client: Client) -> Self {
        let newer = Self(RwSignal::new(false));
        let mut lost = false;
        effect(move || {
            let reachable = client.reachable().get();
            if reachable && lost {
                newer.look();
            }
            lost = !reachable;
        });
        newer
    }

    /// Looks now.
    pub fn look(self) {
        if !self.0.get_untracked() {
            spawn_local(async move {
                if api::is_replaced().await {
                    self.0.set(true);
                }
            });
        }
    }

    /// Whether there is one.
    pub fn is_there(self) -> bool {
        self.0.get()
    }

    /// Loads it in place of this one.
    pub fn load(self) {
        // Fails only where a page may not reload itself; then there is nothing else to do.
        drop(window().location().reload());
    }
}
