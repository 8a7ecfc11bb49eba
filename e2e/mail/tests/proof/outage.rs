//! Nothing that dies opens a mail server or stops it.

use mail_e2e::{
    field::{Field, SOON, agent::is_refused},
    rig::{Answer, holds_within},
};

#[tokio::test(flavor = "multi_thread")]
async fn service_and_agents_die_and_both_servers_keep_refusing() -> anyhow::Result<()> {
    Field::prove(async |field| {
        let (gone, full) = ("gone@example.test", "full@example.test");
        field.bounce(gone).await?;
        field.run_now().await?;
        tokio::try_join!(field.one.map_file_refuses(gone), field.two.map_file_refuses(gone))?;
        let (mut on_one, mut on_two) = tokio::try_join!(field.one.session(), field.two.session())?;

        field.service.kill()?;
        assert!(is_refused(&mut on_one, gone).await? && is_refused(&mut on_two, gone).await?, "on open sessions");
        assert!(field.is_refused(gone).await?, "in new sessions");
        assert!(!field.is_refused("there@example.test").await?);
        let tried = field.site.sink().attempts(gone);
        for postfix in [&field.one.postfix, &field.two.postfix] {
            postfix.sendmail(gone).await?;
            postfix.logs(gone, "status=bounced (Blocked by Stoplist", SOON).await?;
        }
        // What happens meanwhile waits in the agent's spool.
        field.site.when_mailed(full, Answer::mailbox_disabled());
        let mut session = field.one.session().await?;
        for _ in 0..5 {
            assert!(session.send(full).await?.is_positive());
        }
        field.one.postfix.queue_is_empty(SOON).await?;

        field.one.kill_agent()?;
        field.two.kill_agent()?;
        assert!(is_refused(&mut on_one, gone).await? && is_refused(&mut on_two, gone).await?, "on open sessions");
        assert!(field.is_refused(gone).await?, "in new sessions, by the file");
        assert!(!field.is_refused("there@example.test").await?, "others go through");
        assert!(session.send("there@example.test").await?.is_positive(), "mail is taken");
        field.one.postfix.logs("there@example.test", "status=deferred", SOON).await?;
        field.two.postfix.sendmail(gone).await?;
        field.two.postfix.logs(gone, "status=deferred", SOON).await?;

        // An agent restarted without the service has its list from its own disk.
        tokio::try_join!(field.one.start_agent(), field.two.start_agent())?;
        // Postfix's queue manager remembers the failure for the last address for 30 s; other mail makes it ask again.
        field.one.postfix.sendmail("another@example.test").await?;
        assert!(field.is_refused(gone).await?);
        holds_within("the mail that was taken meanwhile arrives", SOON, async || {
            Ok(field.site.sink().delivered("there@example.test") == 1)
        })
        .await?;
        assert_eq!(field.site.sink().attempts(gone), tried, "it reaches nobody, whatever is down");
        field.service.start().await?;
        field.both_are_in_sync().await?;
        field.errors_are_counted(full, 5).await?;
        field.errors_are_counted(gone, 1).await
    })
    .await
}
