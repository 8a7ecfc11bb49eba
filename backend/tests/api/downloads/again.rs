//! A list that is downloaded and uploaded again, with what is on its way off it.

use super::*;
use shared::run_settings::RunSettings;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_off_the_list_stays_off() {
    let mut scene = Scene::new().await;
    // It holds the first list and never comes again.
    let (agent, _) = scene.place.mail_server(&scene.app, "late").await;
    scene.block(&["watched@example.com"]).await;
    acknowledge(&agent).await;
    let path = scene.place.path("/run-settings");
    let known: RunSettings = scene.admin().get(&path).await.expect(200).json();
    let settings = json!({ "execute_timing": known.execute_timing, "watch_period_days": 1,
        "conditions": known.conditions, "watch_warning": known.watch_warning,
        "success_resets_count": known.success_resets_count, "delivery_timing": "next_execution" });
    let request = scene.admin().request(Method::PUT, &path).header("If-Match", format!("\"{}\"", known.revision));
    scene.admin().send(request.json(&settings)).await.expect(200);
    scene.app.clock.set(start_of_test() + TimeDelta::days(2));
    scene.place.administrator = scene.app.sign_in("administrator@first.example").await;
    scene.block(&["kept@example.com", "released@example.com"]).await;
    scene.release(&["released@example.com".to_owned()], "").await;

    let columns = async |scene: &Scene| {
        let (_, mut rows) = scene.download("/blocked-addresses.csv?sort=address&direction=ascending").await;
        rows.drain(1..).map(|row| [row[0].clone(), row[3].clone(), row[6].clone()]).collect::<Vec<_>>()
    };
    let before = columns(&scene).await;
    let expected = [
        ["kept@example.com", "in_effect", ""],
        ["released@example.com", "releasing", "release"],
        ["watched@example.com", "releasing", "watch_period"],
    ];
    assert_eq!(before, expected);
    for path in ["/blocked-addresses.csv", "/blocked-addresses.csv?language=ja&bom=true"] {
        let file = scene.admin().get(&scene.place.path(path)).await.expect(200).body;
        let (counted, registered) = register(&scene, file).await;
        assert_eq!(counted, RecordCounts { total: 3, already_blocked: 3, ..RecordCounts::default() }, "{path}");
        let expected = ListOperationCounts { already_blocked: 1, ..ListOperationCounts::default() };
        assert_eq!(registered, expected, "{path}");
        assert_eq!(columns(&scene).await, before, "{path}");
    }
    // A file of one's own may have such a column: only both together are ours.
    let own = "メールアドレス,解除の理由\r\nown@example.com,退会\r\n";
    assert_eq!(register(&scene, own.into()).await.0.new, 1);
}
