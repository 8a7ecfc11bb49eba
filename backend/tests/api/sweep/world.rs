//! What is swept: two accounts with something in every list, and the operations of the OpenAPI document.

use super::schema::Schemas;
use crate::support::{
    TestApp, Workplace,
    client::{Client, Response},
};
use backend::config::Role;
use reqwest::{Method, RequestBuilder, header::CONTENT_TYPE};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::{collections::BTreeMap, num::NonZeroU32};

/// What the parameters of paths are.
pub type Ids = BTreeMap<&'static str, String>;

/// Two accounts with something in every list, and who asks.
pub struct World {
    /// The service.
    pub app: TestApp,
    /// Its OpenAPI document.
    pub document: Value,
    /// Outside of all accounts.
    pub provider: Client,
    /// The administrator of the account.
    pub administrator: Client,
    /// The agent of its mail server.
    pub agent: Client,
    /// The administrator of the other account.
    pub other: Client,
    /// What the parameters of paths are here.
    pub here: Ids,
    /// The same in the other account.
    pub elsewhere: Ids,
}

/// An operation of the document.
pub struct Operation<'a> {
    /// The method.
    pub method: Method,
    /// The path, with the names of its parameters in braces.
    pub template: &'a str,
    /// What the document says of it.
    pub declared: &'a Value,
}

impl World {
    /// Starts a service with all of it.
    pub async fn new() -> Self {
        // Without jobs nothing changes by itself, and whoever tries everything asks often.
        let app = TestApp::start_where(|settings| {
            settings.role = Some(Role::Http);
            settings.request_rate = NonZeroU32::MAX;
        })
        .await;
        let document = app.anonymous().get("/api/v1/openapi.json").await.expect(200).json();
        let provider = app.provider().await;
        let first = place(&app, &provider, "first").await;
        let other = place(&app, &provider, "second").await;
        let (here, agent) = ids(&app, &first).await;
        let (elsewhere, _) = ids(&app, &other).await;
        let (administrator, other) = (first.administrator, other.administrator);
        Self { app, document, provider, administrator, agent, other, here, elsewhere }
    }

    /// Without HEAD, whose answers have no body to look at.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        operations(&self.document, &["get", "post", "put", "patch", "delete"])
    }

    /// All of them.
    pub fn all_operations(&self) -> impl Iterator<Item = Operation<'_>> {
        operations(&self.document, METHODS)
    }

    /// Who may do it.
    pub fn client(&self, operation: &Operation<'_>) -> &Client {
        match operation.template {
            path if path.starts_with("/api/v1/agent") => &self.agent,
            path if path.starts_with("/api/v1/provider") => &self.provider,
            _ => &self.administrator,
        }
    }

    /// Asks whoever may do it to do it, with a body of one's own.
    pub async fn send(&self, operation: &Operation<'_>, path: &str, body: Option<(&str, Vec<u8>)>) -> Response {
        let client = self.client(operation);
        let mut request = client.request(operation.method.clone(), path).header("If-Match", "\"1\"");
        if let Some((media_type, body)) = body {
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        client.send(request).await
    }

    /// Everything that can be read, and the number of rows in each table.
    pub async fn state(&self) -> BTreeMap<String, Value> {
        self.state_of(&[&self.here, &self.elsewhere]).await
    }

    /// The same, with what is read at these ids.
    pub async fn state_of(&self, places: &[&Ids]) -> BTreeMap<String, Value> {
        let mut state = BTreeMap::new();
        let readable = self.operations().filter(|operation| {
            operation.method == Method::GET
                && operation.declared["responses"]["200"]["content"].get("application/json").is_some()
        });
        for operation in readable {
            for ids in places {
                let path = operation.path_and_required(ids);
                let answer = self.send(&operation, &path, None).await;
                if answer.status == 200 {
                    state.insert(path, answer.json());
                }
            }
        }
        let connection = self.app.running.state.db.connection();
        let tables = if TestApp::is_postgres() {
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        };
        let ask = async |sql: String| {
            let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
            connection.query_all_raw(statement).await.expect("rows")
        };
        for row in ask(tables.to_owned()).await {
            let table: String = row.try_get("", "name").expect("a name");
            let count = ask(format!("SELECT COUNT(*) AS count FROM \"{table}\"")).await;
            state.insert(table, json!(count[0].try_get::<i64>("", "count").expect("a number")));
        }
        state
    }
}

