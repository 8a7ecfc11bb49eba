//! What the Standard plan includes, operation by operation of the OpenAPI document.

use super::{Operation, Schemas, operations};
use crate::support::{
    PASSWORD, TestApp, Workplace,
    client::{Client, Response},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    Page, Problem,
    delivery_event::DeliveryEvent,
    list::{BlockedAddress, ReleaseResult, ReleaseStatus},
    run_settings::RunSettings,
};
use std::collections::BTreeMap;

/// What the Standard plan leaves out: 403, whoever asks.
const EXCLUDED: &[&str] = &[
    "add_blocked_addresses",
    "append_to_upload",
    "cancel_list_operation",
    "create_upload",
    "delete_exemption",
    "delete_upload",
    "describe_uploads",
    "download_blocked_addresses",
    "download_exemptions",
    "list_blocked_addresses",
    "list_exemptions",
    "list_invalid_rows",
    "list_list_operations",
    "list_uploads",
    "preview_watch_period",
    "read_upload_again",
    "register_upload",
    "release_in_bulk",
    "replace_run_settings",
    "show_list_operation",
    "show_upload",
    "show_upload_offset",
    "undo_list_operation",
];

/// What every plan has within a server configuration.
const INCLUDED: &[&str] = &[
    // That of what the link leads to; a list that is left out has a test of its own.
    "create_download_link",
    "create_mail_server",
    "download_delivery_events",
    "follow",
    "list_delivery_events",
    "list_distributions",
    "list_mail_servers",
    "list_runs",
    // One address at a time.
    "release_addresses",
    "renew_mail_server_token",
    "report_delivery_events",
    "request_run",
    "show_address_history",
    "show_delivery_report",
    "show_distribution",
    "show_run",
    "show_run_settings",
    "show_server_configuration",
    "update_mail_server",
    "update_server_configuration",
];

/// What no plan decides about.
const NOT_BY_PLAN: &[&str] = &[
    "accept_invitation",
    "acknowledge_list",
    "answer_inquiry",
    "begin_second_factor",
    "change_password",
    "close_inquiry",
    "close_provider_inquiry",
    "complete_password_reset",
    "complete_setup",
    "confirm_second_factor",
    "create_account",
    "create_audit_log_link",
    "create_inquiry",
    "create_invitation",
    "create_password_reset",
    "create_server_configuration",
    "create_token",
    "disable_second_factor",
    "download_audit_log",
    "enable_downloads",
    "enter_account",
    "fetch_agent_list",
    "follow_account",
    "follow_download_link",
    "follow_provider",
    "leave_account",
    "list_accounts",
    "list_inquiries",
    "list_invitations",
    "list_provider_inquiries",
    "list_server_configurations",
    "list_sessions",
    "list_tokens",
    "list_users",
    "mark_inquiry_read",
    "mark_provider_inquiry_read",
    "me",
    "preview_invitation",
    "preview_password_reset",
    "refresh_session",
    "remove_second_factor",
    "renew_invitation",
    "renew_recovery_codes",
    "revoke_other_sessions",
    "revoke_session",
    "revoke_token",
    "show_account",
    "show_agent",
    "show_inquiry",
    "show_provider_inquiry",
    "show_second_factor",
    "show_setup",
    "show_user",
    "sign_in",
    "sign_in_with_second_factor",
    "sign_out",
    "update_account",
    "update_user",
    "withdraw_invitation",
    "write_to_inquiry",
    "list_audit_entries",
    "request_password_reset",
    "close_account",
    "create_export_link",
    "export_account",
];

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

fn id<'a>(operation: &'a Operation<'_>) -> &'a str {
    operation.declared["operationId"].as_str().expect("an operation id")
}

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

