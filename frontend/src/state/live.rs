//! What happens in the open server configuration, as it happens.

use super::{Inquiries, Newer, Pending, Session, bump, changes::Changes, effect, operation::is_news, sleep};
use crate::api::{self, Client, Followed};
use leptos::prelude::*;
use shared::{
    list_operation::ListOperation,
    run::{Distribution, LiveEvent, Run},
    upload::Upload,
};
use std::time::Duration;
use uuid::Uuid;

/// The pause before a stream that ended is opened again, and before all is read again that was read before it first stood.
const PAUSE: Duration = Duration::from_secs(2);

/// The shortest time between two readings of what mail servers change when they acknowledge a list: after a publication
/// all of them do, within a moment.
const REST: Duration = Duration::from_millis(500);

/// What a stream tells.
pub(super) enum Told {
    /// It stands; `again`: after it was lost.
    Opened { again: bool },
    /// Something happened.
    Heard(Box<LiveEvent>),
    /// It is lost.
    Lost,
}

/// Follows a stream, opening it again when it ends, until the future is dropped. It may have ended because the service was
/// started anew, as another version.
pub(super) async fn listen(client: Client, newer: Newer, followed: Followed, told: Box<dyn Fn(Told)>) {
    let mut again = false;
    loop {
        // A failure is told. A stream that ends with its access token is none: the next one follows in a moment, and
        // everything is read again then.
        let (opened, heard) = (|| told(Told::Opened { again }), |event| told(Told::Heard(Box::new(event))));
        let ended = api::follow(client, followed, opened, heard).await;
        if ended.is_err() {
            told(Told::Lost);
        }
        again = true;
        sleep(PAUSE).await;
        // After a lost connection it is looked for anyway.
        if ended.is_ok() {
            newer.look();
        }
    }
}

/// Signals that change with live events, one at a time. A number only tells that something has to be read again.
#[derive(Clone, Copy)]
pub struct Live {
    /// Whether events arrive now.
    pub connected: RwSignal<bool>,
    /// The two lists, and who has acknowledged what of them.
    pub lists: Changes,
    /// The run settings.
    pub run_settings: RwSignal<u32>,
    /// The mail servers.
    pub mail_servers: Changes,
    /// The delivery events.
    pub delivery_events: RwSignal<u32>,
    /// The uploads as a whole, after one was deleted.
    pub uploads: RwSignal<u32>,
    /// Everything of which events tell one by one, after some may have been missed.
    pub missed: RwSignal<u32>,
    /// The distribution that changed last.
    pub distribution: RwSignal<Option<Distribution>>,
    /// The run that changed last.
    pub run: RwSignal<Option<Run>>,
    /// The list operation that changed last.
    pub operation: RwSignal<Option<ListOperation>>,
    /// The upload that changed last.
    pub upload: RwSignal<Option<Upload>>,
    inquiries: Inquiries,
    session: Session,
    settling: Pending,
}

impl Live {
    /// Follows the configuration, whichever it is, until the component goes away.
    pub fn follow(client: Client, configuration: Memo<Uuid>) -> Self {
        let live = Self {
            connected: RwSignal::new(false),
            lists: Changes::new(REST),
            run_settings: RwSignal::new(0),
            mail_servers: Changes::new(REST),
            delivery_events: RwSignal::new(0),
            uploads: RwSignal::new(0),
            missed: RwSignal::new(0),
            distribution: RwSignal::new(None),
            run: RwSignal::new(None),
            operation: RwSignal::new(None),
            upload: RwSignal::new(None),
            inquiries: expect_context(),
            session: expect_context(),
            settling: Pending::new(),
        };
        let (stream, newer) = (Pending::new(), expect_context());
        effect(move || {
            let configuration = configuration.get();
            live.distribution.set(None);
            live.run.set(None);
            live.operation.set(None);
            live.upload.set(None);
            let told = Box::new(move |told| match told {
                Told::Opened { again } => live.opened(again),
                Told::Heard(event) => live.hear(*event),
                Told::Lost => live.connected.set(false),
            });
            stream.replace(listen(client, newer, Followed::Configuration(configuration), told));
        });
        live
    }

    /// What happened before the stream stood may have been missed. The first time, the page is still being read: to
    /// begin anew now would only keep it empty for longer.
    fn opened(self, again: bool) {
        self.connected.set(true);
        bump(self.inquiries.changed);
        self.settling.replace(async move {
            if !again {
                sleep(PAUSE).await;
            }
            for changed in [self.lists, self.mail_servers] {
                changed.tell();
            }
            for changed in [self.run_settings, self.delivery_events, self.missed] {
                bump(changed);
            }
            self.session.account_changed();
        });
    }

    /// Tells the list operation that an order was answered with, unless more was told of it before the answer came.
    pub fn answered(self, operation: ListOperation) {
        let is_older = |known: &ListOperation| known.id == operation.id && !is_news(known, &operation);
        if !self.operation.with_untracked(|known| known.as_ref().is_some_and(is_older)) {
            self.operation.set(Some(operation));
        }
    }

    fn hear(self, event: LiveEvent) {
        match event {
            LiveEvent::Run(run) => self.run.set(Some(run)),
            LiveEvent::Distribution(distribution) => self.distribution.set(Some(distribution)),
            LiveEvent::ListOperation(operation) => self.operation.set(Some(operation)),
            LiveEvent::Upload(upload) => self.upload.set(Some(*upload)),
            LiveEvent::UploadDeleted { .. } => bump(self.uploads),
            LiveEvent::ListChanged => self.lists.tell(),
            LiveEvent::RunSettingsChanged => bump(self.run_settings),
            LiveEvent::MailServersChanged => self.mail_servers.tell(),
            LiveEvent::DeliveryEventsReported => bump(self.delivery_events),
            LiveEvent::InquiriesChanged => bump(self.inquiries.changed),
            LiveEvent::AccountChanged => self.session.account_changed(),
        }
    }
}
