//! Who waits for whom. On SQLite everybody who writes waits for everybody else.

use super::*;
use backend::store::statement;
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_and_a_change_of_its_mail_server_do_not_wait_for_each_other() {
    let scene = Scene::start_without_jobs().await;
    let (_, mail_server) = scene.place.mail_server(&scene.app, "mx1").await;
    let state = &scene.app.running.state;
    // As an acknowledgement has them: first the list, then the mail server.
    let acknowledging = state.db.begin().await.expect("a transaction");
    change_sets::lock(&acknowledging, scene.place.configuration).await.expect("an answer").expect("the lock");
    let (admin, path) = (scene.admin().clone(), scene.place.path(&format!("/mail-servers/{mail_server}")));
    let changing = tokio::spawn(async move {
        let request = admin.request(Method::PATCH, &path).header("If-Match", "\"1\"");
        admin.send(request.json(&json!({ "active": false }))).await
    });
    // Until it waits.
    sleep(Duration::from_millis(500)).await;
    let seen = "UPDATE mail_servers SET last_seen_at = 1 WHERE id = $1";
    let seen = statement(&acknowledging, seen, [mail_server.into()]);
    timeout(PATIENCE, acknowledging.execute_raw(seen)).await.expect("it does not wait").expect("an update");
    acknowledging.commit().await.expect("its end");
    changing.await.expect("no panic").expect(200);
}
