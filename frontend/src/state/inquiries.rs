//! The inquiries of the side that is signed in: that they change, and whether there is something to read.

use super::{
    Loader, Pending, Session, bump, client, effect,
    live::{Told, listen},
    load,
};
use crate::{api::Followed, paths, reactive::memo, router::Router};
use leptos::prelude::*;
use shared::{inquiry::InquirySide, run::LiveEvent};

/// The inquiries, as they change.
#[derive(Clone, Copy)]
pub struct Inquiries {
    /// Whose side is signed in.
    pub side: InquirySide,
    /// Tells that they have to be read again.
    pub changed: RwSignal<u32>,
    unread: Loader<bool>,
}

impl Inquiries {
    /// Follows them until the component goes away. The stream of a server configuration tells of them too, so that there
    /// is only one at a time: a browser opens but a few connections to a service.
    pub fn follow(side: InquirySide) -> Self {
        let (client, path, stream, newer) = (client(), Router::here().path, Pending::new(), expect_context());
        let (changed, session) = (RwSignal::new(0), expect_context::<Session>());
        let unread =
            load(|| (), move || changed.get(), move |(), _| async move { client.has_unread_inquiries(side).await });
        let told_there = memo(move |_| path.with(|path| paths::configuration_at(path).is_some()));
        effect(move || {
            let told = Box::new(move |told| match told {
                Told::Heard(event) if *event == LiveEvent::AccountChanged => session.account_changed(),
                // What happened before the stream stood may have been missed.
                Told::Opened { again } => {
                    bump(changed);
                    if again {
                        session.account_changed();
                    }
                }
                Told::Heard(_) => bump(changed),
                Told::Lost => {}
            });
            if told_there.get() {
                stream.stop();
            } else {
                stream.replace(listen(client, newer, Followed::Inquiries(side), told));
            }
        });
        Self { side, changed, unread }
    }

    /// Has them read again, after something was done.
    pub fn look_again(self) {
        bump(self.changed);
    }

    /// Whether the other side wrote something that this one has not read.
    pub fn unread(self) -> bool {
        self.unread.data.get().unwrap_or_default()
    }
}