/// Every method that an operation may have.
pub const METHODS: &[&str] = &["get", "head", "options", "post", "put", "patch", "delete"];

/// The operations of a document that have one of these methods.
pub fn operations<'a>(document: &'a Value, methods: &'a [&'a str]) -> impl Iterator<Item = Operation<'a>> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths.flat_map(move |(template, item)| {
        methods.iter().filter_map(move |method| {
            let declared = item.get(method)?;
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            Some(Operation { method, template, declared })
        })
    })
}

impl Operation<'_> {
    /// Its path with these ids; an id that nobody has for a parameter that is not among them.
    pub fn path(&self, ids: &Ids) -> String {
        let parts = self.template.split('/').map(|part| {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            name.map_or(part.to_owned(), |name| {
                ids.get(name).cloned().unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned())
            })
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Its path with these ids, and an example of each query parameter that it cannot do without, if one is declared.
    pub fn path_and_required(&self, ids: &Ids) -> String {
        let path = self.path(ids);
        let required = self.required_but("");
        if required.is_empty() { path } else { format!("{path}?{}", required.trim_end_matches('&')) }
    }

    /// The declared example of each query parameter that it cannot do without, except one; each ends with `&`.
    pub fn required_but(&self, name: &str) -> String {
        let parameters = self.declared["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|one| one["in"] == "query" && one["required"] == true && one["name"] != name);
        required.filter_map(|one| Some(format!("{}={}&", one["name"].as_str()?, one["example"].as_str()?))).collect()
    }

    /// Whether its path has parameters.
    pub fn has_ids(&self) -> bool {
        self.template.contains('{')
    }

    /// The schema of its JSON body.
    pub fn body(&self) -> Option<&Value> {
        self.declared["requestBody"]["content"].get("application/json").map(|content| &content["schema"])
    }

    /// The query parameters, and what they take.
    pub fn query(&self) -> impl Iterator<Item = (&str, &Value)> {
        let parameters = self.declared["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        parameters.map(|parameter| (parameter["name"].as_str().expect("a name"), &parameter["schema"]))
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// What the document calls it.
    pub fn id(&self) -> &str {
        self.declared["operationId"].as_str().expect("an operation id")
    }

    /// Whether it needs a token.
    pub fn is_secured(&self) -> bool {
        self.declared["security"].is_array()
    }

    /// A JSON body that is right.
    pub fn right_body(&self, document: &Value) -> Option<Value> {
        let schema = self.body()?;
        Some(match self.id() {
            "replace_run_settings" => json!({ "execute_timing": "03:30", "watch_warning": 500,
                "success_resets_count": true, "conditions": shared::run_settings::default_conditions(),
                "delivery_timing": "now" }),
            "preview_watch_period" => json!({ "watch_period_days": 10, "watch_warning": 5 }),
            "preview_execute_timing" => json!({ "execute_timing": "03:30" }),
            "add_blocked_addresses" | "release_addresses" => json!({ "addresses": ["taro@example.com"] }),
            "release_in_bulk" => json!({ "filter": { "domain": "example.com" } }),
            "register_upload" => json!({ "delivery_timing": "now" }),
            "read_upload_again" => json!({}),
            "create_download_link" => json!({ "list": "delivery_events" }),
            _ => Schemas(document).example(schema),
        })
    }

    /// A request in which nothing is wrong but, maybe, the ids.
    pub fn request(&self, document: &Value, client: &Client, ids: &Ids) -> RequestBuilder {
        let path = self.path_and_required(ids);
        let request = client.request(self.method.clone(), &path).header("If-Match", "\"1\"");
        let request = match self.id() {
            "create_upload" => request.header("Upload-Length", "3"),
            "append_to_upload" => {
                let request = request.header(CONTENT_TYPE, "application/offset+octet-stream");
                request.header("Upload-Offset", "0").body("a,b")
            }
            _ => request,
        };
        let request =
            if self.template.contains("/uploads") { request.header("Tus-Resumable", "1.0.0") } else { request };
        match self.right_body(document) {
            Some(body) => request.json(&body),
            None => request,
        }
    }
}

async fn place(app: &TestApp, provider: &Client, account: &str) -> Workplace {
    let administrator = app.administrator(provider, account).await;
    let configuration = administrator.create_configuration("Main").await;
    Workplace { provider: provider.clone(), administrator, configuration }
}

/// Fills every list with at least two rows; answers an id of each kind but of uploads and list operations, and the agent.
pub async fn ids(app: &TestApp, place: &Workplace) -> (Ids, Client) {
    let (agent, mail_server) = place.mail_server(app, "one").await;
    let events: Vec<_> = (0..6)
        .map(|n| {
            json!({ "id": n.to_string(), "address": format!("dead{n}@example.com"), "outcome": "error",
                "reason": "unknown_user", "occurred_at": app.clock.now() })
        })
        .collect();
    let client = &place.administrator;
    client.post(&place.path("/delivery-events"), &events).await.expect(200);
    for _ in 0..2 {
        let run: Value = client.post(&place.path("/runs"), &json!({})).await.expect(202).json();
        let id = run["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        backend::service::runs::perform(&app.running.state, id).await.expect("a run");
    }
    let released = json!({ "addresses": ["dead0@example.com", "dead1@example.com", "dead2@example.com"] });
    client.post(&place.path("/releases"), &released).await.expect(200);
    let token = json!({ "name": "script", "scopes": ["read"] });
    let token: Value = client.post("/api/v1/tokens", &token).await.expect(201).json();
    let first = async |path: &str| {
        let page: Value = client.get(&place.path(path)).await.expect(200).json();
        page["items"][0]["id"].as_str().expect("an id").to_owned()
    };
    let invited = json!({ "email": format!("hana{}@example.com", place.configuration), "role": "viewer" });
    let invited: Value = client.post("/api/v1/invitations", &invited).await.expect(201).json();
    let mut inquiry = Value::Null;
    for _ in 0..2 {
        let asked = json!({ "category": "other", "subject": "A question", "text": "Why?" });
        inquiry = client.post("/api/v1/inquiries", &asked).await.expect(201).json();
    }
    let sessions: Vec<Value> = client.items("/api/v1/me/sessions").await;
    let me: Value = client.get("/api/v1/me").await.expect(200).json();
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let ids = [
        ("id", place.configuration.to_string()),
        ("mail_server_id", mail_server.to_string()),
        ("run_id", first("/runs").await),
        ("distribution_id", first("/distributions").await),
        ("exemption_id", first("/exemptions").await),
        ("token_id", text(&token["token"]["id"])),
        ("invitation_id", text(&invited["invitation"]["id"])),
        ("inquiry_id", text(&inquiry["inquiry"]["id"])),
        ("session_id", text(&sessions[0]["id"])),
        ("user_id", text(&me["user_id"])),
        ("account_id", text(&me["account_id"])),
    ];
    (ids.into_iter().collect(), agent)
}

/// Sends a file of addresses and has it read; answers the upload.
pub async fn upload(app: &TestApp, client: &Client, configuration: &str) -> String {
    let file = "taro@example.com\nno address\nhana@example.com\n";
    let path = format!("/api/v1/server-configurations/{configuration}/uploads");
    let tus = |method, path: &str| client.request(method, path).header("Tus-Resumable", "1.0.0");
    let made = tus(Method::POST, &path).header("Upload-Length", file.len());
    let made = client.send(made.header("Upload-Metadata", "filename YS5jc3Y=")).await.expect(201);
    let location = made.headers["location"].to_str().expect("text").to_owned();
    let path = &location[location.find("/api/").expect("a path")..];
    let part = tus(Method::PATCH, path).header("Upload-Offset", 0);
    client.send(part.header("Content-Type", "application/offset+octet-stream").body(file)).await.expect(204);
    let id = path.rsplit('/').next().expect("an id").to_owned();
    backend::service::uploads::perform(&app.running.state, id.parse().expect("a UUID")).await.expect("it is read");
    id
}
