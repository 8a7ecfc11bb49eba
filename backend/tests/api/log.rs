//! The log of the process: what is in it, which request it is about, and that no mail address is in it.

use crate::{
    commands::{Service, run, text},
    support::{PASSWORD, TestApp, client::Client, database},
};
use backend::config::Settings;
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use shared::session::AccessToken;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::Instant,
};

/// The local part of every address here: no line of the log may have it.
const NAME: &str = "taro.yamada";

/// A mail server that names whom it refuses: at `later.example` for now, elsewhere for good. Answers its address.
async fn refusing_mail_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(refuse(stream));
        }
    });
    address
}

async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let whom = line.strip_prefix("RCPT TO:").unwrap_or_default();
        let answer = match line.get(..4).unwrap_or_default() {
            "RCPT" if whom.contains("later.example") => format!("451 4.2.1 {whom}: {NAME} is busy, come back later"),
            "RCPT" => format!("550 5.1.1 {whom}: no mailbox '{NAME}' here"),
            "QUIT" => return write.write_all(b"221 2.0.0 Bye\r\n").await,
            _ => "250 2.0.0 Ok".to_owned(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// A service with somebody signed in, and its log.
struct Scene {
    service: Service,
    log: std::path::PathBuf,
    client: Client,
    configuration: String,
}

impl Scene {
    /// Starts it with more settings, or none.
    async fn start(settings: &Settings, more: &[&str]) -> Self {
        let at = |place: &str| format!("{NAME}@{place}.example");
        let (folder, database) = (&settings.data_dir, ["--database-url", settings.database_url.as_str()]);
        let create = ["provider", "create", "--email", &at("provider")];
        let made = run(folder, &[&create[..], &database].concat(), &format!("{PASSWORD}\n"));
        assert!(made.status.success(), "{}", text(&made.stderr));
        if let Some(file) = settings.sqlite_file() {
            // As a file that came out of a backup may be.
            fs::set_permissions(file, PermissionsExt::from_mode(0o644)).expect("another mode");
        }
        let smtp = format!("smtp://{}", refusing_mail_server().await);
        let mail =
            ["--smtp-url", smtp.as_str(), "--mail-from", "a@stoplist.example", "--public-url", "http://localhost"];
        let log = folder.join("log");
        let file = Stdio::from(File::create(&log).expect("a file"));
        let service = Service::start_with(folder, &[&mail[..], &database, more].concat(), file);
        let base = service.address.trim_end_matches('/').to_owned();
        let client = |token| TestApp::client_of(&base, token);
        let sign_in = async |email: String| {
            let body = json!({ "email": email, "password": PASSWORD });
            let begun = client(None).post("/api/v1/sessions", &body).await.expect(201);
            client(Some(begun.json::<AccessToken>().access_token))
        };
        let provider = sign_in(at("provider")).await;
        let account = json!({ "name": "first", "plan": "professional",
            "administrator_email": at("first"), "administrator_password": PASSWORD });
        provider.post("/api/v1/provider/accounts", &account).await.expect(201);
        let client = sign_in(at("first")).await;
        let configuration = client.create_configuration("Main").await;
        Self { service, log, client, configuration: format!("/api/v1/server-configurations/{configuration}") }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until the log says something.
    async fn says(&self, words: &str) {
        let begun = Instant::now();
        while !self.log().contains(words) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{words}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn status(&self, method: Method, path: &str) -> StatusCode {
        self.client.request(method, path).send().await.expect("an answer").status()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_names_an_address_whatever_is_asked_refused_or_fails() {
    let (settings, _folder) = database::empty().await;
    let scene = Scene::start(&settings, &[]).await;
    let (client, of) = (&scene.client, |rest: &str| format!("{}{rest}", scene.configuration));
    let address = format!("{NAME}@customer.example");

    for search in [
        format!("/blocked-addresses?q={address}"),
        format!("/exemptions?q={NAME}%40customer.example"),
        format!("/delivery-events?q={address}&outcome=error"),
        format!("/address-history?address={address}"),
    ] {
        client.get(&of(&search)).await.expect(200);
    }
    client.post(&of("/releases"), &json!({ "addresses": [address] })).await.expect(200);
    let event = json!([{ "id": "1", "address": address, "outcome": "error", "reason": address }]);
    client.post(&of("/delivery-events"), &event).await.expect(200);

    // Mistaken callers put addresses into paths, wrong parameters and wrong fields.
    let stray = format!("{}/{address}", of("/exemptions"));
    for (method, path, status) in [
        (Method::DELETE, stray.clone(), 404),
        (Method::GET, format!("/api/v1/{NAME}%40customer.example/history"), 404),
        (Method::GET, format!("/lists/{address}"), 404),
        (Method::GET, of(&format!("/blocked-addresses?address={address}")), 422),
        (Method::DELETE, format!("{}?q={address}", of("")), 405),
    ] {
        assert_eq!(scene.status(method, &path).await.as_u16(), status, "{path}");
    }
    client.post(&of("/releases"), &json!({ "address": address })).await.expect(422);
    let nobody = TestApp::client_of(scene.service.address.trim_end_matches('/'), None);
    nobody.get(&of(&format!("/blocked-addresses?q={address}"))).await.expect(401);
    let wrong = json!({ "email": format!("{NAME}@first.example"), "password": "wrong wrong wrong" });
    nobody.post("/api/v1/sessions", &wrong).await.expect(401);

    // A mail that is refused for good, and one that is for now.
    nobody.post("/api/v1/password-resets", &json!({ "email": format!("{NAME}@first.example") })).await.expect(202);
    scene.says("a mail is given up").await;
    let invitation = json!({ "email": format!("{NAME}@later.example"), "role": "viewer" });
    client.post("/api/v1/invitations", &invitation).await.expect(201);
    scene.says("a mail could not be sent").await;

    // Something that fails inside.
    let database = Database::connect(&settings.database_url).await.expect("the service's database");
    database.execute_unprepared("ALTER TABLE exemptions RENAME TO away").await.expect("a broken schema");
    database.close().await.expect("closed");
    client.get(&of(&format!("/exemptions?q={address}"))).await.expect(500);
    scene.says("a request failed").await;

    let docs = format!("{}api/docs/", scene.service.address);
    assert!(reqwest::get(docs).await.expect("an answer").status().is_success());
    let log = scene.log();
    assert!(!log.contains('\u{1b}'), "colours are for people: {log}");
    assert!(!log.contains("cardinality"), "{log}");
    for words in ["answered", "a sign-in failed", "t***@first.example", "t***@later.example"] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert_eq!(log.contains("chmod 600"), settings.sqlite_file().is_some(), "{log}");
    let lines = log.lines().filter(|line| line.to_lowercase().contains(NAME));
    assert_eq!(lines.collect::<Vec<_>>(), Vec::<&str>::new());
    let path = stray.rsplit_once('/').expect("a path").0;
    assert!(log.contains(&format!("{path}/***")), "{log}");
    assert!(log.matches("answered").count() > 15, "{log}");
    scene.service.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_the_lines_of_a_request_have_the_id_that_its_answer_has() {
    let (settings, _folder) = database::empty().await;
    let Scene { service, log, client, configuration } = Scene::start(&settings, &["--log-format", "json"]).await;
    let nobody = TestApp::client_of(service.address.trim_end_matches('/'), None);
    let list = format!("{configuration}/blocked-addresses");
    let releases = format!("{configuration}/releases");
    let sessions = "/api/v1/sessions".to_owned();
    let wrong = json!({ "email": format!("{NAME}@first.example"), "password": "wrong wrong wrong" });
    let made_up = Method::from_bytes(b"MADEUP").expect("a method");
    let answers = [
        ("GET", &list, client.get(&list).await.expect(200)),
        ("POST", &releases, client.post(&releases, &json!({ "address": "wrong" })).await.expect(422)),
        ("POST", &sessions, nobody.post(&sessions, &wrong).await.expect(401)),
        ("MADEUP", &list, client.send(client.request(made_up, &list)).await.expect(405)),
    ];
    // All that it had to say is in the log.
    service.terminate();
    let log = fs::read_to_string(log).expect("a log");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for (method, path, answer) in answers {
        let id = answer.headers["x-request-id"].to_str().expect("text");
        let said = |message: &str| -> Vec<&Value> {
            let is_said = |line: &&Value| line["message"] == message && line["span"]["request_id"] == id;
            lines.iter().filter(is_said).collect()
        };
        let [answered] = said("answered")[..] else { panic!("one line about {method} {path}, {id}: {log}") };
        let of = &answered["span"];
        assert_eq!((of["method"].as_str(), of["path"].as_str()), (Some(method), Some(path.as_str())), "{answered}");
        assert_eq!(of["status"], answer.status.as_u16(), "{answered}");
        assert!(answered["timestamp"].is_string() && answered["level"] == "INFO", "{answered}");
        // What happened within the request has its id as well.
        assert_eq!(said("a sign-in failed").len(), usize::from(*path == sessions), "{log}");
    }
    let answered = lines.iter().filter(|line| line["message"] == "answered");
    let ids: Vec<_> = answered.map(|line| line["span"]["request_id"].as_str().expect("an id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each request has its own: {ids:?}");
}
