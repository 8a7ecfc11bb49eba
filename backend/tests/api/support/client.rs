//! An HTTP client that holds every answer against the contract.

use super::contract::Contract;
use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderMap},
};
use serde::{Serialize, de::DeserializeOwned};
use shared::{Page, Problem, ProblemKind, RefusalCode};
use std::time::Duration;

/// Shorter than the service keeps an idle connection, so that none is used that it just closes.
const IDLE: Duration = Duration::from_secs(2);

/// Calls the service with one token, or none.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(base: String, token: Option<String>) -> Self {
        // Reading the machine's certificates takes longer than a test's requests, and all of them are plain HTTP.
        let http = reqwest::Client::builder().tls_certs_only([]).cookie_store(true).pool_idle_timeout(IDLE);
        Self { http: http.build().expect("an HTTP client"), base, token }
    }

    /// A request to shape further; give it to [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and checks the answer.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        let request = request.build().expect("a valid request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = self.http.execute(request).await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.expect("a whole body").to_vec();
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if path.starts_with("/api/v1/") && path != "/api/v1/openapi.json" {
            let contract = Contract::of_service();
            let allow = headers.get(ALLOW).and_then(|value| value.to_str().ok());
            if status == StatusCode::METHOD_NOT_ALLOWED {
                contract.check_not_allowed(method.as_str(), &path, allow, media_type, &body);
            } else {
                contract.check(method.as_str(), &path, status.as_u16(), media_type, &body);
                contract.check_headers(method.as_str(), &path, status.as_u16(), &headers);
            }
        }
        Response { call: format!("{method} {path}"), status, headers, body }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    /// The rows of a list, all of which are on its first page.
    pub async fn items<T: DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let page: Page<T> = self.get(path).await.expect(200).json();
        assert_eq!(page.next_cursor, None, "{path} has another page");
        page.items
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Response {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Response {
        self.send(self.request(Method::DELETE, path)).await
    }
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    call: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Fails unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.call, String::from_utf8_lossy(&self.body));
        // HEAD is answered without a body.
        if matches!(status, 409 | 410) && !self.body.is_empty() {
            expect_codes(&self.json(), &self.call);
        }
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.call, text()))
    }

    /// The problem, after checking that it names a field.
    #[track_caller]
    pub fn expect_problem(self, status: u16, pointer: &str) -> Problem {
        let answer = self.expect(status);
        let problem: Problem = answer.json();
        assert!(problem.errors.iter().any(|e| e.pointer == pointer), "{}: {pointer} not in {problem:?}", answer.call);
        expect_codes(&problem, &answer.call);
        problem
    }
}

/// Whatever is refused because of a field or of the present state says so to programs, too: the console's words hang on
/// it.
#[track_caller]
pub fn expect_codes(problem: &Problem, what: &str) {
    match ProblemKind::of(&problem.kind) {
        Some(ProblemKind::Conflict | ProblemKind::Gone) => assert!(problem.code.is_some(), "{what}: {problem:?}"),
        Some(ProblemKind::Validation) => {
            assert!(!problem.errors.is_empty(), "{what}: {problem:?}");
            for error in &problem.errors {
                let limited =
                    [RefusalCode::TooShort, RefusalCode::TooLong, RefusalCode::TooSmall, RefusalCode::TooLarge];
                let code = error.code.unwrap_or_else(|| panic!("{what}: no code in {problem:?}"));
                assert!(error.limit.is_some() || !limited.contains(&code), "{what}: no limit in {problem:?}");
            }
        }
        _ => {}
    }
}
