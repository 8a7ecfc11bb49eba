//! Who may do what: every operation of the document, asked for by everybody there is, beside `permissions.txt`. A new
//! operation fails until it has its row there.

use super::world::{Ids, METHODS, Operation, World};
use crate::support::{PASSWORD, Workplace, client::Client};
use chrono::TimeDelta;
use futures::{StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{Problem, session::AccessToken};
use std::fmt::Write;
use uuid::Uuid;

/// The table; its head names who asks.
const TABLE: &str = include_str!("permissions.txt");

/// Signs the user out, so it is asked for last.
const LAST: &str = "/api/v1/sessions/current";

/// How many ask at the same time.
const AT_ONCE: usize = 2;

/// Whose ids somebody asks with.
#[derive(Clone, PartialEq)]
enum Whose {
    /// Nothing that is allowed may change what the next one needs, and nothing in the table may hang: nobody's, but for
    /// reading a server configuration and for reporting events.
    Harmless,
    /// Everything is there, but not for this one.
    Foreign,
    /// An own server configuration, with nothing in it.
    Own(Ids),
}

/// Somebody who asks.
struct Asker {
    name: &'static str,
    client: Client,
    whose: Whose,
    /// Of a provider inside an account: with what, and which, it enters again after it left.
    entrance: Option<(Client, String)>,
}

impl Asker {
    const fn new(name: &'static str, client: Client) -> Self {
        Self { name, client, whose: Whose::Harmless, entrance: None }
    }

    fn foreign(name: &'static str, client: Client) -> Self {
        Self { whose: Whose::Foreign, ..Self::new(name, client) }
    }

    fn own(name: &'static str, client: Client, configuration: Uuid) -> Self {
        let ids = Ids::from([("id", configuration.to_string())]);
        Self { whose: Whose::Own(ids), ..Self::new(name, client) }
    }

    /// A provider of its own, inside an account: who signs out elsewhere must not end this.
    async fn inside(name: &'static str, world: &World, account: &str) -> Self {
        let provider = world.app.member(&world.provider, &format!("{name}@example.com"), "provider").await;
        let entrance = Some((provider.clone(), account.to_owned()));
        let mut asker = Self { entrance, ..Self::new(name, provider) };
        asker.enter(world).await;
        asker
    }

    async fn enter(&mut self, world: &World) {
        let Some((provider, account)) = &self.entrance else { return };
        let path = format!("/api/v1/provider/accounts/{account}/enter");
        let entered: AccessToken = provider.post(&path, &json!({})).await.expect(200).json();
        self.client = world.app.client(Some(entered.access_token));
    }

    fn ids(&self, operation: &Operation<'_>, world: &World) -> Ids {
        if operation.template.contains("{account_id}/export") {
            // Of the account that somebody is inside of.
            let inside = self.entrance.as_ref().map(|(_, account)| account.clone());
            return Ids::from([("account_id", inside.unwrap_or_else(|| world.here["account_id"].clone()))]);
        }
        match &self.whose {
            Whose::Harmless => {
                let reads = operation.method == "GET" && operation.template.ends_with("run-settings");
                let reports = operation.template.ends_with("delivery-events");
                if reads || reports { Ids::from([("id", world.here["id"].clone())]) } else { Ids::new() }
            }
            Whose::Foreign => world.here.clone(),
            Whose::Own(ids) => ids.clone(),
        }
    }
}

/// What somebody was answered.
struct Answer {
    status: u16,
    /// Why it was refused.
    problem: Option<Problem>,
}

impl Answer {
    fn is_refused(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    fn is(&self, kind: &str) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.kind == kind)
    }

    fn mark(&self, asker: &Asker) -> &'static str {
        match self.status {
            401 | 403 => "-",
            404 if asker.whose == Whose::Foreign => ".",
            _ => "x",
        }
    }
}

async fn secret(administrator: &Client, wanted: Value) -> String {
    let answer: Value = administrator.post("/api/v1/tokens", &wanted).await.expect(201).json();
    answer["secret"].as_str().expect("a secret").to_owned()
}

async fn token(world: &World, scope: &str) -> Client {
    let wanted = json!({ "name": scope, "scopes": [scope], "expires_at": world.app.clock.now() + TimeDelta::hours(1) });
    world.app.client(Some(secret(&world.administrator, wanted).await))
}

