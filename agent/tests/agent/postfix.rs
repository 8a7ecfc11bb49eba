//! What Postfix may send on one connection, and what it gets.

use crate::support::{FakeService, Policy, eventually, start};
use agent::postfix::map_file;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn socketmap(stream: &mut TcpStream, request: &str, reply: &str) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut octets = vec![0; reply.len()];
    stream.read_exact(&mut octets).await.unwrap();
    assert_eq!(String::from_utf8(octets).unwrap(), reply, "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_requests_are_answered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ["a@example.com", "b@xn--wgv71a119e.example", "\"a b\"@example.com", "\"a@\\\"\\\\\"@example.com"];
    let service = FakeService::start(keys.map(str::to_owned)).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    let mut postfix = Policy::connect(&agent).await;
    for (recipient, refused) in [
        ("a@example.com", true),
        ("\"A\"@Example.COM", true),
        ("b@日本語.example", true),
        // Postfix hands the local part over without its quotes.
        ("a b@Example.com", true),
        ("\"a b\"@example.com", true),
        ("a@\"\\@example.com", true),
        ("a c@example.com", false),
        ("c@example.com", false),
        ("", false),
        ("postmaster", false),
        ("a@example.com@", false),
    ] {
        assert_eq!(postfix.refuses(recipient).await, refused, "{recipient:?}");
    }
    // Three requests at once, the second without a recipient, in odd pieces.
    postfix.send(b"request=smtpd_access_policy\nrecipient=a@exam").await;
    postfix.send(b"ple.com\n\nrequest=smtpd_access_policy\n\nrecipient=c@example.com\nsasl_username=\xff\n\n").await;
    assert!(postfix.answer().await.unwrap().starts_with("action=550 5.7.1 Blocked by Stoplist"));
    assert_eq!(postfix.answer().await.unwrap(), "action=DUNNO");
    assert_eq!(postfix.answer().await.unwrap(), "action=DUNNO");
    // Endless rubbish ends the connection, not the agent.
    let mut rubbish = TcpStream::connect(agent.policy).await.unwrap();
    let _ = rubbish.write_all(&vec![b'x'; 200_000]).await;
    let mut end = Vec::new();
    let _ = rubbish.read_to_end(&mut end).await;
    assert!(end.is_empty());
    assert!(postfix.refuses("a@example.com").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn socketmap_requests_are_answered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let service = FakeService::start(["a@example.com".to_owned()]).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    let refusal = "60:OK error:5.7.1 Blocked by Stoplist: address keeps failing,";
    let refusal = format!("{}:{}", refusal.len() - 4, &refusal[3..]);
    let mut postfix = TcpStream::connect(agent.socketmap).await.unwrap();
    socketmap(&mut postfix, "22:stoplist a@example.com,", &refusal).await;
    socketmap(&mut postfix, "22:stoplist c@example.com,", "9:NOTFOUND ,").await;
    socketmap(&mut postfix, "20:stoplist example.com,", "9:NOTFOUND ,").await;
    let both = format!("{refusal}9:NOTFOUND ,");
    socketmap(&mut postfix, "22:stoplist A@example.com,10:stoplist *,", &both).await;
    for rubbish in ["x:", "99999999999:a,", "3:abcd,"] {
        let mut other = TcpStream::connect(agent.socketmap).await.unwrap();
        other.write_all(rubbish.as_bytes()).await.unwrap();
        let mut end = Vec::new();
        let _ = other.read_to_end(&mut end).await;
        assert!(end.is_empty(), "{rubbish}");
    }
    socketmap(&mut postfix, "22:stoplist a@example.com,", &refusal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_address_is_refused_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let malformed = ["foo@", "example.org", "@example.net", "taro"].map(str::to_owned);
    let service = FakeService::start(malformed.into_iter().chain(["a@example.com".to_owned()])).await;
    let agent = start(folder.path(), service.address).await;
    service.in_sync().await;
    let mut postfix = Policy::connect(&agent).await;
    for (recipient, refused) in [
        ("foo@", true),
        ("Example.ORG", true),
        ("@example.net", true),
        ("taro", true),
        ("foo@example.com", false),
        ("taro@example.org", false),
        ("taro@example.net", false),
        ("example.net", false),
    ] {
        assert_eq!(postfix.refuses(recipient).await, refused, "{recipient:?}");
    }
    // For the route of taro@example.org Postfix asks for the domain alone, and its map file for `taro@` as well.
    let mut routes = TcpStream::connect(agent.socketmap).await.unwrap();
    socketmap(&mut routes, "20:stoplist example.org,", "9:NOTFOUND ,").await;
    let map = folder.path().join("data/blocklist.cdb");
    eventually("the map file is written", || map_file::look_up(&map, "a@example.com").unwrap().is_some()).await;
    for key in ["foo@", "example.org", "@example.net", "taro"] {
        assert_eq!(map_file::look_up(&map, key).unwrap(), None, "{key}");
    }
}
