//! A release opens both servers at once, and nothing else comes with it.

use mail_e2e::field::{Field, agent::is_refused};
use shared::{
    Reason,
    list::{BlockState, ReleaseStatus},
};
use std::time::{Duration, Instant};

/// The bar of the product; the aim is 0.1 s.
const BAR: Duration = Duration::from_secs(10);
const RELEASES: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_release_opens_both_servers_at_once_and_publishes_nothing_pending() -> anyhow::Result<()> {
    Field::prove(async |field| {
        let back: Vec<String> = (0..RELEASES).map(|n| format!("back-{n}@example.test")).collect();
        field.api.report_unknown_users(&back).await?;
        // One address waits for its cancellation by the next execution, others for their block: by an error, and by hand.
        let cancelled = "cancelled@nxdomain.test";
        assert!(field.one.session().await?.send(cancelled).await?.is_positive());
        field.errors_are_counted(cancelled, 1).await?;
        field.run_now().await?;
        assert!(field.is_refused(cancelled).await?);
        field
            .api
            .change_run_settings(|settings| {
                let hosts = settings.conditions.iter_mut().find(|one| one.reason == Reason::UnknownHost);
                hosts.expect("a condition for unknown hosts").enabled = false;
                settings.cancel_blocking = vec![Reason::UnknownHost];
            })
            .await?;
        let (pending, registered) = ("pending@example.test", "registered@example.test");
        field.bounce(pending).await?;
        field.api.block(&[registered]).await?;
        let state = async || Ok::<_, anyhow::Error>(field.api.blocked(registered).await?.map(|row| row.state));
        assert_eq!(state().await?, Some(BlockState::Pending));

        let (mut on_one, mut on_two) = tokio::try_join!(field.one.session(), field.two.session())?;
        let mut figures = vec![];
        for address in &back {
            assert!(is_refused(&mut on_one, address).await? && is_refused(&mut on_two, address).await?);
            let asked = Instant::now();
            let released = field.api.release(&[address]).await?;
            assert_eq!(released.items[0].status, ReleaseStatus::Released);
            while is_refused(&mut on_one, address).await? || is_refused(&mut on_two, address).await? {
                assert!(asked.elapsed() < BAR, "{address} is still refused");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            figures.push(asked.elapsed());
        }
        figures.sort();
        println!(
            "FIGURE release, from the request until both servers take the address on open sessions: \
             median {} ms, longest {} ms",
            figures[RELEASES / 2].as_millis(),
            figures[RELEASES - 1].as_millis()
        );
        assert!(on_one.send(&back[0]).await?.is_positive());
        field.one.postfix.queue_is_empty(BAR).await?;
        assert_eq!(field.site.sink().delivered(&back[0]), 1, "the mail goes through");

        assert!(!field.is_refused(pending).await?, "what no run has blocked stays open");
        assert!(!field.is_refused(registered).await?, "what no run has published stays open");
        assert_eq!(state().await?, Some(BlockState::Pending));
        assert!(field.is_refused(cancelled).await?, "what the next execution will open stays closed");
        field.run_now().await?;
        assert!(field.is_refused(pending).await? && field.is_refused(registered).await?);
        assert!(!field.is_refused(cancelled).await?);
        assert!(!field.is_refused(&back[0]).await?, "a released address is exempt");
        Ok(())
    })
    .await
}
