//! Runs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_blocks_from_its_frequency_on() {
    let scene = Scene::start().await;
    for (reason, frequency) in [
        ("unknown_host", 1),
        ("unknown_user", 1),
        ("resend_timeout", 3),
        ("reception_rejected", 10),
        ("address_format", 1),
    ] {
        scene.errors(&format!("{reason}@enough.example"), reason, frequency).await;
        if frequency > 1 {
            scene.errors(&format!("{reason}@almost.example"), reason, frequency - 1).await;
        }
    }
    scene.errors("other@never.example", "other", 50).await;
    scene.errors("blocked_address@never.example", "blocked_address", 50).await;
    let (run, _) = scene.run_now().await;
    assert_eq!(run.blocked.iter().map(|count| count.count).sum::<i64>(), 5);
    let expected = ["address_format", "reception_rejected", "resend_timeout", "unknown_host", "unknown_user"]
        .map(|r| format!("{r}@enough.example"));
    assert_eq!(scene.blocked("in_effect").await, expected);
    scene.errors("resend_timeout@almost.example", "resend_timeout", 1).await;
    let (run, _) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "resend_timeout", "count": 1 }]));
}
