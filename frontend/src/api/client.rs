//! Sends requests: bearer token, silent refresh, problems, connection state.

use super::{
    ApiError,
    claims::{account_left, are_alike},
    message::{Answer, Content, json},
    sleep::{sleep, within},
};
use futures::future::{FutureExt, LocalBoxFuture, Shared};
use gloo_net::http::{Method, RequestBuilder, Response};
use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use shared::session::AccessToken;
use std::time::Duration;
use uuid::Uuid;
use web_sys::AbortController;

/// Whether somebody is signed in in this browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedIn {
    /// Not asked yet.
    Unknown,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Not any more: the session ended by itself, and whoever had it may sign in again where they were.
    Ended,
}

/// An access token that does not come for so long is asked for anew: the connection may be one that died.
const PATIENCE: Duration = Duration::from_secs(15);
/// A session that is asked for too often is asked for again after at most so many seconds.
const LONGEST_WAIT: u32 = 30;

type Refresh = Shared<LocalBoxFuture<'static, Result<(), ApiError>>>;

/// The one client of the API. The access token lives in memory only.
#[derive(Clone, Copy)]
pub struct Client {
    token: StoredValue<Option<String>>,
    /// The last token of a session that ended by itself.
    ended: StoredValue<Option<String>>,
    /// The account that is being closed here: that a token for it ends is no surprise.
    closing: StoredValue<Option<Uuid>>,
    refreshing: StoredValue<Option<Refresh>, LocalStorage>,
    reachable: RwSignal<bool>,
    signed_in: RwSignal<SignedIn>,
    refused: RwSignal<u32>,
}

