//! Server-sent events.

use super::*;
use chrono::TimeDelta;
use futures::StreamExt;
use shared::account::Account;

/// Opens the stream and reads until it ends.
async fn listen_to_the_end(scene: &Scene, client: &Client) -> impl Future<Output = ()> + use<> {
    let request = client.request(Method::GET, &scene.place.path("/live"));
    let answer = request.send().await.expect("an answer").error_for_status().expect("a stream");
    let mut pieces = answer.bytes_stream();
    pieces.next().await.expect("a first piece").expect("bytes");
    async move {
        let rest = async { while pieces.next().await.is_some() {} };
        assert!(tokio::time::timeout(PATIENCE, rest).await.is_ok(), "the stream goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_ends_with_the_access_token_and_a_fresh_one_opens_it_again() {
    let scene = Scene::start().await;
    let person = scene.app.sign_in("administrator@first.example").await;
    let ended = listen_to_the_end(&scene, &person).await;
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::minutes(15));
    ended.await;
    person.get(&scene.place.path("/live")).await.expect(401);
    let person = scene.app.sign_in("administrator@first.example").await;
    drop(listen_to_the_end(&scene, &person).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_ends_soon_after_a_sign_out_and_after_a_token_is_revoked() {
    let scene = Scene::start().await;
    let (leaving, staying) = tokio::join!(
        scene.app.sign_in("administrator@first.example"),
        scene.app.sign_in("administrator@first.example")
    );
    let by_session = listen_to_the_end(&scene, &leaving).await;
    let by_token = listen_to_the_end(&scene, scene.admin()).await;
    let unaffected = listen_to_the_end(&scene, &staying).await;
    leaving.delete("/api/v1/sessions/current").await.expect(204);
    by_session.await;
    let tokens: Vec<shared::session::ApiToken> = staying.items("/api/v1/tokens").await;
    staying.delete(&format!("/api/v1/tokens/{}", tokens[0].id)).await.expect(204);
    by_token.await;
    let unaffected = tokio::time::timeout(Duration::from_millis(100), unaffected).await;
    assert!(unaffected.is_err(), "the other session's stream goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_the_run_and_its_distribution() {
    let scene = Scene::start().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let request = scene.admin().request(Method::GET, &scene.place.path("/live"));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut pieces = answer.bytes_stream();
    let first = pieces.next().await.expect("a first piece").expect("bytes");
    assert!(first.starts_with(b":"), "a comment at once");
    scene.run_now().await;
    let mut heard = String::new();
    let wanted = [
        "event: run\n",
        "\"state\":\"done\"",
        "event: distribution\n",
        "\"state\":\"published\"",
        "event: list_changed\n",
    ];
    let all = async {
        while let Some(piece) = pieces.next().await {
            heard.push_str(std::str::from_utf8(&piece.expect("bytes")).expect("UTF-8"));
            if wanted.iter().all(|wanted| heard.contains(wanted)) {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, all).await.is_ok(), "{heard}");
    assert!(wanted.iter().all(|wanted| heard.contains(wanted)), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_of_events_and_of_every_change_of_its_account() {
    let scene = Scene::start().await;
    let person = scene.app.sign_in("administrator@first.example").await;
    let mut pieces = {
        let request = scene.admin().request(Method::GET, &scene.place.path("/live"));
        request.send().await.expect("an answer").error_for_status().expect("a stream").bytes_stream()
    };
    let mut hear = async |wanted: &str, act: &str| {
        let mut heard = String::new();
        let all = async {
            while !heard.contains(wanted) {
                let piece = pieces.next().await.expect("the stream goes on").expect("bytes");
                heard.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
            }
        };
        assert!(tokio::time::timeout(PATIENCE, all).await.is_ok(), "{act}: {heard}");
    };
    scene.errors("dead@example.com", "unknown_user", 1).await;
    hear("event: delivery_events_reported\ndata: {\"type\":\"delivery_events_reported\"}\n\n", "errors").await;
    let invitation = json!({ "email": "new@first.example", "role": "viewer" });
    person.post("/api/v1/invitations", &invitation).await.expect(201);
    hear("event: account_changed\ndata: {\"type\":\"account_changed\"}\n\n", "an invitation").await;
    let token = json!({ "name": "reports", "scopes": ["read"] });
    person.post("/api/v1/tokens", &token).await.expect(201);
    hear("event: account_changed\n", "a token").await;
    drop(scene.app.sign_in("administrator@first.example").await);
    hear("event: account_changed\n", "a session").await;
    let other = json!({ "name": "Another", "time_zone": "UTC" });
    person.post("/api/v1/server-configurations", &other).await.expect(201);
    hear("event: account_changed\n", "a server configuration").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_a_registration_and_its_upload() {
    let scene = Scene::start().await;
    let upload = sums::upload(&scene, &operations::addresses(0..20, "one.example")).await;
    let request = scene.admin().request(Method::GET, &scene.place.path("/live"));
    let mut pieces = request.send().await.expect("an answer").bytes_stream();
    pieces.next().await.expect("a first piece").expect("bytes");
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    scene.admin().post(&path, &json!({ "delivery_timing": "next_execution" })).await.expect(202);
    let mut heard = String::new();
    let wanted = ["event: list_operation\n", "\"kind\":\"register_upload\"", "\"state\":\"done\"", "event: upload\n"];
    let all = async {
        while !wanted.iter().all(|wanted| heard.contains(wanted)) {
            let piece = pieces.next().await.expect("a piece").expect("bytes");
            heard.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
        }
    };
    assert!(tokio::time::timeout(PATIENCE, all).await.is_ok(), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_nothing_that_the_plan_leaves_out() {
    let scene = Scene::start_without_jobs().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    scene.run_by_hand().await;
    let request = scene.admin().request(Method::GET, &scene.place.path("/live"));
    let mut pieces = request.send().await.expect("an answer").error_for_status().expect("a stream").bytes_stream();
    let path = scene.place.path("/bulk-releases");
    let release = json!({ "filter": { "domain": "example.com" } });
    let operation: Value = scene.admin().post(&path, &release).await.expect(202).json();
    let mut heard = String::new();
    let mut hear = async |wanted: &str| {
        let all = async {
            while !heard.contains(wanted) {
                let piece = pieces.next().await.expect("the stream goes on").expect("bytes");
                heard.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
            }
        };
        assert!(tokio::time::timeout(PATIENCE, all).await.is_ok(), "{heard}");
        std::mem::take(&mut heard)
    };
    hear("event: list_operation\n").await;
    let accounts: Page<Account> = scene.place.provider.get("/api/v1/provider/accounts").await.expect(200).json();
    let path = format!("/api/v1/provider/accounts/{}", accounts.items[0].id);
    let request = scene.place.provider.request(Method::PATCH, &path).json(&json!({ "plan": "standard" }));
    scene.place.provider.send(request.header("If-Match", "\"1\"")).await.expect(200);
    let id = operation["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    backend::service::list_operations::perform(&scene.app.running.state, id).await.expect("a release");
    scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202);
    let after = hear("event: run\n").await;
    assert!(after.contains("event: list_changed\n") && !after.contains("event: list_operation\n"), "{after}");
}