/// Everybody who may ask, in the order of the table's columns.
async fn everybody(world: &World) -> Vec<Asker> {
    let beside = world.administrator.create_configuration("Beside").await;
    let limited = json!({ "name": "limited", "scopes": SCOPES, "server_configuration_ids": [beside] });
    let limited = world.app.client(Some(secret(&world.administrator, limited).await));
    let inside = Asker::inside("inside", world, &world.here["account_id"]).await;
    let mut everybody = vec![
        Asker::new("nobody", world.app.anonymous()),
        Asker::new("viewer", world.app.member(&world.administrator, "viewer@first.example", "viewer").await),
        Asker::new("operator", world.app.member(&world.administrator, "operator@first.example", "operator").await),
        Asker::new("administrator", world.administrator.clone()),
        Asker::new("provider", world.provider.clone()),
        inside,
        Asker::new("read", token(world, "read").await),
        Asker::new("lists", token(world, "lists").await),
        Asker::new("events", token(world, "events").await),
        Asker::new("manage", token(world, "manage").await),
        Asker::foreign("limited", limited),
        Asker::new("agent", world.agent.clone()),
        Asker::foreign("other", world.other.clone()),
    ];
    everybody.extend(standard(world).await);
    everybody.extend(suspended(world).await);
    everybody
}

/// All that a script may be given.
const SCOPES: [&str; 4] = ["read", "lists", "events", "manage"];

/// Changes what an account may use that was not changed before; answers its id.
async fn change(world: &World, administrator: &Client, change: Value) -> String {
    let me: Value = administrator.get("/api/v1/me").await.expect(200).json();
    let account = me["account_id"].as_str().expect("an account").to_owned();
    let request = world.provider.request(Method::PATCH, &format!("/api/v1/provider/accounts/{account}")).json(&change);
    world.provider.send(request.header("If-Match", "\"1\"")).await.expect(200);
    account
}

/// The administrator of an account that is suspended, a script of it that may do everything, a provider inside of it, and
/// an agent.
async fn suspended(world: &World) -> [Asker; 4] {
    let administrator = world.app.administrator(&world.provider, "suspended").await;
    let configuration = administrator.create_configuration("Main").await;
    let place = Workplace { provider: world.provider.clone(), administrator, configuration };
    let (agent, _) = place.mail_server(&world.app, "one").await;
    let script = secret(&place.administrator, json!({ "name": "script", "scopes": SCOPES })).await;
    let account = change(world, &place.administrator, json!({ "suspended": true, "downloads_enabled": true })).await;
    let mut provider = Asker::inside("its-provider", world, &account).await;
    provider.whose = Whose::Own(Ids::from([("id", configuration.to_string())]));
    [
        Asker::new("suspended", place.administrator),
        Asker::new("its-script", world.app.client(Some(script))),
        provider,
        Asker::new("its-agent", agent),
    ]
}

/// The administrator of an account with the Standard plan, in which nothing but the plan is in the way, a viewer, and a
/// script with all scopes.
async fn standard(world: &World) -> [Asker; 3] {
    let email = "administrator@standard.example";
    let account = json!({ "name": "standard", "plan": "standard", "administrator_email": email,
        "administrator_password": PASSWORD });
    world.provider.post("/api/v1/provider/accounts", &account).await.expect(201);
    let client = world.app.sign_in(email).await;
    let id = client.create_configuration("Main").await;
    change(world, &client, json!({ "downloads_enabled": true })).await;
    let viewer = world.app.member(&client, "viewer@standard.example", "viewer").await;
    let script = secret(&client, json!({ "name": "script", "scopes": SCOPES })).await;
    [
        Asker::own("standard", client, id),
        Asker::own("its-viewer", viewer, id),
        Asker::own("its-token", world.app.client(Some(script)), id),
    ]
}