/// Aborts its fetch when it is dropped: a request ends with whoever waits for it.
struct AbortOnDrop(Option<AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

impl Client {
    /// A client without a session.
    pub fn new() -> Self {
        Self {
            token: StoredValue::new(None),
            ended: StoredValue::new(None),
            closing: StoredValue::new(None),
            refreshing: StoredValue::new_local(None),
            reachable: RwSignal::new(true),
            signed_in: RwSignal::new(SignedIn::Unknown),
            refused: RwSignal::new(0),
        }
    }

    /// Whether the last request reached the service.
    pub fn reachable(self) -> Signal<bool> {
        self.reachable.into()
    }

    /// Whether somebody is signed in.
    pub fn signed_in(self) -> Signal<SignedIn> {
        self.signed_in.into()
    }

    /// How often something was refused because the account is suspended, or not open any more.
    pub fn refused(self) -> Signal<u32> {
        self.refused.into()
    }

    /// Takes the token of a sign-in. A provider whose session ended inside an account goes into it again before anybody asks
    /// with the new one: the page is still that account's.
    pub(super) async fn begin(self, token: AccessToken) {
        let ended = self.ended.get_value();
        let entered = match ended.and_then(|ended| account_left(&ended, &token.access_token)) {
            Some(account) => self.enter_anew(account, &token).await.ok(),
            None => None,
        };
        // Outside of an account that cannot be entered any more the page begins anew.
        self.keep(entered.unwrap_or(token));
    }

    /// Takes the token of a session.
    pub(super) fn keep(self, token: AccessToken) {
        self.token.set_value(Some(token.access_token));
        self.signed_in.set(SignedIn::Yes);
    }

    /// Leaves a session that ended: nobody is signed in.
    pub fn leave(self) {
        self.forget(SignedIn::No);
    }

    /// Forgets the token: nobody is signed in because of `now`.
    pub(super) fn forget(self, now: SignedIn) {
        let token = self.token.try_update_value(Option::take).flatten();
        self.ended.set_value(token.filter(|_| now == SignedIn::Ended));
        self.signed_in.set(now);
    }

    /// The account that is left without a surprise from now on, because it is being closed here.
    pub(super) fn expect_to_leave(self, account: Option<Uuid>) {
        self.closing.set_value(account);
    }

    /// Whether a token takes the place of one of another user, or for another account, which nobody here asked for.
    fn is_for_another(self, token: &AccessToken) -> bool {
        let (before, now) = (self.token.get_value(), &token.access_token);
        before.is_some_and(|before| {
            let closed_here = self.closing.get_value().is_some_and(|closed| account_left(&before, now) == Some(closed));
            !closed_here && !are_alike(&before, now)
        })
    }

    /// Forgets a token that is not accepted any more.
    fn ended(self) -> ApiError {
        match self.signed_in.get_untracked() {
            SignedIn::Yes => self.forget(SignedIn::Ended),
            SignedIn::Unknown => self.forget(SignedIn::No),
            SignedIn::No | SignedIn::Ended => {}
        }
        ApiError::SignedOut
    }

    /// Gets an access token for the refresh cookie; calls at the same time share one request, because it rotates. Where it is
    /// for another account or user, whom another tab signed in, the page begins anew: nothing that was meant for the one
    /// before is done with it.
    pub async fn refresh(self) -> Result<(), ApiError> {
        let running = self.refreshing.get_value();
        let refresh = match running {
            Some(refresh) => refresh,
            None => {
                let refresh = async move {
                    let answer = self.token_of_cookie().await;
                    self.refreshing.set_value(None);
                    match answer? {
                        Some(token) if self.is_for_another(&token) => {
                            // Fails only where a page may not reload itself.
                            drop(window().location().reload());
                            Err(ApiError::SignedOut)
                        }
                        Some(token) => {
                            self.keep(token);
                            Ok(())
                        }
                        None => Err(self.ended()),
                    }
                }
                .boxed_local()
                .shared();
                self.refreshing.set_value(Some(refresh.clone()));
                refresh
            }
        };
        refresh.await
    }

    /// An access token for the refresh cookie; `None` where that is of no session, which only 401 says. Whatever else is
    /// answered is trouble on the way, which heals: nobody is signed out by it.
    pub(super) async fn token_of_cookie(self) -> Result<Option<AccessToken>, ApiError> {
        loop {
            let headers = [("X-Requested-With", "stoplist")];
            let asked = self.ask(Method::POST, "/sessions/refresh", None, &headers);
            let answer = within(PATIENCE, asked).await.ok_or_else(|| self.lost())??;
            match answer.status {
                200 => {
                    self.reached();
                    return answer.json().map(Some);
                }
                401 => {
                    self.reached();
                    return Ok(None);
                }
                429 => sleep(Duration::from_secs(answer.retry_after().min(LONGEST_WAIT).into())).await,
                _ => return Err(self.lost()),
            }
        }
    }

    /// Ends the session of the refresh cookie, if there is one, without taking it up: nobody is signed in.
    ///
    /// # Errors
    /// The session may still be there at the service.
    pub async fn end_left_session(self) -> Result<(), ApiError> {
        self.forget(SignedIn::No);
        if let Some(token) = self.token_of_cookie().await? {
            let bearer = format!("Bearer {}", token.access_token);
            self.once(Method::DELETE, "/sessions/current", None, &[("Authorization", &bearer)]).await?.checked()?;
        }
        Ok(())
    }

    /// Reads JSON.
    pub(super) async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, ApiError> {
        self.call(Method::GET, path, None, &[]).await?.json()
    }

    /// Sends JSON and reads JSON.
    pub(super) async fn send<T: DeserializeOwned>(
        self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        self.call(method, path, Some(json(body)?), &[]).await?.json()
    }

    /// Asks without a session: sign-in and set-up, where 401 is an answer about the form.
    pub(super) async fn open_call<T: DeserializeOwned>(
        self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ApiError> {
        let content = body.map(json).transpose()?.map(Content::json);
        self.once(method, path, content, &[]).await?.checked()?.json()
    }

    /// Sends without a session what is answered by nothing.
    pub(super) async fn open_send(self, path: &str, body: &impl Serialize) -> Result<(), ApiError> {
        let content = Content::json(json(body)?);
        self.once(Method::POST, path, Some(content), &[]).await?.checked().map(drop)
    }

    /// Asks with the session.
    pub(super) async fn call(
        self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        self.bring(method, path, body.map(Content::json), headers).await
    }

    /// Asks with the session, bringing anything; refreshes the session once if it has expired.
    pub(super) async fn bring(
        self,
        method: Method,
        path: &str,
        content: Option<Content>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        self.not_ended()?;
        let mut answer = self.once(method.clone(), path, content.clone(), headers).await?;
        if answer.status == 401 {
            self.refresh().await?;
            answer = self.once(method, path, content, headers).await?;
            if answer.status == 401 {
                return Err(self.ended());
            }
        }
        answer.checked().map_err(|refusal| self.heard(refusal))
    }

    /// What is asked again and again need not reach the service without a session.
    fn not_ended(self) -> Result<(), ApiError> {
        if self.signed_in.get_untracked() == SignedIn::Ended { Err(ApiError::SignedOut) } else { Ok(()) }
    }

    fn look_again(self) {
        self.refused.update(|times| *times = times.wrapping_add(1));
    }

    /// Learns from a refusal that the account is suspended.
    fn heard(self, refusal: ApiError) -> ApiError {
        if refusal.is_suspension() {
            self.look_again();
        }
        refusal
    }

    pub(super) async fn once(
        self,
        method: Method,
        path: &str,
        content: Option<Content>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        let answer = self.ask(method, path, content, headers).await?;
        self.reached();
        Ok(answer)
    }

    /// As [`Self::once`], but whether the service was reached is for the caller to say.
    async fn ask(
        self,
        method: Method,
        path: &str,
        content: Option<Content>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        let guard = AbortOnDrop(AbortController::new().ok());
        let response = self.fetch(&guard, method, path, content, headers).await?;
        self.read(response).await
    }

    async fn read(self, response: Response) -> Result<Answer, ApiError> {
        let (status, headers) = (response.status(), response.headers());
        let body = response.text().await.map_err(|_| self.lost())?;
        Ok(Answer { status, headers, body })
    }

    /// Opens a stream with the session: the response's body is read by the caller while `keep_open` holds.
    pub(super) async fn open_stream(
        self,
        path: &str,
        media_type: &str,
    ) -> Result<(Response, impl Drop + use<>), ApiError> {
        self.not_ended()?;
        let guard = AbortOnDrop(AbortController::new().ok());
        let headers = [("Accept", media_type)];
        let mut response = self.fetch(&guard, Method::GET, path, None, &headers).await?;
        if response.status() == 401 {
            self.refresh().await?;
            response = self.fetch(&guard, Method::GET, path, None, &headers).await?;
        }
        self.reached();
        if response.ok() {
            return Ok((response, guard));
        }
        Err(self.heard(self.read(response).await?.problem()))
    }

    async fn fetch(
        self,
        guard: &AbortOnDrop,
        method: Method,
        path: &str,
        content: Option<Content>,
        headers: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let signal = guard.0.as_ref().map(AbortController::signal);
        let mut request = RequestBuilder::new(&format!("/api/v1{path}")).method(method).abort_signal(signal.as_ref());
        if let Some(token) = self.token.get_value() {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = match content {
            Some(Content { media_type, body }) => request.header("Content-Type", media_type).body(body),
            None => request.build(),
        };
        let request = request.map_err(|_| ApiError::Unreadable(0))?;
        request.send().await.map_err(|_| self.lost())
    }

    fn reached(self) {
        if !self.reachable.get_untracked() {
            self.reachable.set(true);
        }
    }

    /// Learns that the service is not reached.
    pub fn lost(self) -> ApiError {
        if self.reachable.get_untracked() {
            self.reachable.set(false);
        }
        ApiError::Unreachable
    }
}
