//! What the service tells people by mail, through a real Postfix.

use mail_e2e::{
    field::{Api, SOON, Service},
    rig::{Database, Sasl, Site, eventually, holds_within},
};
use mail_parser::MessageParser;
use serde_json::json;
use shared::{inquiry::InquiryThread, user::InvitationLink};
use std::net::SocketAddr;

/// Who sends the service's mails.
const FROM: &str = "Stoplist <stoplist@stoplist.test>";

/// The next mail for an address that is not one of `seen`, as it came.
async fn mail(site: &Site, address: &str, seen: usize) -> anyhow::Result<String> {
    let what = format!("mail {} for {address} arrives", seen + 1);
    Ok(eventually(&what, SOON, async || Ok(site.sink().messages(address).into_iter().nth(seen))).await?.0)
}

/// Subject and text of a mail, after checking that it went as mail servers of old take it: ASCII in its head, no line
/// longer than 998 octets (RFC 5322 section 2.1.1).
fn read(received: &str) -> (String, String) {
    let (head, _) = received.split_once("\r\n\r\n").expect("a head");
    assert!(head.is_ascii(), "{head}");
    assert!(received.lines().all(|line| line.len() <= 998), "{received}");
    let message = MessageParser::default().parse(received).expect("a message");
    let text = message.body_text(0).expect("a text").into_owned();
    (message.subject().expect("a subject").to_owned(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_password_is_set_anew_by_a_link_that_came_by_mail() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let postfix = site.postfix("relay", 2601)?.start().await?;
    let database = Database::fresh(site.folder()).await?;
    let mut service = Service::new(&site, &database, "service", 8080, None)?
        .sending_mail_by(&format!("smtp://{}:2601", site.address()), FROM);
    service.start().await?;
    let api = Api::set_up(&mut service).await?;
    let address = "admin@shop.test";

    api.ask("/password-resets", &json!({ "email": "nobody@shop.test" })).await?;
    api.ask("/password-resets", &json!({ "email": address })).await?;
    let received = eventually("the mail arrives", SOON, async || Ok(site.sink().messages(address).pop())).await?.0;
    let message = MessageParser::default().parse(&received).expect("a message");
    let text = message.body_text(0).expect("a text");
    let from = message.from().and_then(|from| from.first()).and_then(|from| from.address());
    assert_eq!(from, Some("stoplist@stoplist.test"));
    assert_eq!(message.subject(), Some("Set a new password / パスワードの再設定"));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert!(message.message_id().is_some_and(|id| id.ends_with("@stoplist.test")), "{received}");
    let prefix = format!("{}/password-reset#", service.url());
    let secret = text.lines().find_map(|line| line.strip_prefix(&prefix)).expect("a link to the console");

    let (old, new) = ("correct horse battery staple", "a password that was never used");
    api.ask("/password-resets/complete", &json!({ "secret": secret.trim(), "password": new })).await?;
    api.ask("/sessions", &json!({ "email": address, "password": new })).await?;
    assert!(api.ask("/sessions", &json!({ "email": address, "password": old })).await.is_err());
    let told = eventually("a second mail tells of the change", SOON, async || {
        Ok(site.sink().messages(address).into_iter().find(|message| message.contains("Your password was changed")))
    });
    told.await?;
    postfix.queue_is_empty(SOON).await?;
    assert_eq!(site.sink().messages("nobody@shop.test"), Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_its_answer_and_an_invitation_arrive_in_japanese() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let postfix = site.postfix("relay", 2601)?.start().await?;
    let database = Database::fresh(site.folder()).await?;
    let mut service = Service::new(&site, &database, "service", 8080, None)?
        .sending_mail_by(&format!("smtp://{}:2601", site.address()), FROM);
    service.start().await?;
    let api = Api::set_up(&mut service).await?;
    let (provider, admin) = ("provider@stoplist.test", "admin@shop.test");
    let user = api.sign_in(admin).await?;

    let subject = "ダウンロードの有効化のお願い（至急）: 髙橋商店・①号店 \u{1f64f}";
    let asked = "配信停止リストをダウンロードしたいです。\n.\n行頭のドットと、全角の「～」も届きますか。\n".to_owned()
        + &"改行のない長い一行です。".repeat(100);
    let inquiry = json!({ "category": "enable_download", "subject": subject, "text": asked });
    let thread: InquiryThread = user.post("/inquiries", &inquiry).await?;
    let received = mail(&site, provider, 0).await?;
    let raw = received.lines().find(|line| line.starts_with("Subject:")).expect("a subject");
    assert!(raw.to_lowercase().contains("=?utf-8?"), "RFC 2047: {raw}");
    let (read_subject, text) = read(&received);
    assert_eq!(read_subject, format!("[Stoplist] {subject}"));
    for line in asked.lines() {
        assert!(text.lines().any(|one| one == format!("> {line}")), "{line}: {text}");
    }
    assert!(text.contains("Shop からのお問い合わせです。"), "{text}");
    let link = format!("{}/provider/inquiries/{}", service.url(), thread.inquiry.id);
    assert!(text.contains(&link), "{text}");

    let answered = "有効にしました。ご利用ください。";
    let answer = format!("/provider/inquiries/{}/messages", thread.inquiry.id);
    api.sign_in(provider).await?.ask(&answer, &json!({ "text": answered })).await?;
    let (read_subject, text) = read(&mail(&site, admin, 0).await?);
    assert_eq!(read_subject, format!("[Stoplist] {subject}"));
    assert!(text.contains(&format!("> {answered}")) && text.contains("プロバイダーから回答がありました。"), "{text}");
    assert!(text.contains(&format!("{}/inquiries/{}", service.url(), thread.inquiry.id)), "{text}");

    let invitation = json!({ "email": "hanako@shop.test", "role": "operator" });
    let invited: InvitationLink = user.post("/invitations", &invitation).await?;
    assert_eq!(invited.link, None);
    let (read_subject, text) = read(&mail(&site, "hanako@shop.test", 0).await?);
    assert_eq!(read_subject, "You are invited to Stoplist / Stoplist への招待");
    assert!(text.contains(&format!("{}/invitation#", service.url())), "{text}");
    assert!(text.contains("admin@shop.test さんから Stoplist に招待されました。"), "{text}");
    postfix.queue_is_empty(SOON).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_by_tls_with_a_password_to_a_server_that_proves_itself() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let address = site.address();
    let made = rcgen::generate_simple_self_signed(vec![address.to_string()])?;
    let (certificate, key) = (site.folder().join("tls.crt"), site.folder().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    let sasl = Sasl::start(SocketAddr::from((address, 2610)), "stoplist", "password").await?;
    let postfix = site
        .postfix("submission", 2601)?
        .with(&sasl.settings())
        .with(&format!("smtpd_tls_cert_file = {}", certificate.display()))
        .with(&format!("smtpd_tls_key_file = {}", key.display()))
        .with("smtpd_tls_security_level = may\nsmtpd_tls_auth_only = yes\nsmtpd_tls_loglevel = 1")
        .with("smtpd_relay_restrictions = permit_sasl_authenticated, reject")
        .with("smtpd_recipient_restrictions = permit_sasl_authenticated, reject")
        .with_lines(&format!(
            "# master.cf\nsmtp inet n - n - - smtpd\n\
             {address}:2602 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o syslog_name=wrapped"
        ))
        .start()
        .await?;

    for (name, port, url, trusts, arrives) in [
        ("starttls", 8081, format!("smtp://stoplist:password@{address}:2601?tls=required"), true, true),
        ("wrapped", 8082, format!("smtps://stoplist:password@{address}:2602"), true, true),
        ("stranger", 8083, format!("smtps://stoplist:password@{address}:2602"), false, false),
        ("guesser", 8084, format!("smtps://stoplist:guessed@{address}:2602"), true, false),
    ] {
        let database = Database::fresh(&site.new_folder(&format!("{name}-database"))?).await?;
        let mut service = Service::new(&site, &database, name, port, None)?.sending_mail_by(&url, FROM);
        if trusts {
            service = service.trusting(certificate.clone());
        }
        service.start().await?;
        let api = Api::set_up(&mut service).await?;
        let to = format!("{name}@shop.test");
        api.sign_in("admin@shop.test").await?.ask("/invitations", &json!({ "email": to, "role": "viewer" })).await?;
        if arrives {
            mail(&site, &to, 0).await?;
        } else {
            // It waits for a certificate, or a password, that does: that is not the mail's fault.
            holds_within("the service says that it could not be sent", SOON, async || {
                Ok(service.output().contains("a mail could not be sent"))
            })
            .await?;
            assert!(!service.output().contains("given up"), "{}", service.output());
            assert!(!service.output().contains("guessed"), "{}", service.output());
        }
    }
    postfix.queue_is_empty(SOON).await?;
    // Postfix writes its log by another process, a little after its answers.
    holds_within("two signed in with PLAIN, over TLS", SOON, async || {
        let log = postfix.log();
        let signed_in = log.matches("sasl_method=PLAIN, sasl_username=stoplist").count();
        Ok(signed_in == 2 && log.contains("TLS connection established from"))
    })
    .await?;
    for name in ["stranger", "guesser"] {
        assert_eq!(site.sink().messages(&format!("{name}@shop.test")), Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_for_good_is_given_up_and_the_log_does_not_say_to_whom() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let refused = "no.such.mailbox@shop.test";
    let postfix = site
        .postfix("relay", 2601)?
        .with(&format!(
            "smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ {refused} = 550 5.1.1 no mailbox }} }}, \
             permit_mynetworks, reject"
        ))
        .start()
        .await?;
    let database = Database::fresh(site.folder()).await?;
    let mut service = Service::new(&site, &database, "service", 8080, None)?
        .sending_mail_by(&format!("smtp://{}:2601", site.address()), FROM);
    service.start().await?;
    let api = Api::set_up(&mut service).await?;
    let user = api.sign_in("admin@shop.test").await?;
    user.ask("/invitations", &json!({ "email": refused, "role": "viewer" })).await?;
    let (line, _) = eventually("the service gives it up", SOON, async || {
        Ok(service.output().lines().find(|line| line.contains("a mail is given up")).map(str::to_owned))
    })
    .await?;
    assert!(line.contains("n***@shop.test") && line.contains("no mailbox"), "{line}");
    // Postfix writes its log by another process, a little after its answer.
    holds_within("Postfix repeats the address in its answer", SOON, async || {
        Ok(postfix.log().contains(&format!("<{refused}>")))
    })
    .await?;
    assert!(!service.output().contains("no.such.mailbox"), "{}", service.output());
    // Others get theirs, and nobody gets that one.
    user.ask("/invitations", &json!({ "email": "next@shop.test", "role": "viewer" })).await?;
    mail(&site, "next@shop.test", 0).await?;
    assert_eq!(site.sink().attempts(refused), 0);
    Ok(())
}
