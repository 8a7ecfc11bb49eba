//! The tus protocol, as its clients speak it.

use super::*;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use shared::Page;
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_up_in_pieces_and_is_analysed() {
    let scene = Scene::start().await;
    let answer = scene.client().send(scene.client().request(Method::OPTIONS, &scene.place.path("/uploads"))).await;
    let answer = answer.expect(204);
    assert_eq!(answer.headers["tus-version"], "1.0.0");
    assert_eq!(answer.headers["tus-resumable"], "1.0.0");
    assert_eq!(answer.headers["tus-extension"], "creation,creation-with-upload,checksum,expiration,termination");
    assert_eq!(answer.headers["tus-checksum-algorithm"], "sha1,sha256");
    assert_eq!(number(&answer, "tus-max-size"), 1 << 30);

    let file = addresses(100_000);
    let metadata = [("filename", "宛先.csv"), ("filetype", "text/csv")];
    let answer = scene.create(file.len() as u64, &metadata).await.expect(201);
    assert_eq!(answer.headers["tus-resumable"], "1.0.0");
    // A day after the beginning of the test.
    assert_eq!(answer.headers["upload-expires"], "Wed, 25 Nov 2026 12:00:00 GMT");
    let path = location(&answer);
    assert_eq!(answer.json::<Upload>().state, UploadState::Uploading);
    assert_eq!(scene.offset(&path).await, 0);
    let mut sent = 0;
    for size in [1, PIECE - 1, PIECE, 1000, usize::MAX] {
        let end = sent + size.min(file.len() - sent);
        let answer = scene.append(&path, sent, &file.as_bytes()[sent..end]).await.expect(204);
        assert_eq!(number(&answer, "upload-offset"), end);
        sent = end;
    }
    let answer = scene.client().send(scene.tus(Method::HEAD, &path)).await.expect(200);
    assert_eq!(number(&answer, "upload-offset"), file.len());
    assert_eq!(number(&answer, "upload-length"), file.len());
    assert_eq!(answer.headers["upload-metadata"], header(&metadata).as_str());

    let upload = scene.analysed(&path).await;
    assert_eq!((upload.state, upload.progress, upload.file_name.as_str()), (UploadState::Ready, 1.0, "宛先.csv"));
    assert_eq!(upload.created_by, "administrator@first.example");
    let counts = upload.analysis.and_then(|analysis| analysis.counts).expect("counts");
    assert_eq!((counts.total, counts.new), (100_000, 100_000));
    let page: Page<Upload> = scene.client().get(&scene.place.path("/uploads")).await.expect(200).json();
    assert_eq!(page.items.iter().map(|upload| upload.id).collect::<Vec<_>>(), [upload.id]);
    assert!(page.items[0].analysis.as_ref().is_some_and(|analysis| analysis.preview.is_empty()));

    scene.client().send(scene.tus(Method::DELETE, &path)).await.expect(204);
    let gone = scene.client().send(scene.tus(Method::HEAD, &path)).await.status.as_u16();
    assert!(matches!(gone, 404 | 410), "{gone}");
    let page: Page<Upload> = scene.client().get(&scene.place.path("/uploads")).await.expect(200).json();
    assert!(page.items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_may_come_with_the_creation() {
    let scene = Scene::start().await;
    let file = addresses(10);
    let begin = |bytes: &str| {
        let request = scene.tus(Method::POST, &scene.place.path("/uploads")).header("Upload-Length", file.len());
        request.header("Content-Type", "application/offset+octet-stream").body(bytes.to_owned())
    };
    let answer = scene.client().send(begin(&file[..30])).await.expect(201);
    assert_eq!(number(&answer, "upload-offset"), 30);
    let path = location(&answer);
    scene.append(&path, 30, &file.as_bytes()[30..]).await.expect(204);
    assert_eq!(scene.analysed(&path).await.state, UploadState::Ready);
    let answer = scene.client().send(begin(&file)).await.expect(201);
    assert_eq!(scene.analysed(&location(&answer)).await.state, UploadState::Ready);
    // What is refused leaves nothing: nobody knows where it would be.
    scene.client().send(begin(&format!("{file}x"))).await.expect(413);
    let sum = format!("sha1 {}", STANDARD.encode(Sha1::digest(b"another")));
    scene.client().send(begin(&file[..30]).header("Upload-Checksum", sum)).await.expect(460);
    let page: Page<Upload> = scene.client().get(&scene.place.path("/uploads")).await.expect(200).json();
    assert_eq!(page.items.len(), 2, "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_break_the_protocol_are_told() {
    let scene = Scene::start_without_jobs().await;
    let uploads = scene.place.path("/uploads");
    let post = |version: Option<&str>, headers: &[(&str, &str)]| {
        let mut request = scene.client().request(Method::POST, &uploads);
        if let Some(version) = version {
            request = request.header("Tus-Resumable", version);
        }
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    for version in [None, Some("0.2.2")] {
        let answer = scene.client().send(post(version, &[("Upload-Length", "5")])).await.expect(412);
        assert_eq!((&answer.headers["tus-version"], &answer.headers["tus-resumable"]).0, "1.0.0");
    }
    let refused = |headers: &'static [(&str, &str)]| scene.client().send(post(Some("1.0.0"), headers));
    refused(&[]).await.expect_problem(422, "Upload-Length");
    refused(&[("Upload-Length", "-1")]).await.expect_problem(422, "Upload-Length");
    refused(&[("Upload-Defer-Length", "1")]).await.expect_problem(422, "Upload-Defer-Length");
    refused(&[("Upload-Length", "5"), ("Upload-Metadata", "filename ***")])
        .await
        .expect_problem(422, "Upload-Metadata");
    refused(&[("Upload-Length", "5"), ("Content-Type", "text/csv")]).await.expect(415);

    let path = scene.begin(10, &[]).await;
    let send = |request: RequestBuilder| scene.client().send(request);
    let request = scene.tus(Method::PATCH, &path).header("Upload-Offset", 0).header("Content-Type", "text/plain");
    send(request.body("x")).await.expect(415);
    send(scene.client().request(Method::PATCH, &path).body("x")).await.expect(412);
    send(scene.client().request(Method::HEAD, &path)).await.expect(412);
    send(scene.client().request(Method::DELETE, &path).header("Tus-Resumable", "2.0.0")).await.expect(412);
    let request = scene.tus(Method::PATCH, &path).header("Content-Type", "application/offset+octet-stream");
    send(request.body("x")).await.expect_problem(422, "Upload-Offset");
    send(scene.patch(&path, 0).header("Upload-Checksum", "md5 AAAA").body("x")).await.expect(400);
    assert_eq!(scene.offset(&path).await, 0);
    let other = scene.place.path(&format!("/uploads/{}", uuid::Uuid::nil()));
    send(scene.patch(&other, 0).body("x")).await.expect(404);
    for method in [Method::PATCH, Method::HEAD, Method::DELETE] {
        send(scene.client().request(method, &other).header("Tus-Resumable", "2.0.0")).await.expect(412);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_out_of_order_twice_or_too_many_change_nothing() {
    let scene = Scene::start().await;
    let file = addresses(5);
    let path = scene.begin(file.len(), &[]).await;
    scene.append(&path, 10, &file.as_bytes()[10..]).await.expect(409);
    scene.append(&path, 0, &file.as_bytes()[..10]).await.expect(204);
    scene.append(&path, 0, &file.as_bytes()[..10]).await.expect(409);
    scene.append(&path, 10, format!("{}x", &file[10..]).as_bytes()).await.expect(413);
    // Without a length that is known before.
    let parts = futures::stream::iter([Ok::<_, std::io::Error>(file[10..].to_owned()), Ok("x".to_owned())]);
    let request = scene.patch(&path, 10).body(reqwest::Body::wrap_stream(parts));
    scene.client().send(request).await.expect(413);
    assert_eq!(scene.offset(&path).await, 10);
    scene.append(&path, 10, &file.as_bytes()[10..]).await.expect(204);
    scene.append(&path, file.len(), b"x").await.expect(409);
    // As tuspy does after it missed the answer to the last bytes.
    let answer = scene.append(&path, file.len(), b"").await.expect(204);
    assert_eq!(number(&answer, "upload-offset"), file.len());
    let counts = scene.analysed(&path).await.analysis.and_then(|analysis| analysis.counts);
    assert_eq!(counts.map(|counts| counts.new), Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_with_a_checksum_count_only_when_it_is_right() {
    let scene = Scene::start().await;
    let file = addresses(60_000);
    assert!(file.len() > 2 * PIECE);
    let (first, rest) = file.as_bytes().split_at(100);
    let path = scene.begin(file.len(), &[]).await;
    let send = |offset: usize, bytes: &[u8], name: &str, sum: &[u8]| {
        let sum = format!("{name} {}", STANDARD.encode(sum));
        scene.client().send(scene.patch(&path, offset).header("Upload-Checksum", sum).body(bytes.to_vec()))
    };
    send(0, first, "sha1", &Sha1::digest(rest)).await.expect(460);
    assert_eq!(scene.offset(&path).await, 0);
    send(0, first, "sha1", &Sha1::digest(first)).await.expect(204);
    send(100, rest, "sha256", &Sha1::digest(rest)).await.expect(460);
    assert_eq!(scene.offset(&path).await, 100, "nothing was kept, though it was in the database");
    assert!(scene.app.unused_pages().await < 50, "the room is given back");
    send(100, rest, "sha256", &Sha256::digest(rest)).await.expect(204);
    let counts = scene.analysed(&path).await.analysis.and_then(|analysis| analysis.counts);
    assert_eq!(counts.map(|counts| counts.new), Some(60_000));
}

/// A request whose body the test sends bit by bit.
fn slow(request: RequestBuilder) -> (tokio::sync::mpsc::Sender<Vec<u8>>, RequestBuilder) {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
    let parts = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|part| (Ok::<_, std::io::Error>(part), receiver))
    });
    (sender, request.body(reqwest::Body::wrap_stream(parts)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newer_of_two_tabs_wins() {
    let scene = Scene::start().await;
    let file = addresses(100_000);
    let bytes = file.as_bytes();
    let path = scene.begin(bytes.len(), &[]).await;
    let (old, request) = slow(scene.patch(&path, 0));
    let client = scene.client().clone();
    let answer = tokio::spawn(async move { client.send(request).await });
    old.send(bytes[..PIECE + 1000].to_vec()).await.expect("the request is open");
    let begun = tokio::time::Instant::now();
    while scene.offset(&path).await < PIECE {
        assert!(begun.elapsed() < PATIENCE, "the first piece counts while the request goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    scene.append(&path, PIECE, &bytes[PIECE..PIECE + 10]).await.expect(204);
    // The old one goes on, with other bytes that must not count.
    old.send(vec![b'x'; PIECE]).await.expect("the request is open");
    drop(old);
    answer.await.expect("an answer").expect(409);
    scene.append(&path, PIECE + 10, &bytes[PIECE + 10..]).await.expect(204);
    let counts = scene.analysed(&path).await.analysis.and_then(|analysis| analysis.counts);
    assert_eq!(counts.map(|counts| (counts.new, counts.invalid)), Some((100_000, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_request_takes_over_from_one_that_waits_for_its_checksum() {
    let scene = Scene::start().await;
    let file = addresses(100_000);
    let bytes = file.as_bytes();
    let path = scene.begin(bytes.len(), &[]).await;
    let sum = format!("sha1 {}", STANDARD.encode(Sha1::digest(b"never")));
    let (old, request) = slow(scene.patch(&path, 0).header("Upload-Checksum", sum));
    let client = scene.client().clone();
    let answer = tokio::spawn(async move { client.send(request).await });
    old.send(vec![b'x'; PIECE + 1000]).await.expect("the request is open");
    old.send(vec![b'x'; 1000]).await.expect("the request is open");
    until_rows(&scene, "upload_pieces", true).await;
    assert_eq!(scene.offset(&path).await, 0, "its piece is there and does not count");
    scene.append(&path, 0, &bytes[..PIECE * 2]).await.expect(204);
    drop(old);
    let status = answer.await.expect("an answer").status.as_u16();
    assert!(matches!(status, 409 | 460), "{status}");
    scene.append(&path, PIECE * 2, &bytes[PIECE * 2..]).await.expect(204);
    let counts = scene.analysed(&path).await.analysis.and_then(|analysis| analysis.counts);
    assert_eq!(counts.map(|counts| (counts.new, counts.invalid)), Some((100_000, 0)));
}

/// Sends a request as far as the first 500 bytes of the file.
async fn begin_to_send(scene: &Scene, what: &str, header: &str, file: &str) -> TcpStream {
    let request = scene.patch("/", 0).build().expect("a request");
    let token = request.headers()["authorization"].to_str().expect("text").to_owned();
    let mut connection = TcpStream::connect(scene.app.running.address).await.expect("a connection");
    let head = format!(
        "{what} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nTus-Resumable: 1.0.0\r\n\
         {header}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {}\r\n\r\n",
        file.len()
    );
    connection.write_all(head.as_bytes()).await.expect("sent");
    connection.write_all(&file.as_bytes()[..500]).await.expect("sent");
    connection.flush().await.expect("sent");
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_breaks_off_leaves_nothing() {
    let scene = Scene::start().await;
    let file = addresses(100);
    let uploads = scene.place.path("/uploads");
    let header = format!("Upload-Length: {}", file.len());
    let connection = begin_to_send(&scene, &format!("POST {uploads}"), &header, &file).await;
    let becomes = async |count: usize| {
        let begun = tokio::time::Instant::now();
        loop {
            let page: Page<Upload> = scene.client().get(&uploads).await.expect(200).json();
            if page.items.len() == count {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{page:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    becomes(1).await;
    drop(connection);
    // Nobody was told where it is.
    becomes(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_connection_broke_stays() {
    let scene = Scene::start().await;
    let file = addresses(100);
    let path = scene.begin(file.len(), &[]).await;
    drop(begin_to_send(&scene, &format!("PATCH {path}"), "Upload-Offset: 0", &file).await);
    let begun = tokio::time::Instant::now();
    while scene.offset(&path).await != 500 {
        assert!(begun.elapsed() < PATIENCE, "500 bytes came, {} count", scene.offset(&path).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let scene = Scene { app: scene.app.restart().await, ..scene };
    let administrator = scene.app.sign_in("administrator@first.example").await;
    let scene = Scene { place: Workplace { administrator, ..scene.place }, ..scene };
    assert_eq!(scene.offset(&path).await, 500);
    scene.append(&path, 500, &file.as_bytes()[500..]).await.expect(204);
    assert_eq!(scene.analysed(&path).await.state, UploadState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_behind_a_proxy_may_post_what_it_patches() {
    let scene = Scene::start().await;
    let file = addresses(3);
    let path = scene.begin(file.len(), &[]).await;
    let request = scene.tus(Method::POST, &path).header("X-HTTP-Method-Override", "PATCH").header("Upload-Offset", 0);
    let request = request.header("Content-Type", "application/offset+octet-stream").body(file);
    // Not by the client that knows the contract: it does not know the method that is meant.
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 204);
    assert_eq!(scene.analysed(&path).await.state, UploadState::Ready);
}
