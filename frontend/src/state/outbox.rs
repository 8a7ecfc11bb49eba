//! Files that this window sends. They go on while the user looks at other pages.

mod pace;

use super::{effect, sleep, within};
use crate::{
    api::{ApiError, Client, SignedIn},
    reactive::memo,
};
use futures::{
    channel::oneshot,
    future::{AbortHandle, abortable},
};
use js_sys::Uint8Array;
use leptos::{leptos_dom::helpers::WindowListenerHandle, prelude::*, task::spawn_local};
use pace::{Failed, Pace, after};
use shared::upload::Upload;
use std::{collections::HashMap, future::Future, time::Duration};
use uuid::Uuid;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// A part on which no answer comes for so long is sent again.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest file name that the service takes, in characters.
const MAX_NAME: usize = 255;

/// Why a file is not sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The account may upload at most so many bytes.
    TooLarge(i64),
    /// Not the file that was begun: another name or size, or changed since.
    OtherFile,
    /// The browser cannot read the file, because it was changed or removed.
    FileGone,
    /// Another window goes on with it.
    Elsewhere,
    /// The upload was deleted, or its time was over.
    Ended,
    /// The service refused.
    Refused(ApiError),
}

/// How it goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Going {
    /// Bytes go up.
    Sending,
    /// The connection is lost; it is tried again by itself.
    Waiting,
    /// Every byte is there.
    Sent,
    /// It stopped, and goes on when the user says so.
    Stopped(Trouble),
}

/// A file on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// The upload.
    pub upload: Uuid,
    configuration: Uuid,
    /// The file's bytes.
    pub size: i64,
    /// The bytes that are there.
    pub received: i64,
    /// Bytes a second, lately.
    pub speed: f64,
    /// How it goes.
    pub going: Going,
}

impl Sending {
    /// Whether closing the window would interrupt it.
    pub fn is_active(&self) -> bool {
        matches!(self.going, Going::Sending | Going::Waiting)
    }

    /// Seconds until every byte is there, as it goes now.
    pub fn seconds_left(&self) -> Option<i64> {
        let left = (self.size - self.received) as f64 / self.speed;
        (left.is_finite() && self.going == Going::Sending).then_some(left.ceil() as i64)
    }
}

type Task = (File, AbortHandle);

/// The files that this window sends.
#[derive(Clone, Copy)]
pub struct Outbox {
    client: Client,
    files: RwSignal<Vec<Sending>>,
    tasks: StoredValue<HashMap<Uuid, Task>, LocalStorage>,
}

impl Outbox {
    /// Nothing is sent. While something is, closing the window has to be confirmed; signing out ends it.
    pub fn open(client: Client) -> Self {
        let outbox = Self { client, files: RwSignal::new(Vec::new()), tasks: StoredValue::new_local(HashMap::new()) };
        let active = memo(move |_| outbox.is_active());
        Effect::new(move |guard: Option<Option<WindowListenerHandle>>| {
            if let Some(Some(guard)) = guard {
                guard.remove();
            }
            active.get().then(|| window_event_listener(leptos::ev::beforeunload, |event| event.prevent_default()))
        });
        effect(move || {
            if client.signed_in().get() == SignedIn::No {
                outbox.tasks.update_value(|tasks| tasks.drain().for_each(|(_, (_, handle))| handle.abort()));
                outbox.files.set(Vec::new());
            }
        });
        outbox
    }

    /// Whether any file is on its way.
    pub fn is_active(self) -> bool {
        self.files.with(|files| files.iter().any(Sending::is_active))
    }

    /// The window's.
    pub fn here() -> Self {
        expect_context::<Self>()
    }

    /// How the sending of an upload goes, if this window sends it.
    pub fn of(self, upload: Uuid) -> Option<Sending> {
        self.files.with(|files| files.iter().find(|file| file.upload == upload).cloned())
    }

    /// Begins an upload, also when nobody waits for the answer.
    pub fn begin(self, configuration: Uuid, file: File) -> impl Future<Output = Option<Result<Upload, Trouble>>> {
        let (told, answer) = oneshot::channel();
        spawn_local(async move {
            let begun = self.create(configuration, &file).await;
            if let Ok(upload) = &begun {
                self.start(configuration, upload, file);
            }
            // Nobody waits any more where the page was left.
            drop(told.send(begun));
        });
        async move { answer.await.ok() }
    }

