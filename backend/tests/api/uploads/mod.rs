//! Uploads: the tus protocol, the analysis, and files that are no lists.

mod bad_input;
mod limits;
mod malformed;
mod reading;
mod tus;

use crate::support::{
    TestApp, Workplace,
    client::{Client, Response},
};
use backend::store::{ConnectionTrait, statement};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use shared::upload::{Analysis, Failure, Upload, UploadState};
use std::time::Duration;

/// Longer than anything asynchronous may take here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A piece of the database, and a little more.
const PIECE: usize = 512 * 1024;

/// An account to upload to.
struct Scene {
    app: TestApp,
    place: Workplace,
}

impl Scene {
    async fn start() -> Self {
        Self::on(TestApp::start().await).await
    }

    /// Nothing is analysed unless the test does so.
    async fn start_without_jobs() -> Self {
        Self::on(TestApp::start_without_jobs().await).await
    }

    async fn on(app: TestApp) -> Self {
        let place = app.workplace().await;
        Self { app, place }
    }

    fn client(&self) -> &Client {
        &self.place.administrator
    }

    /// A request by tus.
    fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.client().request(method, path).header("Tus-Resumable", "1.0.0")
    }

    async fn create(&self, size: u64, metadata: &[(&str, &str)]) -> Response {
        let mut request = self.tus(Method::POST, &self.place.path("/uploads")).header("Upload-Length", size);
        if !metadata.is_empty() {
            request = request.header("Upload-Metadata", header(metadata));
        }
        self.client().send(request).await
    }

    /// Begins an upload and answers its path.
    async fn begin(&self, size: usize, metadata: &[(&str, &str)]) -> String {
        location(&self.create(size as u64, metadata).await.expect(201))
    }

    fn patch(&self, path: &str, offset: usize) -> RequestBuilder {
        let request = self.tus(Method::PATCH, path).header("Upload-Offset", offset);
        request.header("Content-Type", "application/offset+octet-stream")
    }

    async fn append(&self, path: &str, offset: usize, bytes: &[u8]) -> Response {
        self.client().send(self.patch(path, offset).body(bytes.to_vec())).await
    }

    /// How many bytes are here.
    async fn offset(&self, path: &str) -> usize {
        let answer = self.client().send(self.tus(Method::HEAD, path)).await.expect(200);
        assert_eq!(answer.headers["cache-control"], "no-store");
        number(&answer, "upload-offset")
    }

    /// Sends a whole file and answers the path of its upload.
    async fn send(&self, bytes: &[u8], metadata: &[(&str, &str)]) -> String {
        let path = self.begin(bytes.len(), metadata).await;
        if !bytes.is_empty() {
            self.append(&path, 0, bytes).await.expect(204);
        }
        path
    }

    async fn show(&self, path: &str) -> Upload {
        self.client().get(path).await.expect(200).json()
    }

    /// Waits until an upload is analysed.
    async fn analysed(&self, path: &str) -> Upload {
        self.until(path, |upload| matches!(upload.state, UploadState::Ready | UploadState::Failed)).await
    }

    async fn until(&self, path: &str, wanted: impl Fn(&Upload) -> bool) -> Upload {
        let begun = tokio::time::Instant::now();
        loop {
            let upload = self.show(path).await;
            if wanted(&upload) {
                return upload;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {upload:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What is found in a file.
    async fn analysis(&self, bytes: &[u8], metadata: &[(&str, &str)]) -> Analysis {
        let path = self.send(bytes, metadata).await;
        let upload = self.analysed(&path).await;
        assert_eq!((upload.state, &upload.failure), (UploadState::Ready, &None), "{upload:?}");
        upload.analysis.expect("an analysis")
    }

    /// Why a file is refused.
    async fn failure(&self, bytes: &[u8], metadata: &[(&str, &str)]) -> Failure {
        let path = self.send(bytes, metadata).await;
        let upload = self.analysed(&path).await;
        assert_eq!(upload.state, UploadState::Failed, "{upload:?}");
        self.client().delete(&path).await.expect(204);
        upload.failure.expect("a failure")
    }

    async fn read_again(&self, path: &str, wanted: &Value) -> Response {
        let request = self.client().request(Method::PUT, &format!("{path}/reading")).json(wanted);
        self.client().send(request).await
    }

    async fn invalid_rows(&self, path: &str) -> String {
        let answer = self.client().get(&format!("{path}/invalid-rows")).await.expect(200);
        String::from_utf8(answer.body).expect("UTF-8")
    }
}

/// Waits until every upload that was deleted has given back what it held.
async fn nothing_is_left(scene: &Scene) {
    for table in ["upload_pieces", "upload_addresses", "upload_invalid_rows", "uploads"] {
        until_rows(scene, table, false).await;
    }
}

/// Waits until a table has rows, or none.
async fn until_rows(scene: &Scene, table: &str, wanted: bool) {
    let connection = scene.app.running.state.db.connection();
    let sql = format!("SELECT 1 FROM {table} LIMIT 1");
    let begun = tokio::time::Instant::now();
    while connection.query_one_raw(statement(connection, sql.as_str(), [])).await.expect("an answer").is_some()
        != wanted
    {
        assert!(begun.elapsed() < PATIENCE, "rows in {table}: still {}", !wanted);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The `Upload-Metadata` header.
fn header(metadata: &[(&str, &str)]) -> String {
    metadata.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect::<Vec<_>>().join(",")
}

#[track_caller]
fn location(answer: &Response) -> String {
    answer.headers["location"].to_str().expect("a path").to_owned()
}

#[track_caller]
fn number(answer: &Response, header: &str) -> usize {
    answer.headers[header].to_str().expect("text").parse().expect("a number")
}

/// Lines with addresses that are all different.
fn addresses(count: usize) -> String {
    (0..count).map(|n| format!("user{n}@example.com\n")).collect()
}
