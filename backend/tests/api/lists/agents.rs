//! Snapshots, changes, acknowledgements, waiting.

use super::*;
use backend::{
    service::{
        agent_sync,
        agent_sync::{Connections, Pace},
        wake::What,
    },
    store::{
        agent_lists,
        agent_lists::{At, Keys, Part},
        change_sets,
    },
};
use futures::{StreamExt, future::join_all};
use shared::mail_server::MailServerCredential;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_error_becomes_a_block_that_agents_hold_until_its_release() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    assert!(agent.sync(0).await, "an empty list");
    assert_eq!((agent.version(), agent.keys.len()), (0, 0));

    scene.errors("Dead@Example.com", "unknown_user", 1).await;
    scene.errors("slow@example.com", "resend_timeout", 2).await;
    let (run, distribution) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "unknown_user", "count": 1 }]));
    assert_eq!((distribution.version, distribution.added, distribution.removed), (Some(1), 1, 0));

    assert!(agent.sync(0).await);
    assert_eq!(agent.version(), 1);
    assert!(agent.holds("dead@example.com"));
    assert!(!agent.holds("slow@example.com"));
    assert_eq!(scene.blocked("in_effect").await, ["Dead@Example.com"]);

    let result = scene.release(&["DEAD@example.com", "slow@example.com", "no address"]).await;
    let statuses: Vec<Value> = result.items.iter().map(|item| json!(item.status)).collect();
    assert_eq!(statuses, [json!("released"), json!("not_blocked"), json!("not_valid")]);
    assert_eq!(scene.blocked("releasing").await, ["Dead@Example.com"]);
    assert!(agent.sync(0).await);
    assert_eq!((agent.version(), agent.keys.len()), (2, 0));
    assert!(scene.blocked("releasing").await.is_empty(), "every agent that ever held a list has let go");

    let exemptions: Value = scene.get("/exemptions").await;
    assert_eq!(exemptions["items"][0]["address"], "Dead@Example.com");
    assert_eq!(exemptions["items"][0]["comment"], "asked by the customer");
    scene.errors("dead@example.com", "unknown_user", 5).await;
    let (run, _) = scene.run_now().await;
    assert!(run.blocked.is_empty(), "exempt addresses are never blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_holds_something_unknown_is_sent_to_a_snapshot() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    agent.sync(0).await;
    let epoch = agent.header.as_ref().expect("a list").epoch;
    for query in [
        format!("epoch={}&version=0", Uuid::new_v4()),
        format!("epoch={epoch}&version=1"),
        format!("epoch={epoch}&version=-1"),
    ] {
        let problem = agent.client.get(&format!("/api/v1/agent/list?{query}")).await.expect(410);
        assert!(problem.json::<Value>()["detail"].as_str().expect("words").contains("snapshot"), "{query}");
    }
    agent.client.get(&format!("/api/v1/agent/list?epoch={epoch}")).await.expect_problem(422, "version");
    agent.client.get("/api/v1/agent/list?version=0").await.expect_problem(422, "epoch");
    agent.client.get("/api/v1/agent/list?wait=61").await.expect_problem(422, "wait");
    scene.admin().get("/api/v1/agent/list").await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_is_seen_and_repaired_by_a_snapshot() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let (_, distribution) = scene.run_now().await;
    agent.sync(0).await;
    assert_eq!(mail_server(&scene, &agent).await["state"], "in_sync");
    agent.keys.insert("corrupted@example.com".to_owned());
    assert!(!agent.acknowledge().await);
    assert_eq!(mail_server(&scene, &agent).await["state"], "mismatch");
    agent.header = None;
    assert!(agent.sync(0).await, "a snapshot");
    assert_eq!(mail_server(&scene, &agent).await["state"], "in_sync");
    let shown: Distribution = scene.get(&format!("/distributions/{}", distribution.id)).await;
    let receipt = shown.receipts.iter().find(|receipt| receipt.mail_server_id == agent.id).expect("a receipt");
    assert_eq!((receipt.version, receipt.count), (Some(1), Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_history_with_the_same_version_is_sent_to_a_snapshot() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    scene.run_now().await;
    agent.sync(0).await;
    let held = agent.header.clone().expect("a list");
    let ask = async |checksum: &str| {
        let query = format!("epoch={}&version={}&checksum={checksum}", held.epoch, held.version);
        agent.client.get(&format!("/api/v1/agent/list?{query}")).await
    };
    ask(&held.checksum.to_string()).await.expect(204);
    // The backup was older, and the runs since the restore have brought as many versions.
    let problem: Value = ask(&"0".repeat(32)).await.expect(410).json();
    assert!(problem["detail"].as_str().expect("words").contains("snapshot"), "{problem}");
    ask("xyz").await.expect_problem(422, "checksum");
}

async fn mail_server(scene: &Scene, agent: &ModelAgent) -> Value {
    let all: Vec<Value> = scene.admin().items(&scene.place.path("/mail-servers")).await;
    all.into_iter().find(|server| server["id"] == agent.id.to_string()).expect("the mail server")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_is_complete_when_every_active_server_acknowledged() {
    let scene = Scene::start().await;
    let mut first = ModelAgent::new(&scene, "mx1").await;
    let second = ModelAgent::new(&scene, "mx2").await;
    // The helper's reporting server must not be waited for.
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let servers: Vec<Value> = scene.admin().items(&scene.place.path("/mail-servers")).await;
    for server in servers.iter().filter(|server| server["name"].as_str().expect("a name").starts_with("reporter")) {
        deactivate(&scene, server["id"].as_str().expect("an id")).await;
    }
    let (_, distribution) = scene.run_now().await;
    let path = format!("/distributions/{}", distribution.id);
    first.sync(0).await;
    let shown: Distribution = scene.get(&path).await;
    assert_eq!(shown.state, DistributionState::Published);
    let acknowledged: Vec<bool> = shown.receipts.iter().map(|receipt| receipt.acknowledged_at.is_some()).collect();
    assert_eq!(acknowledged, [true, false]);
    deactivate(&scene, &second.id.to_string()).await;
    let shown: Distribution = scene.get(&path).await;
    assert_eq!(shown.state, DistributionState::Complete, "the server that was waited for is not active any more");
    assert_eq!(shown.receipts.len(), 1);
}

async fn deactivate(scene: &Scene, id: &str) {
    let request = scene.admin().request(Method::PATCH, &scene.place.path(&format!("/mail-servers/{id}")));
    let request = request.header("If-Match", "\"1\"").json(&json!({ "active": false }));
    scene.admin().send(request).await.expect(200);
}

async fn add(scene: &Scene, addresses: &[String]) {
    let path = scene.place.path("/blocked-addresses");
    scene.admin().post(&path, &json!({ "addresses": addresses })).await.expect(200);
    scene.run_by_hand().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_gets_the_receipts_that_it_missed() {
    let scene = Scene::start_without_jobs().await;
    let (mut first, mut second) = (ModelAgent::new(&scene, "mx1").await, ModelAgent::new(&scene, "mx2").await);
    // How many receipts each distribution has, the oldest first.
    let receipts = async || {
        let newest_first: Vec<Distribution> = scene.admin().items(&scene.place.path("/distributions")).await;
        let given = |one: &Distribution| one.receipts.iter().filter(|of| of.acknowledged_at.is_some()).count();
        newest_first.iter().rev().map(given).collect::<Vec<_>>()
    };
    add(&scene, &["a@example.com".to_owned()]).await;
    first.sync(0).await;
    first.keys.insert("corrupted@example.com".to_owned());
    assert!(!first.acknowledge().await);
    add(&scene, &["b@example.com".to_owned()]).await;
    scene.run_by_hand().await;
    assert_eq!(receipts().await, [1, 0, 0]);
    first.header = None;
    assert!(first.sync(0).await, "a snapshot");
    assert_eq!(receipts().await, [1, 1, 1]);
    scene.run_by_hand().await;
    assert_eq!(receipts().await, [1, 1, 1, 1], "what a run did not change is held already");
    second.sync(0).await;
    assert_eq!(receipts().await, [2, 2, 2, 2]);
    let all: Vec<Distribution> = scene.admin().items(&scene.place.path("/distributions")).await;
    assert!(all.iter().all(|one| one.state == DistributionState::Complete), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_distributions_that_a_mail_server_completes_only_the_newest_are_told_one_by_one() {
    let scene = Scene::start_without_jobs().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    let addresses = operations::addresses(0..104, "one.example");
    add(&scene, &addresses).await;
    for address in &addresses {
        scene.release(&[address]).await;
    }
    let mut signals = scene.app.running.state.wake.listen();
    agent.sync(0).await;
    let (mut told, mut in_general) = (Vec::new(), false);
    while let Ok(signal) = signals.try_recv() {
        match signal.what {
            What::Distribution(id) => told.push(id),
            what => in_general |= what == What::Rows,
        }
    }
    let all: Vec<Distribution> = scene.admin().items(&scene.place.path("/distributions?limit=500")).await;
    assert_eq!(all.len(), 105);
    assert!(all.iter().all(|one| one.state == DistributionState::Complete && one.receipts.len() == 1), "{all:?}");
    let newest: Vec<Uuid> = all[..100].iter().rev().map(|one| one.id).collect();
    assert_eq!((told, in_general), (newest, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_agent_hears_of_a_release_at_once() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    scene.run_now().await;
    agent.sync(0).await;
    let waiting = tokio::spawn(async move {
        assert!(agent.sync(30).await);
        (agent, tokio::time::Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "nothing is new");
    let begun = tokio::time::Instant::now();
    scene.release(&["dead@example.com"]).await;
    let (mut agent, heard) = waiting.await.expect("a list");
    let latency = heard - begun;
    println!("released, fetched and acknowledged within {latency:?}");
    assert!(latency < Duration::from_secs(2), "{latency:?}: it was not woken");
    assert!(agent.keys.is_empty());
    let begun = tokio::time::Instant::now();
    assert!(!agent.sync(1).await, "204 after the wait");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_compressed_for_who_understands_it() {
    let scene = Scene::start().await;
    let path = scene.place.path("/mail-servers");
    let credential: MailServerCredential =
        scene.admin().post(&path, &json!({ "name": "mx1" })).await.expect(201).json();
    let token = credential.token;
    scene.unknown_users(&operations::addresses(0..500, "one.example")).await;
    scene.run_now().await;
    // By hand: the client takes the header away when it unpacks.
    let answer = async |encoding: &str| {
        let mut stream = TcpStream::connect(scene.app.running.address).await.expect("a connection");
        let request = format!(
            "GET /api/v1/agent/list HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{encoding}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        (answer.len(), String::from_utf8_lossy(&answer).to_lowercase())
    };
    let (plain, text) = answer("").await;
    assert!(text.starts_with("http/1.1 200") && !text.contains("content-encoding"), "{text}");
    let (packed, text) = answer("Accept-Encoding: gzip\r\n").await;
    assert!(text.starts_with("http/1.1 200") && text.contains("content-encoding: gzip"), "{text}");
    assert!(packed * 2 < plain, "{packed} of {plain} octets");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_the_same_for_those_who_share_it_and_for_those_who_do_not() {
    let scene = Scene::start().await;
    let (mut one, mut other) = (ModelAgent::new(&scene, "mx1").await, ModelAgent::new(&scene, "mx2").await);
    tokio::join!(one.sync(0), other.sync(0));
    // More than a piece, and some in each range that is read by itself.
    let addresses: Vec<_> = (0..24_000).zip(('a'..='z').cycle()).map(|(n, c)| format!("{c}{n}@one.example")).collect();
    for some in addresses.chunks(8_000) {
        scene.unknown_users(some).await;
    }
    scene.run_now().await;
    assert_eq!(tokio::join!(one.sync(0), other.sync(0)), (true, true), "changes");
    assert_eq!((one.keys.len(), &one.keys), (24_000, &other.keys));
    let fetch = async |encoding: &str| {
        let request = one.client.request(Method::GET, "/api/v1/agent/list").header("Accept-Encoding", encoding);
        let answer = one.client.send(request).await.expect(200);
        let text = String::from_utf8(answer.body).expect("UTF-8");
        let (header, lines) = text.split_once('\n').expect("a header line");
        let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        (header.to_owned(), lines)
    };
    let alone = fetch("identity").await;
    assert_eq!(alone.1.len(), 24_000);
    assert_eq!(fetch("gzip").await, alone, "who knows no Zstandard");
    one.header = None;
    let shared = tokio::join!(one.sync(0), other.sync(0));
    assert_eq!(shared, (true, false), "a snapshot, and nothing new");
    assert!(one.keys.iter().eq(&alone.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lists_that_are_read_at_a_time_leave_connections_for_everybody_else() {
    let scene = Scene::start().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    scene.run_now().await;
    let (state, agent) = (&scene.app.running.state, ModelAgent::new(&scene, "mx1").await);
    let plan = agent_sync::plan(state, agent.id, scene.place.configuration, None, Duration::ZERO);
    let (plan, connections) = (plan.await.expect("the head").expect("a snapshot"), Connections::default());
    let body = || Box::pin(agent_sync::body(state.db.clone(), plan, Pace::AtOnce(connections.clone())));
    // More than SQLite and PostgreSQL have connections; each has its keys, or waits for its turn.
    let mut bodies: Vec<_> = (0..24).map(|_| body()).collect();
    for body in &mut bodies {
        body.next().await.expect("the header").expect("a piece");
        drop(tokio::time::timeout(Duration::from_millis(20), body.next()).await);
    }
    tokio::time::timeout(Duration::from_secs(5), state.db.ping()).await.expect("a connection").expect("an answer");
    // All at once: whoever is not read on keeps its connection.
    let rest = join_all(bodies.into_iter().map(StreamExt::collect::<Vec<_>>)).await;
    assert!(rest.iter().flatten().all(Result::is_ok), "none breaks off");
}

/// Keys of all parts of two ranges, each once.
async fn keys_of(sign: &str, read: impl AsyncFn(Keys<'_>) -> Part) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (first, up_to) in [("", Some("user05@example.com")), ("user05@example.com", None)] {
        let mut after = Some(first.to_owned());
        while let Some(from) = after {
            let part = read(Keys { after: &from, up_to }).await;
            for line in part.lines.lines() {
                let key = line.strip_prefix(sign).expect("a sign");
                assert!(keys.insert(key.to_owned()), "{key} comes twice");
            }
            after = part.next;
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_read_in_parts_of_any_size_while_the_list_goes_on() {
    let scene = Scene::start().await;
    let address = |n: usize| format!("user{n:02}@example.com");
    let all: BTreeSet<String> = (0..12).map(address).collect();
    for key in &all {
        scene.errors(key, "unknown_user", 1).await;
    }
    scene.run_now().await;
    // Those in the middle one by one, so that there is a stretch of blocks that ended.
    let ended: BTreeSet<String> = (2..9).map(address).collect();
    for key in &ended {
        scene.release(&[key]).await;
    }
    let (db, id) = (&scene.app.running.state.db, scene.place.configuration);
    let connection = db.connection();
    let head = change_sets::head(connection, id).await.expect("the head").expect("a list").version;
    let sets = |from, to| async move {
        let sets = change_sets::published_between(connection, id, from, to).await.expect("the sets");
        sets.iter().map(|set| set.id).collect::<Vec<_>>()
    };
    let (first, later) = (sets(0, 1).await, sets(1, head).await);
    let left: BTreeSet<String> = &all - &ended;
    for limit in 1..=13 {
        let added = |version| {
            let first = &first;
            keys_of("+", async move |keys: Keys<'_>| {
                agent_lists::added_by(connection, first, At::Version(version), ("+", keys), limit)
                    .await
                    .expect("a part")
            })
        };
        assert_eq!((added(1).await, added(head).await), (all.clone(), left.clone()), "parts of {limit}");
        let removed = keys_of("-", async |keys: Keys<'_>| {
            agent_lists::removed_by(connection, &later, 1, keys, limit).await.expect("a part")
        });
        assert_eq!(removed.await, ended, "parts of {limit}");
    }
}
