//! Something between agent and service answers, refuses or asks to wait; and a token is replaced.

use crate::{
    events::{append, bounced},
    support::{FakeService, Foreign, Policy, config, eventually, start},
};
use agent::{clock::Clock, config::Config, run::Agent};
use std::{collections::BTreeSet, fs, time::Duration};

fn html(status: u16) -> Foreign {
    Foreign {
        status,
        headers: "Content-Type: text/html\r\n",
        body: "<html><body>Please sign in</body></html>".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_says_changes_nothing_and_costs_nothing() {
    for (case, foreign) in [
        html(200),
        html(400),
        html(403),
        html(413),
        html(422),
        html(502),
        // More than anybody reads.
        Foreign { status: 200, headers: "", body: "{".repeat(6 << 20) },
    ]
    .into_iter()
    .enumerate()
    {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("mail.log");
        let service = FakeService::start(["old@example.com".to_owned()]).await;
        let more = format!("mail_log = {log:?}\nmyhostname = \"pfe\"\n");
        let agent = Agent::start(config(folder.path(), service.address, &more), Clock::system()).await.unwrap();
        service.in_sync().await;
        service.state().foreign = Some(foreign);
        // Wakes the agent, whose next requests reach the proxy.
        service.publish(|keys| {
            keys.insert("new@example.com".to_owned());
        });
        (0..3).for_each(|n| append(&log, &bounced(n)));
        eventually("the proxy answered often", || service.state().foreign_answers.len() >= 6).await;
        let mut postfix = Policy::connect(&agent).await;
        assert!(postfix.refuses("old@example.com").await, "case {case}: the list in effect stays");
        service.state().foreign = None;
        service.in_sync().await;
        assert!(postfix.refuses("new@example.com").await);
        let reported = || -> BTreeSet<_> {
            service.state().reports.iter().map(|event| event["address"].as_str().unwrap().to_owned()).collect()
        };
        eventually("every error arrives", || reported().len() == 3).await;
        assert_eq!(service.state().snapshots, 1, "case {case}: no snapshot was needed");
        assert!(!folder.path().join("data/spool/rejected.ndjson").exists(), "case {case}: a proxy cannot reject");
        agent.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_waits_as_long_as_it_is_asked_to() {
    for status in [429, 503] {
        let folder = tempfile::tempdir().unwrap();
        let service = FakeService::start([]).await;
        service.state().foreign = Some(Foreign { status, headers: "Retry-After: 1\r\n", body: "busy".to_owned() });
        let agent = start(folder.path(), service.address).await;
        eventually("it tried again", || service.state().foreign_answers.len() >= 3).await;
        let answers = service.state().foreign_answers.clone();
        for pair in answers.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(1), "{status}: {:?}", pair[1] - pair[0]);
        }
        service.state().foreign = None;
        service.in_sync().await;
        agent.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_in_the_file_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    fs::write(&token_file, "secret-token\n").unwrap();
    let service = FakeService::start(["a@example.com".to_owned()]).await;
    config(folder.path(), service.address, "");
    let path = folder.path().join("agent.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("token = \"secret-token\"", &format!("token_file = {token_file:?}"))).unwrap();
    let agent = Agent::start(Config::read(&path).unwrap(), Clock::system()).await.unwrap();
    service.in_sync().await;
    service.state().token = "another-token";
    service.publish(|keys| {
        keys.insert("b@example.com".to_owned());
    });
    // A file that is just being written has no token.
    fs::write(&token_file, "").unwrap();
    fs::write(&token_file, "another-token\n").unwrap();
    service.in_sync().await;
    agent.stop().await;
}