/// Asks for an operation with a body that is right. What it answers is read only when it is refused: events never end.
async fn ask(world: &World, operation: &Operation<'_>, asker: &Asker) -> Answer {
    let mut request = operation.request(&world.document, &asker.client, &asker.ids(operation, world));
    if operation.id() == "sign_in" {
        // Each is somebody else, who did not try too often yet.
        request = request.json(&json!({ "email": format!("{}@nowhere.example", asker.name), "password": PASSWORD }));
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let problem = if status == 403 && operation.method != Method::HEAD {
        Some(answer.json().await.expect("a problem"))
    } else {
        None
    };
    Answer { status, problem }
}

/// What the head of the table says of an operation that needs a token, whoever asks.
fn check(operation: &Operation<'_>, asker: &Asker, answer: &Answer, administrator_may: bool) {
    let (name, who) = (operation.name(), asker.name);
    let refused_to_administrators = answer.is_refused() && administrator_may && operation.method != Method::HEAD;
    match who {
        "nobody" => assert_eq!(answer.status, 401, "{name} answers nobody"),
        "its-agent" => assert_eq!(answer.status, 403, "{name} answers the agent of a suspended account"),
        "suspended" if refused_to_administrators => {
            assert!(answer.is("/problems/account-suspended"), "{name}: {:?}", answer.problem);
        }
        "standard" if refused_to_administrators => {
            assert!(answer.is("/problems/not-in-plan"), "{name}: {:?}", answer.problem);
            let detail = answer.problem.as_ref().map(|problem| problem.detail.as_str()).unwrap_or_default();
            assert!(detail.starts_with("the Standard plan does not include"), "{name}: {detail}");
        }
        // What they have a right to may still not be in the plan.
        "its-viewer" | "its-token" => {}
        _ => assert!(!answer.is("/problems/not-in-plan"), "{name} answers {who}: {:?}", answer.problem),
    }
    if who == "other" && administrator_may && operation.has_ids() {
        assert_eq!(answer.status, 404, "{name} answers the administrator of another account");
    }
}

/// The columns of the table: all but those of whom its head says all there is to say.
fn columns(everybody: &[Asker]) -> impl Iterator<Item = (usize, &Asker)> {
    everybody.iter().enumerate().filter(|(_, asker)| asker.name != "its-agent")
}

/// The row of an operation.
async fn row(world: &World, operation: &Operation<'_>, everybody: &[Asker]) -> String {
    let mut row = format!("{:<8}{:<76}", operation.method.as_str(), operation.template);
    if !operation.is_secured() {
        // One after the other: not more than a few may sign in at once.
        let mut statuses = Vec::new();
        for asker in everybody {
            statuses.push(ask(world, operation, asker).await.status);
        }
        let same = statuses.iter().all(|status| *status == statuses[0]);
        assert!(same, "{} is public, and yet depends on who asks: {statuses:?}", operation.name());
        return format!("{row} public");
    }
    // Of an account and of all together only so many downloads may be open at the same time.
    let asked = stream::iter(everybody).map(|asker| ask(world, operation, asker)).buffered(AT_ONCE);
    let answers: Vec<Answer> = asked.collect().await;
    for (asker, answer) in everybody.iter().zip(&answers) {
        // Neither says who may.
        let says = answer.status < 500 && answer.status != 429;
        assert!(says, "{} answers {}: {}", operation.name(), asker.name, answer.status);
    }
    let administrator = everybody.iter().position(|asker| asker.name == "administrator").expect("an administrator");
    let administrator_may = !answers[administrator].is_refused();
    for (asker, answer) in everybody.iter().zip(&answers) {
        check(operation, asker, answer, administrator_may);
    }
    for (at, asker) in columns(everybody) {
        write!(row, " {:^width$}", answers[at].mark(asker), width = asker.name.len()).expect("written");
    }
    row.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let world = World::new().await;
    let mut everybody = everybody(&world).await;
    let mut operations: Vec<Operation<'_>> = world.all_operations().collect();
    let declared = world.document["paths"].as_object().expect("paths").values();
    let known = |method: &str| METHODS.contains(&method) || method == "parameters";
    assert!(declared.flat_map(|item| item.as_object().expect("methods").keys()).all(|method| known(method)));
    operations.sort_by_key(|operation| operation.template == LAST);
    let mut rows = Vec::new();
    for operation in &operations {
        rows.push(row(&world, operation, &everybody).await);
        if operation.template.ends_with("/accounts/leave") {
            for asker in &mut everybody {
                asker.enter(&world).await;
            }
        }
    }
    rows.sort();
    let mut table = format!("{:<84}", "operation");
    for (_, asker) in columns(&everybody) {
        write!(table, " {}", asker.name).expect("written");
    }
    for row in rows {
        write!(table, "\n{row}").expect("written");
    }
    let as_written = TABLE.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    assert_eq!(as_written, table, "permissions.txt says otherwise; as it is:\n{table}\n");

    // Whose sessions go on, but whose tokens do not.
    let expired = [
        Asker::new("nobody", world.app.anonymous()),
        Asker::new("administrator", world.app.sign_in("administrator@first.example").await),
        Asker::new("provider", world.app.sign_in("provider@example.com").await),
        Asker::new("read", {
            let name =
                json!({ "name": "short", "scopes": SCOPES, "expires_at": world.app.clock.now() + TimeDelta::hours(1) });
            let administrator = world.app.sign_in("administrator@first.example").await;
            world.app.client(Some(secret(&administrator, name).await))
        }),
    ];
    world.app.clock.set(world.app.clock.now() + TimeDelta::hours(2));
    for operation in &operations {
        if operation.is_secured() {
            let answers = join_all(expired.iter().map(|asker| ask(&world, operation, asker))).await;
            assert!(answers.iter().all(|answer| answer.status == 401), "{} with an expired token", operation.name());
        } else {
            row(&world, operation, &expired).await;
        }
    }
}
