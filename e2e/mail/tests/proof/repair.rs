//! Agents that were away, or hold something wrong.

use mail_e2e::field::{Field, MailServer, SOON};
use mail_e2e::rig::holds_within;
use shared::run::DistributionState;

const MANY: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_away_for_ten_thousand_changes_catches_up_by_changes() -> anyhow::Result<()> {
    Field::prove(async |field| {
        field.bounce("gone@example.test").await?;
        field.run_now().await?;
        field.both_are_in_sync().await?;
        field.one.kill_agent()?;
        let many: Vec<String> = (0..MANY).map(|n| format!("many-{n}@example.test")).collect();
        field.api.report_unknown_users(&many).await?;
        let run = field.run_is_done(field.api.queue_run().await?.id).await?;
        let distribution = run.distribution_id.expect("a distribution");
        holds_within("server two holds them", SOON, async || field.two.refuses(&many[MANY - 1]).await).await?;
        assert_eq!(field.api.distribution(distribution).await?.state, DistributionState::Published, "one is missing");

        field.one.start_agent().await?;
        let took =
            holds_within("server one holds them", SOON, async || field.one.refuses(&many[MANY - 1]).await).await?;
        println!("FIGURE an agent that was away for {MANY} changes refuses them after {} ms", took.as_millis());
        field.distribution_is_complete(distribution).await?;
        let (snapshots, changes) = field.one.snapshots_and_changes();
        assert_eq!(snapshots, 0, "it fetched a whole list:\n{}", field.one.agent_output());
        assert!(changes >= 1);
        assert!(field.is_refused("gone@example.test").await? && field.is_refused(&many[0]).await?);
        assert_eq!(field.configuration().await?.list_count, i64::try_from(MANY)? + 1);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_wrong_list_is_healed_by_a_snapshot_while_the_server_answers() -> anyhow::Result<()> {
    Field::prove(async |field| {
        let gone = "gone@example.test";
        field.bounce(gone).await?;
        field.run_now().await?;
        field.one.map_file_refuses(gone).await?;

        // Bits on the disk are not what they were.
        field.one.kill_agent()?;
        for file in field.one.list_files()? {
            let mut bytes = std::fs::read(&file)?;
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x20;
            }
            std::fs::write(&file, bytes)?;
        }
        healed_while_it_answers(field, gone).await?;

        // The file was cut off.
        field.one.kill_agent()?;
        for file in field.one.list_files()? {
            let bytes = std::fs::read(&file)?;
            std::fs::write(&file, &bytes[..bytes.len() / 2])?;
        }
        healed_while_it_answers(field, gone).await?;

        // The file is whole but of another list: only the checksum tells.
        field.one.kill_agent()?;
        field.one.forge_list(&["wrong@example.test"])?;
        field.one.start_agent().await?;
        while_it_answers(&field.one, "there@example.test", false, is_healed(&field.one)).await?;
        field.both_are_in_sync().await?;
        assert!(field.is_refused(gone).await?);
        // The file follows a moment later, and answers where Postfix does not wait for the agent.
        field.one.map_file_lets_through("wrong@example.test").await?;
        assert!(!field.is_refused("wrong@example.test").await?);

        // The fallback file is no cdb any more.
        field.one.kill_agent()?;
        field.one.damage_map_file()?;
        field.one.start_agent().await?;
        while_it_answers(&field.one, gone, true, field.one.map_file_refuses(gone)).await?;
        assert!(field.is_refused(gone).await?);

        // Nor is it while the agent runs: who connects then waits, and gets the right answer.
        field.one.damage_map_file()?;
        assert!(field.one.refuses(gone).await?);
        field.one.map_file_refuses(gone).await?;
        field.one.kill_agent()?;
        assert!(field.one.refuses(gone).await?, "by the file");
        Ok(())
    })
    .await
}

/// Starts the agent of server one and asks its Postfix all the time until a snapshot is in effect: every answer must be
/// the refusal.
async fn healed_while_it_answers(field: &mut Field, blocked: &str) -> anyhow::Result<()> {
    assert!(field.one.refuses(blocked).await?, "by the file, while the agent is away");
    field.one.start_agent().await?;
    holds_within("a snapshot healed the list", SOON, async || {
        anyhow::ensure!(field.one.refuses(blocked).await?, "{blocked} was let through");
        Ok(field.one.snapshots_and_changes().0 >= 1)
    })
    .await?;
    field.both_are_in_sync().await?;
    assert!(field.one.refuses(blocked).await?);
    field.one.map_file_refuses(blocked).await
}

/// Waits for `healed`, and asks the server about an address all the time: every answer must be the same.
async fn while_it_answers(
    server: &MailServer,
    address: &str,
    refused: bool,
    healed: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let asked = async {
        loop {
            let answer = server.refuses(address).await?;
            anyhow::ensure!(answer == refused, "{address}: refused {answer}, expected {refused}");
        }
    };
    tokio::select! {
        healed = healed => healed,
        wrong = asked => wrong,
    }
}

async fn is_healed(server: &MailServer) -> anyhow::Result<()> {
    let healed = async || Ok(server.snapshots_and_changes().0 >= 1);
    holds_within("a snapshot healed the list", SOON, healed).await?;
    Ok(())
}
