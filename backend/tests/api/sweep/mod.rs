//! Bad input at every operation there is, made of the OpenAPI document: whatever is wrong, the answer is a problem that
//! names it, and nothing changes. A new operation is covered as soon as it is declared.

mod closing;
mod permissions;
mod plans;
mod schema;

use crate::support::{
    TestApp, Workplace,
    client::{Client, Response, expect_codes},
};
use backend::config::Role;
use reqwest::{Method, header::CONTENT_TYPE};
use schema::{Schemas, Wrong};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::Problem;
use std::{collections::BTreeMap, num::NonZeroU32};

/// Two accounts with something in every list, and who asks.
struct World {
    app: TestApp,
    document: Value,
    provider: Client,
    administrator: Client,
    agent: Client,
    /// What the parameters of paths are here.
    here: BTreeMap<&'static str, String>,
    /// The same in the other account.
    elsewhere: BTreeMap<&'static str, String>,
}

/// An operation of the document.
struct Operation<'a> {
    method: Method,
    template: &'a str,
    declared: &'a Value,
}

impl World {
    async fn new() -> Self {
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
        Self { app, document, provider, administrator: first.administrator, agent, here, elsewhere }
    }

    /// Without HEAD, whose answers have no body to look at.
    fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        operations(&self.document, &["get", "post", "put", "patch", "delete"])
    }

    fn all_operations(&self) -> impl Iterator<Item = Operation<'_>> {
        operations(&self.document, &["get", "head", "post", "put", "patch", "delete"])
    }

    /// Who may do it.
    fn client(&self, operation: &Operation<'_>) -> &Client {
        match operation.template {
            path if path.starts_with("/api/v1/agent") => &self.agent,
            path if path.starts_with("/api/v1/provider") => &self.provider,
            _ => &self.administrator,
        }
    }

    async fn send(&self, operation: &Operation<'_>, path: &str, body: Option<(&str, Vec<u8>)>) -> Response {
        let client = self.client(operation);
        let mut request = client.request(operation.method.clone(), path).header("If-Match", "\"1\"");
        if let Some((media_type, body)) = body {
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        client.send(request).await
    }

    /// Everything that can be read, and the number of rows in each table.
    async fn state(&self) -> BTreeMap<String, Value> {
        let mut state = BTreeMap::new();
        let readable = self.operations().filter(|operation| {
            operation.method == Method::GET
                && operation.declared["responses"]["200"]["content"].get("application/json").is_some()
        });
        for operation in readable {
            for ids in [&self.here, &self.elsewhere] {
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

/// The operations of a document that have one of these methods.
fn operations<'a>(document: &'a Value, methods: &'a [&'a str]) -> impl Iterator<Item = Operation<'a>> {
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
    fn path(&self, ids: &BTreeMap<&'static str, String>) -> String {
        let parts = self.template.split('/').map(|part| {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            name.map_or(part.to_owned(), |name| {
                ids.get(name).cloned().unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned())
            })
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Its path with these ids, and an example of each query parameter that it cannot do without, if one is declared.
    fn path_and_required(&self, ids: &BTreeMap<&'static str, String>) -> String {
        let path = self.path(ids);
        let required = self.required_but("");
        if required.is_empty() { path } else { format!("{path}?{}", required.trim_end_matches('&')) }
    }

    /// The declared example of each query parameter that it cannot do without, except one; each ends with `&`.
    fn required_but(&self, name: &str) -> String {
        let parameters = self.declared["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|one| one["in"] == "query" && one["required"] == true && one["name"] != name);
        required.filter_map(|one| Some(format!("{}={}&", one["name"].as_str()?, one["example"].as_str()?))).collect()
    }

    fn has_ids(&self) -> bool {
        self.template.contains('{')
    }

    /// The schema of its JSON body.
    fn body(&self) -> Option<&Value> {
        self.declared["requestBody"]["content"].get("application/json").map(|content| &content["schema"])
    }

    fn query(&self) -> impl Iterator<Item = (&str, &Value)> {
        let parameters = self.declared["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        parameters.map(|parameter| (parameter["name"].as_str().expect("a name"), &parameter["schema"]))
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

async fn place(app: &TestApp, provider: &Client, account: &str) -> Workplace {
    let administrator = app.administrator(provider, account).await;
    let configuration = administrator.create_configuration("Main").await;
    Workplace { provider: provider.clone(), administrator, configuration }
}

/// Fills every list with at least two rows; answers an id of each kind.
async fn ids(app: &TestApp, place: &Workplace) -> (BTreeMap<&'static str, String>, Client) {
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
    let sessions: Value = client.get("/api/v1/me/sessions").await.expect(200).json();
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

/// The answer is a problem that names the place.
fn expect_named(answer: &Response, pointer: &str, what: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status.as_u16(), 422, "{what}: {text}");
    let problem: Problem = answer.json();
    expect_codes(&problem, what);
    // Values in place of named fields are wrong one by one, too.
    let inside = |at: &str| what.contains("an array of values") && at.starts_with(pointer);
    let named = problem.errors.iter().any(|error| error.pointer == pointer || inside(&error.pointer));
    assert!(named, "{what}: {pointer:?} is not in {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_is_named_and_changes_nothing() {
    let world = World::new().await;
    let schemas = Schemas(&world.document);
    let before = world.state().await;
    let (mut operations, mut bodies) = (0, 0);
    for operation in world.operations() {
        let (Some(schema), path) = (operation.body(), operation.path(&world.here)) else { continue };
        operations += 1;
        let json = "application/json";
        let name = operation.name();
        let object = schemas.is_object(schema);
        for wrong in schemas.wrong_bodies(schema) {
            bodies += 1;
            let what = format!("{name}, {} at {:?}", wrong.what, wrong.pointer);
            let answer = world.send(&operation, &path, Some((json, wrong.body.clone().into_bytes()))).await;
            if object {
                expect_named(&answer, &wrong.pointer, &what);
            } else if wrong.pointer.is_empty() {
                answer.expect(400);
            } else {
                // Each item of a batch has its own result.
                expect_rejected(&answer.expect(200), &wrong, &what);
            }
        }
        for no_json in [&b""[..], b" ", b"{", b"nothing", b"\xef\xbb\xbf{}", b"\xff\xfe{}"] {
            world.send(&operation, &path, Some((json, no_json.to_vec()))).await.expect(400);
        }
        world.send(&operation, &path, Some(("text/plain", b"{}".to_vec()))).await.expect(415);
        world.send(&operation, &path, Some((json, vec![b' '; 9 * 1024 * 1024]))).await.expect(413);
    }
    println!("FIGURE {bodies} wrong bodies at {operations} operations");
    assert!(operations > 10 && bodies > 300, "{operations} operations, {bodies} bodies: is the document read rightly?");
    assert_eq!(world.state().await, before, "something changed");
}

fn expect_rejected(answer: &Response, wrong: &Wrong, what: &str) {
    let result: Value = answer.json();
    assert_eq!(result["rejected"], 1, "{what}: {result}");
    let field = wrong.pointer.rsplit('/').next().filter(|field| *field != "0").unwrap_or_default();
    let detail = result["items"][0]["detail"].as_str().unwrap_or_default();
    // The example makes no sense in other fields as well, which may be found before.
    assert!(detail.contains(field) || wrong.what.contains("NUL"), "{what}: {detail} does not name it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_named_and_changes_nothing() {
    let world = World::new().await;
    let before = world.state().await;
    let mut cursors: Vec<(String, String)> = Vec::new();
    for operation in world.operations().filter(|operation| operation.query().any(|(name, _)| name == "cursor")) {
        for ids in [&world.here, &world.elsewhere] {
            let path = operation.path(ids);
            let answer = world.send(&operation, &format!("{path}?limit=1"), None).await;
            if answer.status == 200 {
                let page: Value = answer.json();
                cursors.extend(page["next_cursor"].as_str().map(|cursor| (path, cursor.to_owned())));
            }
        }
    }
    assert!(cursors.len() > 4, "lists with two rows: {cursors:?}");
    let mut queries = 0;
    for operation in world.operations() {
        let path = operation.path(&world.here);
        let mut ask = async |name: &str, value: &str, encoded: &str| {
            queries += 1;
            let required = operation.required_but(name);
            let answer = world.send(&operation, &format!("{path}?{required}{name}={encoded}"), None).await;
            expect_named(&answer, name, &format!("{}, {name}={value:?}", operation.name()));
        };
        let mut any = false;
        for (name, schema) in operation.query() {
            any = true;
            let wrong = Schemas(&world.document).wrong_parameters(schema);
            let mut values: Vec<_> = wrong.iter().map(|value| (*value, *value)).collect();
            values.push(("a NUL", "a%00b"));
            if name == "cursor" {
                values.extend([("", ""), ("x", "x"), ("eyJ9", "eyJ9")]);
                let others = cursors.iter().filter(|(of, _)| *of != path);
                values.extend(others.map(|(of, cursor)| (of.as_str(), cursor.as_str())));
            }
            for (value, encoded) in values {
                ask(name, value, encoded).await;
            }
        }
        if any {
            ask("no_such_parameter", "1", "1").await;
        }
    }
    println!("FIGURE {queries} wrong queries");
    assert_eq!(world.state().await, before, "something changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ids_of_another_account_and_no_ids_are_not_there() {
    let world = World::new().await;
    let before = world.state().await;
    let schemas = Schemas(&world.document);
    let mixed: BTreeMap<_, _> = world
        .elsewhere
        .iter()
        .map(|(name, id)| (*name, if *name == "id" { &world.here["id"] } else { id }.clone()))
        .collect();
    let nonsense = |id: &str| world.here.keys().map(|name| (*name, id.to_owned())).collect::<BTreeMap<_, _>>();
    let (none, not_utf8) = (nonsense("no-id"), nonsense("%ff%00"));
    // The provider's accounts are not an account's own.
    let operations = world.operations().filter(|operation| operation.has_ids());
    for operation in operations {
        let of_provider = operation.template.starts_with("/api/v1/provider");
        for (ids, whose) in [
            (&world.elsewhere, "another account's"),
            (&mixed, "partly another account's"),
            (&none, "none"),
            (&not_utf8, "not UTF-8"),
        ] {
            let is_own = operation.path(ids) == operation.path(&world.here);
            if is_own || (of_provider && whose.contains("account")) {
                continue;
            }
            let body =
                operation.body().map(|schema| ("application/json", schemas.example(schema).to_string().into_bytes()));
            let answer = world.send(&operation, &operation.path_and_required(ids), body).await;
            // A body that makes no sense may be refused before its place is looked for.
            let refused = answer.status == 404 || (operation.body().is_some() && answer.status == 422);
            let text = String::from_utf8_lossy(&answer.body);
            assert!(refused, "{} with ids that are {whose}: {} {text}", operation.name(), answer.status);
        }
    }
    assert_eq!(world.state().await, before, "something changed");
}
