//! The rig itself: what the proof stands on.

use mail_e2e::rig::{Answer, Process, RETRY_TIME, Site, holds_within};
use std::{process::Command, time::Duration};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_smtp_and_sendmail_to_the_sink() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let postfix = site.postfix("plain", 2601)?.start().await?;
    let mut session = postfix.session().await?;
    assert!(session.send("a@example.test").await?.is_positive());
    postfix.sendmail("a@example.test").await?;
    holds_within("both messages arrive", SOON, async || Ok(site.sink().delivered("a@example.test") == 2)).await?;
    postfix.queue_is_empty(SOON).await
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_every_kind_reach_the_mail_log() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let postfix = site.postfix("errors", 2601)?.start().await?;
    postfix.set(RETRY_TIME).await?;
    let mut session = postfix.session().await?;
    for recipient in
        ["u-511-x@example.test", "u-571-x@example.test", "x@nxdomain.test", "x@nullmx.test", "u-451-x@example.test"]
    {
        assert!(session.send(recipient).await?.is_positive(), "{recipient}");
    }
    let (unknown, spam, host, null, late) = tokio::join!(
        postfix.logs("u-511-x@example.test", "dsn=5.1.1, status=bounced", SOON),
        postfix.logs("u-571-x@example.test", "dsn=5.7.1, status=bounced", SOON),
        postfix.logs("x@nxdomain.test", "dsn=5.4.4, status=bounced", SOON),
        postfix.logs("x@nullmx.test", "dsn=5.1.0, status=bounced", SOON),
        postfix.logs("u-451-x@example.test", "status=deferred", SOON),
    );
    assert!(unknown?.contains("NoSuchUser"));
    for logged in [spam, host, null, late] {
        logged?;
    }
    holds_within("the retry time ends", SOON, async || Ok(postfix.log().contains("status=expired"))).await?;
    assert!(site.sink().attempts("u-451-x@example.test") > 1, "it was tried again");
    assert_eq!(site.sink().delivered("u-451-x@example.test"), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scripted_answer_changes_while_the_message_is_queued() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let postfix = site.postfix("script", 2601)?.start().await?;
    site.when_mailed("b@example.test", Answer::try_later());
    postfix.sendmail("b@example.test").await?;
    postfix.logs("b@example.test", "status=deferred", SOON).await?;
    assert_eq!(postfix.queued().await?, ["b@example.test"]);
    site.when_mailed("b@example.test", Answer::Accept);
    postfix.flush().await?;
    postfix.logs("b@example.test", "status=sent", SOON).await?;
    assert_eq!(site.sink().delivered("b@example.test"), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_lines_go_into_main_cf_and_master_cf() -> anyhow::Result<()> {
    let site = Site::open().await?;
    let printed = "\
# ---- /etc/postfix/main.cf ----
smtpd_recipient_restrictions =
    check_recipient_access inline:{ { no@example.test = 550 5.7.1 Blocked by Stoplist } },
    permit_mynetworks, reject
# ---- /etc/postfix/master.cf ----
smtp inet n - n - - smtpd
    -o smtpd_soft_error_limit=2000
";
    let postfix = site.postfix("lines", 2601)?.with_lines(printed).start().await?;
    let mut session = postfix.session().await?;
    assert!(session.ask("no@example.test").await?.is_blocked());
    assert!(session.ask("yes@example.test").await?.is_positive());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_end_with_their_guard() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let start = || {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 600"]);
        Process::start("sleeper", &mut command, &folder.path().join("out"))
    };
    let runs = |id: u32| std::path::Path::new(&format!("/proc/{id}")).exists();
    let mut killed = start()?;
    killed.line_with("ready", SOON).await?;
    let id = killed.id();
    killed.kill()?;
    assert!(!runs(id));
    let id = {
        let dropped = start()?;
        assert!(runs(dropped.id()));
        dropped.id()
    };
    assert!(!runs(id));
    Ok(())
}
