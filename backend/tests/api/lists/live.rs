//! Server-sent events.

use super::*;
use futures::StreamExt;

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
