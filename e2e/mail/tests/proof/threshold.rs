//! How many errors it takes.

use mail_e2e::{
    field::Field,
    rig::{Answer, RETRY_TIME},
};
use shared::Reason;

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_timeout_needs_its_three_and_a_rejected_reception_its_ten() -> anyhow::Result<()> {
    Field::prove(async |field| {
        let (late, full) = ("late@example.test", "full@example.test");
        field.one.postfix.set(RETRY_TIME).await?;
        field.site.when_mailed(late, Answer::try_later());
        field.site.when_mailed(full, Answer::mailbox_disabled());

        send(field, late, 2).await?;
        send(field, full, 9).await?;
        tokio::try_join!(field.errors_are_counted(late, 2), field.errors_are_counted(full, 9))?;
        let run = field.run_now().await?;
        assert!(run.blocked.iter().all(|of| of.count == 0), "one error too few: {run:?}");
        assert!(!field.is_refused(late).await? && !field.is_refused(full).await?);

        send(field, late, 1).await?;
        send(field, full, 1).await?;
        tokio::try_join!(field.errors_are_counted(late, 3), field.errors_are_counted(full, 10))?;
        field.run_now().await?;
        assert!(field.is_refused(late).await? && field.is_refused(full).await?);
        let reason = async |address| anyhow::Ok(field.api.blocked(address).await?.map(|row| row.reason));
        assert_eq!(reason(late).await?, Some(Reason::ResendTimeout));
        assert_eq!(reason(full).await?, Some(Reason::ReceptionRejected));
        Ok(())
    })
    .await
}

async fn send(field: &Field, address: &str, messages: usize) -> anyhow::Result<()> {
    let mut session = field.one.session().await?;
    for _ in 0..messages {
        assert!(session.send(address).await?.is_positive());
    }
    Ok(())
}