    async fn create(self, configuration: Uuid, file: &File) -> Result<Upload, Trouble> {
        let size = file.size() as i64;
        let largest = self.client.largest_upload(configuration).await.map_err(Trouble::Refused)?;
        if size > largest {
            return Err(Trouble::TooLarge(largest));
        }
        self.client.begin_upload(configuration, &name(file), size).await.map_err(Trouble::Refused)
    }

    /// Goes on with an upload that another window, or this one before a reload, began.
    ///
    /// # Errors
    /// [`Trouble::OtherFile`].
    pub fn go_on(self, configuration: Uuid, upload: &Upload, file: File) -> Result<(), Trouble> {
        // When it was changed last is known of a file that this window has sent.
        let changed = self.tasks.with_value(|tasks| {
            tasks.get(&upload.id).is_some_and(|(begun, _)| begun.last_modified() != file.last_modified())
        });
        if changed || name(&file) != upload.file_name || file.size() as i64 != upload.size {
            return Err(Trouble::OtherFile);
        }
        self.start(configuration, upload, file);
        Ok(())
    }

    /// Tries again what stopped.
    pub fn try_again(self, upload: &Upload) {
        let configuration = self.of_untracked(upload.id).map(|sending| sending.configuration);
        let file = self.tasks.with_value(|tasks| tasks.get(&upload.id).map(|(file, _)| file.clone()));
        if let (Some(configuration), Some(file)) = (configuration, file) {
            self.start(configuration, upload, file);
        }
    }

    /// Sends it no more.
    pub fn stop(self, upload: Uuid) {
        if let Some((_, handle)) = self.tasks.try_update_value(|tasks| tasks.remove(&upload)).flatten() {
            handle.abort();
        }
        self.files.update(|files| files.retain(|file| file.upload != upload));
    }

    /// How it goes now.
    pub fn of_untracked(self, upload: Uuid) -> Option<Sending> {
        untrack(|| self.of(upload))
    }

    fn change(self, upload: Uuid, change: impl FnOnce(&mut Sending)) {
        self.files.update(|files| {
            if let Some(file) = files.iter_mut().find(|file| file.upload == upload) {
                change(file);
            }
        });
    }

    fn start(self, configuration: Uuid, upload: &Upload, file: File) {
        let id = upload.id;
        self.stop(id);
        let sending = Sending {
            upload: id,
            configuration,
            size: upload.size,
            received: upload.received,
            speed: 0.0,
            going: Going::Sending,
        };
        self.files.update(|files| files.push(sending));
        let (work, handle) = abortable(self.send(configuration, id, file.clone(), upload.size));
        self.tasks.update_value(|tasks| drop(tasks.insert(id, (file, handle))));
        spawn_local(async move {
            let Ok(ended) = work.await else { return };
            let going = ended.map_or_else(Going::Stopped, |()| Going::Sent);
            self.change(id, |file| file.going = going);
        });
    }

    async fn send(self, configuration: Uuid, id: Uuid, file: File, size: i64) -> Result<(), Trouble> {
        let (mut pace, mut at, mut failures) = (Pace::new(), None, 0);
        while at.is_none_or(|at| at < size) {
            let began = super::now();
            let step = async {
                match at {
                    None => self.client.upload_offset(configuration, id).await.map_err(Failed::Call),
                    Some(at) => {
                        let bytes = read(&file, at, pace.part()).await.ok_or(Failed::File)?;
                        self.client.append_to_upload(configuration, id, at, bytes).await.map_err(Failed::Call)
                    }
                }
            };
            let done = within(PATIENCE, step).await;
            match done.unwrap_or(Err(Failed::Call(ApiError::Unreachable))) {
                Ok(received) => {
                    if let Some(before) = at {
                        pace.sent((received - before) as f64, super::now() - began);
                        failures = 0;
                    }
                    at = Some(received);
                    self.change(id, |file| {
                        (file.received, file.speed, file.going) = (received, pace.speed(), Going::Sending);
                    });
                }
                Err(failed) => {
                    let wait = after(failed, failures)?;
                    failures += 1;
                    pace.failed();
                    at = None;
                    self.change(id, |file| file.going = Going::Waiting);
                    sleep(wait).await;
                }
            }
        }
        Ok(())
    }
}

/// The file's name as the service takes it.
fn name(file: &File) -> String {
    file.name().chars().filter(|one| !one.is_control()).take(MAX_NAME).collect()
}

/// A part of the file; `None` when the browser cannot read it any more.
async fn read(file: &File, from: i64, length: i64) -> Option<Uint8Array> {
    let part = file.slice_with_f64_and_f64(from as f64, (from + length) as f64).ok()?;
    Some(Uint8Array::new(&JsFuture::from(part.array_buffer()).await.ok()?))
}
