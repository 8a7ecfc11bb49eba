//! What the service tells people by mail, through a real Postfix.

use mail_e2e::{
    field::{Api, SOON, Service},
    rig::{Database, Site, eventually},
};
use mail_parser::MessageParser;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_password_is_set_anew_by_a_link_that_came_by_mail() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let postfix = site.postfix("relay", 2601)?.start().await?;
    let database = Database::fresh(site.folder()).await?;
    let mut service = Service::new(&site, &database, "service", 8080, None)?
        .sending_mail_by(&format!("smtp://{}:2601", site.address()), "Stoplist <stoplist@stoplist.test>");
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
