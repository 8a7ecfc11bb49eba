//! Clients that are slow, by their line or on purpose: how long they are waited for, and that nothing is left of them.

use crate::support::{TestApp, Workplace};
use futures::{Stream, StreamExt, stream};
use reqwest::{
    Body, Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use shared::Problem;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// How long this service waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// Longer than anything may take here.
const LONG: Duration = Duration::from_secs(20);

async fn connect(app: &TestApp, beginning: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.running.address).await.expect("a connection");
    stream.write_all(beginning.as_bytes()).await.expect("sent");
    stream
}

/// What comes until the service closes the connection.
async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // An end is an end: a service that has not read everything resets the connection.
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stays open after {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// This text again and again, with a pause before each time.
fn dripping(text: &'static str, pause: Duration) -> impl Stream<Item = std::io::Result<&'static str>> {
    stream::repeat(text).then(move |text| async move {
        tokio::time::sleep(pause).await;
        Ok(text)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let app = TestApp::start_where(|settings| settings.patience.head = PATIENCE).await;
    let begun = Instant::now();
    let mut stream = connect(&app, "GET /healthz HTTP/1.1\r\nHost: stoplist\r\n").await;
    let answer = to_the_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(begun.elapsed() >= PATIENCE, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app = TestApp::start_where(|settings| settings.patience.body = PATIENCE).await;
    let anonymous = app.anonymous();
    let request = anonymous.request(Method::POST, "/api/v1/sessions").header(CONTENT_TYPE, "application/json");
    let drops = dripping(" ", Duration::from_millis(20));
    let answer = anonymous.send(request.body(Body::wrap_stream(drops))).await.expect(408);
    assert_eq!(answer.json::<Problem>().kind, "/problems/too-slow");
    assert_eq!(answer.headers.get("connection"), Some(&HeaderValue::from_static("close")));

    let mut stream = connect(&app, &head("/api/v1/sessions", "Content-Length: 9", "{")).await;
    let answer = to_the_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer = drip(&app, "/api/v1/sessions").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// The beginning of a request with a JSON body.
fn head(path: &str, length: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: stoplist\r\nContent-Type: application/json\r\n{length}\r\n\r\n{body}")
}

/// Sends chunk after chunk, also when the answer is there; answers what came until the connection was closed.
async fn drip(app: &TestApp, path: &str) -> String {
    let stream = connect(app, &head(path, "Transfer-Encoding: chunked", "")).await;
    let (mut read, mut write) = stream.into_split();
    let drip = tokio::spawn(async move {
        while write.write_all(b"1\r\n \r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let answer = to_the_end(&mut read).await;
    drip.abort();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_somebody_who_is_not_signed_in_is_not_waited_for_where_a_token_is_needed() {
    let app = TestApp::start_without_jobs().await;
    let path = "/api/v1/server-configurations";
    let announced = to_the_end(&mut connect(&app, &head(path, "Content-Length: 8000000", "{")).await).await;
    for answer in [announced, drip(&app, path).await] {
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}

/// Begins an upload of so many bytes; answers its path.
async fn begin(place: &Workplace, size: usize) -> String {
    let client = &place.administrator;
    let request = client.request(Method::POST, &place.path("/uploads")).header("Tus-Resumable", "1.0.0");
    let made = client.send(request.header("Upload-Length", size)).await.expect(201);
    made.headers["location"].to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_only_drips_is_ended_and_what_came_stays() {
    let app = TestApp::start_where(|settings| settings.patience.upload = PATIENCE).await;
    let place = app.workplace().await;
    let client = &place.administrator;
    let append = |path: &str, offset: usize, body: Body| {
        let request = client.request(Method::PATCH, path).header("Tus-Resumable", "1.0.0");
        let request = request.header(CONTENT_TYPE, "application/offset+octet-stream").header("Upload-Offset", offset);
        client.send(request.body(body))
    };
    let path = begin(&place, 10_000).await;
    let drops = Body::wrap_stream(dripping("x", Duration::from_millis(20)));
    let answer = append(&path, 0, drops).await.expect(408);
    assert_eq!(answer.json::<Problem>().kind, "/problems/too-slow");
    let head = client.request(Method::HEAD, &path).header("Tus-Resumable", "1.0.0");
    let head = client.send(head).await.expect(200);
    let here: usize = head.headers["upload-offset"].to_str().expect("text").parse().expect("a number");
    assert!((1..500).contains(&here), "{here}");

    // Slow, but fast enough: the whole takes longer than nothing is waited for.
    const PART: &str = match std::str::from_utf8(&[b'x'; 1000]) {
        Ok(part) => part,
        Err(_) => "",
    };
    let begun = Instant::now();
    let path = begin(&place, 12 * PART.len()).await;
    let flow = Body::wrap_stream(dripping(PART, Duration::from_millis(60)).take(12));
    append(&path, 0, flow).await.expect(204);
    assert!(begun.elapsed() > PATIENCE);
}
