//! How many recipients a Postfix takes a second with the agent's policy service, beside one with no list.

use super::Place;
use crate::{
    data::{SEED, addresses::Addresses},
    database::load::{self, Published},
    measure::{Pairs, timed},
    report::{Line, thousands},
    service::Agent,
};
use anyhow::ensure;
use futures::future::try_join_all;
use mail_e2e::rig::{Postfix, Site};
use std::net::SocketAddr;

/// SMTP sessions at a time.
const SESSIONS: usize = 8;
/// Messages that each begins, and recipients of each.
const MESSAGES: usize = 20;
const RECIPIENTS: usize = 50;
/// Of the recipients of a message, those that are on the list.
const BLOCKED: usize = 1;
/// Rounds on each server, in turn: so many because each takes a second or two, which a shared machine makes half as much again.
const ROUNDS: usize = 25;

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let database = place.base.copy("policy").await?;
    load::blocked_list(&database, &place.account, rows, Published::Yes).await?;
    let (service, api) = place.serve(&database).await?;
    let site = Site::open().await?;
    let plain = site.postfix("plain", 2601)?.start().await?;
    let token = api.add_mail_server("listed").await?;
    let plan = site.postfix("listed", 2602)?;
    let ports = [7102, 7101].map(|port| SocketAddr::from((site.address(), port)));
    let lines = format!("mail_log = {:?}\nsyslog_name = \"listed\"", plan.log().display().to_string());
    let agent = Agent::start(&service, &token, &place.folder("agent")?, ports, &lines).await?;
    api.in_sync(1).await?;
    let listed = plan.with_lines(&agent.postfix_config().await?).start().await?;

    let messages = messages(rows)?;
    service.reset_peak()?;
    // The first round of each starts Postfix's processes.
    round(&plain, &messages).await?;
    let blocked = round(&listed, &messages).await?.1;
    let mut rates = Pairs::default();
    for n in 0..ROUNDS {
        // Each is the first as often as the other: what a round leaves to do is done during the next.
        let mut servers = [&listed, &plain];
        servers.rotate_left(n % 2);
        let mut rounds = [round(servers[0], &messages).await?, round(servers[1], &messages).await?];
        rounds.rotate_left(n % 2);
        let [(with, refused), (without, _)] = rounds;
        ensure!(refused == blocked, "it refused {refused} recipients, then {blocked}");
        rates.add(with, without);
    }
    let expected = SESSIONS * MESSAGES * BLOCKED;
    ensure!(blocked == expected, "the agent's Postfix refused {blocked} recipients instead of {expected}");
    let memory = service.peak()?;
    drop((plain, listed));
    agent.stop().await?;
    service.stop().await?;
    database.remove().await?;
    Ok(Line {
        work: "recipients through Postfix with the agent",
        database: place.kind(),
        rows,
        ours: format!("{}/s", thousands(rates.ours() as u64)),
        beside: format!("no list {}/s", thousands(rates.beside() as u64)),
        ratio: Some(rates.ratio()),
        bar: "at least 0.95",
        met: Some(rates.ratio() >= 0.95),
        memory,
        grows: None,
        remark: format!(
            "{SESSIONS} sessions, {RECIPIENTS} recipients a message of which {BLOCKED} is blocked, {ROUNDS} rounds of {} \
             recipients on each; one size only: looking an address up takes microseconds of the milliseconds of a recipient",
            thousands((SESSIONS * MESSAGES * RECIPIENTS) as u64)
        ),
    })
}

/// The recipients of each message: some are on the list, the others lie behind it in the same endless list.
fn messages(rows: u64) -> anyhow::Result<Vec<Vec<String>>> {
    let addresses = |skip| Addresses::new(SEED).skip(skip).map(|address| address.key().as_str().to_owned());
    let mut listed = addresses(0);
    let mut others = addresses(usize::try_from(rows)?);
    let message = || listed.by_ref().take(BLOCKED).chain(others.by_ref().take(RECIPIENTS - BLOCKED)).collect();
    Ok(std::iter::repeat_with(message).take(SESSIONS * MESSAGES).collect())
}

/// Recipients a second, and how many were refused as blocked.
async fn round(server: &Postfix, messages: &[Vec<String>]) -> anyhow::Result<(f64, usize)> {
    let sessions = messages.chunks(MESSAGES).map(|messages| async move {
        let mut session = server.session().await?;
        let mut blocked = 0;
        for recipients in messages {
            for reply in session.ask_all(recipients).await? {
                ensure!(reply.is_positive() || reply.is_blocked(), "neither taken nor blocked: {reply:?}");
                blocked += usize::from(reply.is_blocked());
            }
        }
        anyhow::Ok(blocked)
    });
    let (took, blocked) = timed(try_join_all(sessions)).await?;
    let recipients: usize = messages.iter().map(Vec::len).sum();
    Ok((recipients as f64 / took.as_secs_f64(), blocked.iter().sum()))
}
