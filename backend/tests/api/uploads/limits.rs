//! How much may be uploaded, by whom, and for how long it is kept.

use super::*;
use crate::people;
use backend::service::{list_operations, uploads};
use chrono::TimeDelta;
use futures::{Stream, StreamExt, future::join_all, stream};
use serde_json::json;
use shared::{account::Account, session::ApiTokenSecret};
use tokio::sync::oneshot;

/// Removes what is over, and waits until nothing is left of it.
async fn expire(scene: &Scene) {
    uploads::expire(&scene.app.running.state).await.expect("expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_larger_than_the_account_may_upload_is_refused_at_once() {
    let scene = Scene::start_without_jobs().await;
    let answer = scene.create(5 * 1024 * 1024 * 1024, &[]).await.expect(413);
    let problem: shared::Problem = answer.json();
    assert!(problem.detail.contains("1073741824"), "{}", problem.detail);
    scene.create(u64::MAX, &[]).await.expect(413);
    scene.create(1 << 30, &[]).await.expect(201);
}

async fn limit(scene: &Scene, bytes: u64) {
    let page: shared::Page<Account> = scene.place.provider.get("/api/v1/provider/accounts").await.expect(200).json();
    let path = format!("/api/v1/provider/accounts/{}", page.items[0].id);
    let request = scene.place.provider.request(Method::PATCH, &path).header("If-Match", "\"1\"");
    scene.place.provider.send(request.json(&json!({ "upload_max_bytes": bytes }))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_5_gb_is_taken_in_when_the_limit_allows_it_and_leaves_nothing() {
    const SIZE: usize = 5_000_000_000;
    let scene = Scene::start().await;
    limit(&scene, SIZE as u64).await;
    let path = scene.begin(SIZE, &[]).await;
    // No column of the database, and no number on the way, is too small for it.
    let answer = scene.client().send(scene.tus(Method::HEAD, &path)).await.expect(200);
    assert_eq!((number(&answer, "upload-length"), number(&answer, "upload-offset")), (SIZE, 0));
    scene.append(&path, 0, &vec![b'x'; 3 * PIECE + 1]).await.expect(204);
    let upload = scene.show(&path).await;
    assert_eq!((upload.size, upload.received), (SIZE as i64, 3 * PIECE as i64 + 1));
    scene.append(&path, SIZE - 1, b"x").await.expect(409);
    scene.client().delete(&path).await.expect(204);
    nothing_is_left(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_changes_the_limit() {
    let scene = Scene::start_without_jobs().await;
    limit(&scene, 1000).await;
    scene.create(1001, &[]).await.expect(413);
    scene.create(1000, &[]).await.expect(201);
    let answer = scene.client().send(scene.client().request(Method::OPTIONS, &scene.place.path("/uploads"))).await;
    assert_eq!(number(&answer.expect(204), "tus-max-size"), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_uploads_wait() {
    let scene = Scene::start_without_jobs().await;
    let mut paths = Vec::new();
    for _ in 0..19 {
        paths.push(scene.begin(10, &[]).await);
    }
    let answers = join_all((0..8).map(|_| scene.create(10, &[]))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409], "also of those that come at once");
    scene.client().delete(&paths[0]).await.expect(204);
    scene.create(10, &[]).await.expect(201);
}

/// A kilobyte after each pause, for ever.
fn flow() -> impl Stream<Item = std::io::Result<Vec<u8>>> {
    stream::repeat(()).then(|()| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(vec![b'x'; 1000])
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_soon_after_the_right_to_it_but_not_with_an_access_token() {
    let scene = Scene::start_without_jobs().await;
    let body = json!({ "name": "test", "scopes": ["read", "lists"] });
    let made: ApiTokenSecret = scene.client().post("/api/v1/tokens", &body).await.expect(201).json();
    let script = scene.app.client(Some(made.secret));
    let leaving = scene.app.member(scene.client(), "leaving@first.example", "operator").await;
    let staying = scene.app.member(scene.client(), "staying@first.example", "operator").await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(scene.begin(1 << 30, &[]).await);
    }
    let send = async |client: &Client, path: &str, body: reqwest::Body| {
        let request = client.request(Method::PATCH, path).header("Tus-Resumable", "1.0.0").header("Upload-Offset", 0);
        let request = request.header("Content-Type", "application/offset+octet-stream").body(body);
        let answer = tokio::time::timeout(PATIENCE, client.send(request)).await.expect("an answer");
        answer.status.as_u16()
    };
    let (end, ended) = oneshot::channel::<()>();
    let flow_on = || reqwest::Body::wrap_stream(flow());
    let until_ended = reqwest::Body::wrap_stream(flow().take_until(ended));
    let end_rights = async {
        let connection = scene.app.running.state.db.connection();
        let open = "SELECT COUNT(*) AS n FROM uploads WHERE writer IS NOT NULL";
        let count = async || {
            let row = connection.query_one_raw(statement(connection, open, [])).await.expect("an answer");
            row.expect("a row").try_get::<i64>("", "n").expect("a number")
        };
        let begun = tokio::time::Instant::now();
        while count().await < 3 {
            assert!(begun.elapsed() < PATIENCE, "not all of them send");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        scene.client().delete(&format!("/api/v1/tokens/{}", made.token.id)).await.expect(204);
        let user = people::user(scene.client(), "leaving@first.example").await;
        people::change(scene.client(), &user, json!({ "active": false })).await.expect(200);
        scene.app.clock.set(scene.app.clock.now() + TimeDelta::minutes(16));
        // Longer than until the next look.
        tokio::time::sleep(Duration::from_secs(4)).await;
        end.send(()).expect("the body is open");
    };
    let (revoked, deactivated, expired, ()) = tokio::join!(
        send(&script, &paths[0], flow_on()),
        send(&leaving, &paths[1], flow_on()),
        send(&staying, &paths[2], until_ended),
        end_rights
    );
    assert_eq!((revoked, deactivated, expired), (401, 401, 204));
    let administrator = scene.app.sign_in("administrator@first.example").await;
    for path in paths {
        let upload: Upload = administrator.get(&path).await.expect(200).json();
        assert!(upload.received > 0, "what came stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_end_when_nothing_happens_to_them() {
    let scene = Scene::start().await;
    // A session would end before the uploads do.
    let body = json!({ "name": "test", "scopes": ["read", "lists"] });
    let secret = scene.client().post("/api/v1/tokens", &body).await.expect(201).json::<ApiTokenSecret>().secret;
    let administrator = scene.app.client(Some(secret));
    let scene = Scene { place: Workplace { administrator, ..scene.place }, app: scene.app };
    let unfinished = scene.begin(1000, &[]).await;
    let going_on = scene.begin(1000, &[]).await;
    let analysed = scene.send(addresses(10).as_bytes(), &[]).await;
    scene.analysed(&analysed).await;
    let begun = scene.app.clock.now();
    scene.app.clock.set(begun + TimeDelta::hours(23));
    scene.append(&going_on, 0, b"0123456789").await.expect(204);
    scene.app.clock.set(begun + TimeDelta::hours(24));
    expire(&scene).await;
    let status = scene.client().get(&unfinished).await.status.as_u16();
    assert!(matches!(status, 404 | 410), "{status}");
    assert_eq!(scene.offset(&going_on).await, 10);
    scene.app.clock.set(begun + TimeDelta::days(7) - TimeDelta::seconds(1));
    expire(&scene).await;
    scene.client().get(&analysed).await.expect(200);
    scene.app.clock.set(begun + TimeDelta::days(7));
    expire(&scene).await;
    let begun = tokio::time::Instant::now();
    while scene.client().get(&analysed).await.status != 404 {
        assert!(begun.elapsed() < PATIENCE, "nothing is left of it in the end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_upload_is_gone_and_its_work_ends() {
    let scene = Scene::start_without_jobs().await;
    let path = scene.send(addresses(10).as_bytes(), &[]).await;
    let id = scene.show(&path).await.id;
    scene.client().delete(&path).await.expect(204);
    scene.client().get(&path).await.expect(410);
    scene.client().delete(&path).await.expect(410);
    scene.append(&path, 0, b"x").await.expect(410);
    scene.client().send(scene.tus(Method::HEAD, &path)).await.expect(410);
    let state = &scene.app.running.state;
    uploads::perform(state, id).await.expect("taken away");
    scene.client().get(&path).await.expect(404);
    uploads::perform(state, id).await.expect("twice does no harm");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_registered_file_that_stayed_behind_are_found() {
    let scene = Scene::start_without_jobs().await;
    let path = scene.send(addresses(10).as_bytes(), &[]).await;
    let id = scene.show(&path).await.id;
    let (state, now) = (&scene.app.running.state, scene.app.clock.now());
    let waiting = async || {
        let later = now + TimeDelta::minutes(1);
        backend::store::uploads::waiting(state.db.connection(), later).await.expect("a list").contains(&id)
    };
    uploads::perform(state, id).await.expect("analysed");
    assert!(!waiting().await);
    let body = json!({ "delivery_timing": "next_execution" });
    let queued = scene.client().post(&format!("{path}/registration"), &body).await.expect(202);
    let operation = queued.json::<shared::list_operation::ListOperation>().id;
    list_operations::perform(state, operation).await.expect("registered");
    // The job that was to remove them failed, or was lost.
    assert!(waiting().await);
    uploads::perform(state, id).await.expect("removed");
    until_rows(&scene, "upload_pieces", false).await;
    assert!(!waiting().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_of_the_account_upload() {
    let scene = Scene::start_without_jobs().await;
    let path = scene.begin(10, &[]).await;
    let body = json!({ "name": "test", "scopes": ["read"] });
    let secret = scene.client().post("/api/v1/tokens", &body).await.expect(201).json::<ApiTokenSecret>().secret;
    let reader = scene.app.client(Some(secret));
    let with = |client: &Client, method: Method, path: &str| {
        client.request(method, path).header("Tus-Resumable", "1.0.0").header("Upload-Length", 10)
    };
    reader.get(&path).await.expect(200);
    reader.send(with(&reader, Method::HEAD, &path)).await.expect(200);
    reader.send(with(&reader, Method::POST, &scene.place.path("/uploads"))).await.expect(403);
    reader.send(with(&reader, Method::DELETE, &path)).await.expect(403);
    let stranger = scene.app.administrator(&scene.place.provider, "second").await;
    stranger.get(&path).await.expect(404);
    stranger.send(with(&stranger, Method::HEAD, &path)).await.expect(404);
    stranger.send(with(&stranger, Method::POST, &scene.place.path("/uploads"))).await.expect(404);
    let anonymous = scene.app.anonymous();
    anonymous.send(with(&anonymous, Method::POST, &scene.place.path("/uploads"))).await.expect(401);
    // Known in the account, but of another configuration.
    let other = scene.client().create_configuration("Other").await;
    let moved = path.replace(&scene.place.configuration.to_string(), &other.to_string());
    scene.client().get(&moved).await.expect(404);
}