/// A body that passes every check before the plan's.
pub fn body(document: &Value, operation: &Operation<'_>) -> Option<Value> {
    let schema = operation.body()?;
    Some(match id(operation) {
        "replace_run_settings" => json!({ "execute_timing": "03:30", "watch_warning": 500,
            "success_resets_count": true, "conditions": shared::run_settings::default_conditions(),
            "delivery_timing": "now" }),
        "preview_watch_period" => json!({ "watch_period_days": 10, "watch_warning": 5 }),
        "add_blocked_addresses" => json!({ "addresses": ["taro@example.com"] }),
        "release_addresses" => json!({ "addresses": ["taro@example.com"] }),
        "release_in_bulk" => json!({ "filter": { "domain": "example.com" } }),
        "register_upload" => json!({ "delivery_timing": "now" }),
        "read_upload_again" => json!({}),
        "create_download_link" => json!({ "list": "delivery_events" }),
        _ => Schemas(document).example(schema),
    })
}

async fn ask(
    document: &Value,
    operation: &Operation<'_>,
    client: &Client,
    ids: &BTreeMap<&'static str, String>,
) -> Asked {
    let path = operation.path_and_required(ids);
    let mut request = client.request(operation.method.clone(), &path).header("If-Match", "\"1\"");
    if operation.template.contains("/uploads") {
        request = request.header("Tus-Resumable", "1.0.0").header("Upload-Length", "3").header("Upload-Offset", "0");
    }
    if let Some(body) = body(document, operation) {
        request = request.json(&body);
    }
    if operation.template.ends_with("/live") {
        // Its body does not end.
        let answer = request.send().await.expect("an answer");
        return Asked { status: answer.status().as_u16(), problem: None };
    }
    let answer = client.send(request).await;
    let problem = (answer.status.is_client_error() && !answer.body.is_empty()).then(|| answer.json());
    Asked { status: answer.status.as_u16(), problem }
}

struct Asked {
    status: u16,
    problem: Option<Problem>,
}

impl Asked {
    fn is_not_in_plan(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.kind == "/problems/not-in-plan")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_obeys_the_plan() {
    let app = TestApp::start_without_jobs().await;
    let document: Value = app.anonymous().get("/api/v1/openapi.json").await.expect(200).json();
    let mut table: Vec<&str> = [EXCLUDED, INCLUDED, NOT_BY_PLAN].concat();
    table.sort_unstable();
    let mut all: Vec<_> = operations(&document, METHODS).collect();
    let mut declared: Vec<_> = all.iter().map(id).collect();
    declared.sort_unstable();
    assert_eq!(table, declared, "every operation has one row in one of the tables");

    let provider = app.provider().await;
    // The one that ends the session comes last.
    all.sort_by_key(|operation| id(operation) == "sign_out");
    for plan in ["standard", "professional"] {
        let (place, agent) = account(&app, &provider, plan).await;
        let ids = BTreeMap::from([("id", place.configuration.to_string())]);
        for operation in &all {
            let client = match operation.template {
                path if path.starts_with("/api/v1/agent") => &agent,
                path if path.starts_with("/api/v1/provider") => &provider,
                _ => &place.administrator,
            };
            let asked = ask(&document, operation, client, &ids).await;
            let (name, status) = (operation.name(), asked.status);
            if plan == "standard" && EXCLUDED.contains(&id(operation)) {
                assert_eq!(status, 403, "{name} with {plan}: {:?}", asked.problem);
                if operation.method != Method::HEAD {
                    assert!(asked.is_not_in_plan(), "{name} with {plan}: {:?}", asked.problem);
                    let detail = asked.problem.expect("a problem").detail;
                    assert!(detail.starts_with("the Standard plan does not include"), "{name}: {detail}");
                }
            } else {
                assert!(!asked.is_not_in_plan(), "{name} with {plan}: {:?}", asked.problem);
                assert_ne!((status, &operation.method), (403, &Method::HEAD), "{name} with {plan}");
                if INCLUDED.contains(&id(operation)) && !name.contains(".csv") && !name.ends_with("download-links") {
                    assert_ne!(status, 403, "{name} with {plan}: {:?}", asked.problem);
                }
            }
        }
    }
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

    let account: Value = standard.administrator.get("/api/v1/me").await.expect(200).json();
    let enter = format!("/api/v1/provider/accounts/{}/enter", account["account_id"].as_str().expect("an id"));
    let inside: Value = provider.post(&enter, &json!({})).await.expect(200).json();
    let inside = app.client(inside["access_token"].as_str().map(str::to_owned));
    assert_eq!(said(&inside.get(&lists).await.expect(403)), refused);
}
