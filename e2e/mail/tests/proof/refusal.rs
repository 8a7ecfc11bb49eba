//! An error becomes a block, and the block is everywhere.

use mail_e2e::{
    field::{Field, SOON, agent::is_refused},
    rig::{Answer, holds_within},
};
use shared::{Reason, list::BlockState};

/// The mail log's words for a message that the second net refused.
const REFUSED: &str = "status=bounced (Blocked by Stoplist";

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_is_blocked_by_an_immediate_run_and_refused_on_every_way() -> anyhow::Result<()> {
    Field::prove(async |field| {
        let (gone, waiting) = ("gone@example.test", "waiting@example.test");
        // Both servers have accepted a message before anybody knows that the user is gone.
        field.site.when_mailed(waiting, Answer::try_later());
        for postfix in [&field.one.postfix, &field.two.postfix] {
            postfix.sendmail(waiting).await?;
            postfix.logs(waiting, "status=deferred", SOON).await?;
            postfix.hold_queue().await?;
        }
        // Applications keep their sessions open all the time.
        let (mut on_one, mut on_two) = tokio::try_join!(field.one.session(), field.two.session())?;
        assert!(!is_refused(&mut on_one, gone).await? && !is_refused(&mut on_two, gone).await?);

        for address in [gone, waiting] {
            field.site.when_mailed(address, Answer::unknown_user());
            assert!(on_one.send(address).await?.is_positive());
            field.errors_are_counted(address, 1).await?;
        }
        assert!(field.api.blocked(gone).await?.is_none(), "only a run blocks");
        let run = field.run_now().await?;
        assert_eq!(run.blocked.iter().map(|of| (of.reason, of.count)).collect::<Vec<_>>(), [(Reason::UnknownUser, 2)]);
        let row = field.api.blocked(gone).await?.expect("it is on the blocked list");
        assert_eq!((row.reason, row.state), (Reason::UnknownUser, BlockState::InEffect));

        let attempts = || [gone, waiting].map(|address| field.site.sink().attempts(address));
        let tried = attempts();
        assert!(is_refused(&mut on_one, gone).await?, "by server one, on the open session");
        assert!(is_refused(&mut on_two, gone).await?, "by server two, on the open session");
        assert!(is_refused(&mut on_two, "GONE@Example.TEST").await?, "in another spelling");
        assert!(!is_refused(&mut on_one, "there@example.test").await?, "others go through");
        assert!(field.is_refused(gone).await?, "in new sessions");
        for postfix in [&field.one.postfix, &field.two.postfix] {
            postfix.sendmail(gone).await?;
            postfix.logs(gone, REFUSED, SOON).await?;
            // Postfix's queue manager remembers the route of the last address for 30 s (resolve_clnt.c): other mail makes
            // it ask again, as there always is on a real server.
            postfix.sendmail("there@example.test").await?;
            postfix.logs("there@example.test", "status=sent", SOON).await?;
            postfix.release_held().await?;
            postfix.logs(waiting, REFUSED, SOON).await?;
        }
        assert_eq!(attempts(), tried, "no refused message was tried");

        // A refusal by the list is in the error log under its own reason, and never counts.
        holds_within("the refusals are in the error log", SOON, async || {
            let log = field.api.error_log_of(gone).await?;
            Ok(log.iter().filter(|event| event.reason == Some(Reason::BlockedAddress)).count() >= 2)
        })
        .await?;
        field.errors_are_counted(gone, 1).await
    })
    .await
}
