//! Bounce messages: Postfix hands them to the agent's command, which never loses one and never counts a failure twice.

use mail_e2e::{
    field::{
        Field, SOON,
        agent::{BOUNCE_DOMAIN, BOUNCE_MAILBOX},
    },
    rig::{Answer, holds_within},
};
use std::time::Duration;

/// The envelope sender of a message to `user@example.test`.
fn verp(user: &str) -> String {
    verp_of(user, "example.test")
}

fn verp_of(user: &str, domain: &str) -> String {
    format!("{BOUNCE_MAILBOX}+{user}={domain}@{BOUNCE_DOMAIN}")
}

/// What a far server sends back that had taken the message first: no log of ours has this failure.
fn report_from_afar(user: &str) -> String {
    format!(
        "From: Mail Delivery <mailer-daemon@far.test>\nMessage-Id: <{user}.1@far.test>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nSorry.\n\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; far.test\n\nFinal-Recipient: rfc822; mailbox-of-{user}@far.test\nAction: failed\n\
         Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n\n--b--\n"
    )
}

async fn bounce_from_afar(field: &Field, user: &str) -> anyhow::Result<()> {
    bounce_to(field, &verp(user), user).await
}

async fn bounce_to(field: &Field, address: &str, user: &str) -> anyhow::Result<()> {
    let to = format!("<{address}>");
    let reply = field.one.session().await?.deliver("", &to, &report_from_afar(user)).await?;
    anyhow::ensure!(reply.is_positive(), "a bounce message is refused: {reply:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_message_of_our_own_server_counts_once_with_its_log_line() -> anyhow::Result<()> {
    Field::prove(async |field| {
        let mut session = field.one.session().await?;
        field.site.when_mailed("gone@example.test", Answer::unknown_user());
        field.site.when_mailed("other@example.test", Answer::AfterData("550 5.1.1 No such user here".to_owned()));
        for (user, parameters) in [("gone", ""), ("other", "ORCPT=rfc822;customer-7@shop.test"), ("u-521-full", "")] {
            let reply = session.send_from(&verp(user), &format!("{user}@example.test"), parameters).await?;
            anyhow::ensure!(reply.is_positive(), "{user}: {reply:?}");
        }
        // No such domain: no server was asked.
        let nowhere = "x@nxdomain.test";
        let sender = verp_of("x", "nxdomain.test");
        assert!(session.send_from(&sender, nowhere, "").await?.is_positive());
        for to in [verp("gone"), verp("other"), verp("u-521-full"), sender] {
            let line = field.one.postfix.logs(&to, "status=", SOON).await?;
            anyhow::ensure!(line.contains("status=sent (delivered via stoplist-bounce service"), "{line}");
            anyhow::ensure!(line.contains("failures taken: 1"), "{line}");
        }
        holds_within("the agent took them over", SOON, async || Ok(field.one.bounces_waiting()? == 0)).await?;
        // Events arrive in their order: behind this one everything before it has arrived.
        field.bounce("last@example.test").await?;
        for address in ["gone@example.test", "other@example.test", "u-521-full@example.test", nowhere] {
            field.errors_are_counted(address, 1).await?;
        }
        let strangers = field.api.errors_of("customer-7@shop.test").await?;
        anyhow::ensure!(strangers.is_empty(), "counted under the name that the application gave: {strangers:?}");

        // A refusal by the list itself comes back as well, and never counts.
        field.run_now().await?;
        field.one.postfix.sendmail_from(&verp("gone"), "gone@example.test").await?;
        field.one.postfix.logs("gone@example.test", "status=bounced (Blocked by Stoplist", SOON).await?;
        holds_within("its bounce message arrives", SOON, async || {
            Ok(field.one.postfix.log().matches("failures taken: 1").count() == 5 && field.one.bounces_waiting()? == 0)
        })
        .await?;
        field.bounce("very-last@example.test").await?;
        field.errors_are_counted("gone@example.test", 1).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_message_waits_where_it_is_safe_whatever_is_down() -> anyhow::Result<()> {
    Field::prove(async |field| {
        bounce_from_afar(field, "first").await?;
        // The address that was sent to failed, not the mailbox that it was forwarded to.
        field.errors_are_counted("first@example.test", 1).await?;

        field.one.let_bounces_in(false)?;
        bounce_from_afar(field, "second").await?;
        let line = field.one.postfix.logs(&verp("second"), "status=", SOON).await?;
        anyhow::ensure!(line.contains("status=deferred") && line.contains("cannot write in data_dir"), "{line}");
        assert_eq!(field.one.postfix.queued().await?, [verp("second")], "it stays in Postfix's queue");
        assert_eq!(field.one.bounces_waiting()?, 0);
        field.one.let_bounces_in(true)?;
        // By itself the queue manager comes back when its time is up, which may be minutes.
        holds_within("it is taken when Postfix tries again", SOON, async || {
            field.one.postfix.flush().await?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(field.one.postfix.queued().await?.is_empty())
        })
        .await?;
        field.errors_are_counted("second@example.test", 1).await?;

        field.service.kill()?;
        bounce_from_afar(field, "third").await?;
        field.one.kill_agent()?;
        bounce_from_afar(field, "fourth").await?;
        let line = field.one.postfix.logs(&verp("fourth"), "status=", SOON).await?;
        anyhow::ensure!(line.contains("failures taken: 1"), "taken without agent and service: {line}");
        field.one.start_agent().await?;
        field.service.start().await?;
        for address in ["third@example.test", "fourth@example.test"] {
            field.errors_are_counted(address, 1).await?;
        }

        // What is no bounce is dropped, and nobody is told.
        let mut session = field.one.session().await?;
        let letter = "From: <hanako@example.test>\nSubject: away\n\nI am on holiday.\n";
        let reply = session.deliver("hanako@example.test", &format!("<{}>", verp("hanako")), letter).await?;
        assert!(reply.is_positive());
        let line = field.one.postfix.logs(&verp("hanako"), "status=", SOON).await?;
        anyhow::ensure!(line.contains("status=sent") && line.contains("dropped: this is no bounce message"), "{line}");
        // So is a bounce message of somebody who does not know the mailbox.
        for forged in [format!("bounce+victim=example.test@{BOUNCE_DOMAIN}"), format!("victim@{BOUNCE_DOMAIN}")] {
            bounce_to(field, &forged, "victim").await?;
            let line = field.one.postfix.logs(&forged, "status=", SOON).await?;
            anyhow::ensure!(line.contains("status=sent") && line.contains("dropped: only what comes to"), "{line}");
        }
        field.bounce("last@example.test").await?;
        for address in ["victim@example.test", "mailbox-of-victim@far.test"] {
            let believed = field.api.errors_of(address).await?;
            anyhow::ensure!(believed.is_empty(), "a forged bounce message is believed: {believed:?}");
        }
        field.one.postfix.queue_is_empty(SOON).await?;
        assert_eq!(field.site.sink().attempts("hanako@example.test"), 0, "no answer was sent");
        Ok(())
    })
    .await
}
