//! What the Standard plan leaves to do; which operations it includes is a column of `permissions.txt`.

use crate::support::{
    PASSWORD, TestApp, Workplace,
    client::{Client, Response},
};
use serde_json::{Value, json};
use shared::{
    Page, Problem,
    delivery_event::DeliveryEvent,
    list::{BlockedAddress, ReleaseResult, ReleaseStatus},
    run_settings::RunSettings,
};

/// An account with one server configuration and a mail server, and its administrator and agent.
async fn account(app: &TestApp, provider: &Client, plan: &str) -> (Workplace, Client) {
    let email = format!("administrator@{plan}.example");
    let body = json!({ "name": plan, "plan": plan, "administrator_email": email, "administrator_password": PASSWORD });
    provider.post("/api/v1/provider/accounts", &body).await.expect(201);
    let administrator = app.sign_in(&email).await;
    let configuration = administrator.create_configuration("Main").await;
    let place = Workplace { provider: provider.clone(), administrator, configuration };
    let (agent, _) = place.mail_server(app, "one").await;
    (place, agent)
}

fn said(answer: &Response) -> Problem {
    Problem { request_id: None, ..answer.json() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_account_releases_one_address_by_name_and_hears_one_of_three_answers() {
    let app = TestApp::start_without_jobs().await;
    let provider = app.provider().await;
    let (place, agent) = account(&app, &provider, "standard").await;
    let events: Vec<_> = ["taro@example.com", "hanako@example.com"]
        .map(|address| {
            json!({ "id": address, "address": address, "outcome": "error", "reason": "unknown_user",
                "occurred_at": app.clock.now() })
        })
        .into();
    agent.post(&place.path("/delivery-events"), &events).await.expect(200);
    // Blocking is on, with the default conditions.
    let run: Value = place.administrator.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    let run = run["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    backend::service::runs::perform(&app.running.state, run).await.expect("a run");
    let settings: RunSettings = place.administrator.get(&place.path("/run-settings")).await.expect(200).json();
    assert_eq!(settings.conditions, shared::run_settings::default_conditions());

    let log: Page<DeliveryEvent> =
        place.administrator.get(&place.path("/delivery-events?outcome=error&q=taro")).await.expect(200).json();
    assert_eq!(log.items.len(), 1);
    let release = async |address: &str| {
        let answer = place.administrator.post(&place.path("/releases"), &json!({ "addresses": [address] })).await;
        let items = answer.expect(200).json::<ReleaseResult>().items;
        assert_eq!(items.len(), 1);
        items[0].status
    };
    assert_eq!(release("Taro@Example.com").await, ReleaseStatus::Released);
    assert_eq!(release("taro@example.com").await, ReleaseStatus::NotBlocked);
    assert_eq!(release("nobody@example.com").await, ReleaseStatus::NotBlocked);
    assert_eq!(release("taro").await, ReleaseStatus::NotValid);

    let two = json!({ "addresses": ["hanako@example.com", "taro@example.com"] });
    let refused = place.administrator.post(&place.path("/releases"), &two).await.expect(403);
    assert_eq!(said(&refused).kind, "/problems/not-in-plan");
    // Nothing was released: it is blocked still.
    assert_eq!(release("hanako@example.com").await, ReleaseStatus::Released);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_holds_for_scripts_links_and_a_provider_inside_and_not_for_others() {
    let app = TestApp::start_without_jobs().await;
    let provider = app.provider().await;
    let (standard, agent) = account(&app, &provider, "standard").await;
    let (professional, _) = account(&app, &provider, "professional").await;
    let lists = standard.path("/blocked-addresses");
    let refused = said(&standard.administrator.get(&lists).await.expect(403));
    assert_eq!(refused.kind, "/problems/not-in-plan");

    let token = json!({ "name": "script", "scopes": ["read", "lists", "manage"] });
    let token: Value = standard.administrator.post("/api/v1/tokens", &token).await.expect(201).json();
    let script = app.client(token["secret"].as_str().map(str::to_owned));
    assert_eq!(said(&script.get(&lists).await.expect(403)), refused);
    let link = json!({ "list": "exemptions" });
    let answer = standard.administrator.post(&standard.path("/download-links"), &link).await.expect(403);
    assert_eq!(said(&answer).kind, "/problems/not-in-plan");
    // The role is looked at first, and what is of another account is not there, whatever its plan.
    assert_eq!(said(&agent.get(&lists).await.expect(403)).kind, "/problems/forbidden");
    professional.administrator.get(&lists).await.expect(404);
    standard.administrator.get(&professional.path("/blocked-addresses")).await.expect(404);
    let page: Page<BlockedAddress> =
        professional.administrator.get(&professional.path("/blocked-addresses")).await.expect(200).json();
    assert_eq!(page.items, []);
    // Agents hold the list, whatever the plan.
    for path in ["/api/v1/agent", "/api/v1/agent/list"] {
        agent.get(path).await.expect(200);
    }

    let account: Value = standard.administrator.get("/api/v1/me").await.expect(200).json();
    let enter = format!("/api/v1/provider/accounts/{}/enter", account["account_id"].as_str().expect("an id"));
    let inside: Value = provider.post(&enter, &json!({})).await.expect(200).json();
    let inside = app.client(inside["access_token"].as_str().map(str::to_owned));
    assert_eq!(said(&inside.get(&lists).await.expect(403)), refused);
}
