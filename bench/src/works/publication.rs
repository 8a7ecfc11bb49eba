//! Publishing many pending addresses to two mail servers, beside fetching the same bytes twice from a static file.

use super::Place;
use crate::{
    api::{Api, checked},
    database::load::{self, Published},
    measure::{Pairs, pairs, seconds, timed},
    report::{Line, megabytes},
    service::{Agent, Service},
    tools,
};
use anyhow::{Context, ensure};
use mail_e2e::rig::Process;
use reqwest::{Method, header};
use std::{
    fs::File,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::Duration,
};

/// Any free port.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The service packs lists of so many addresses while they wait for their publication.
const PREPARED_FROM: u64 = 20_000;

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let loaded = place.base.copy("pending").await?;
    load::blocked_list(&loaded, &place.account, rows, Published::No).await?;
    let mut times = Pairs::default();
    let (mut memory, mut size, mut published) = (0, 0, vec![]);
    for _ in 0..pairs(rows) {
        let database = loaded.copy("publication").await?;
        let (mut service, api) = place.serve(&database).await?;
        let (agents, token) = agents(place, &service, &api).await?;
        // What waits for its publication has been there for a while: since a registration, until the execution timing.
        if rows >= PREPARED_FROM {
            service.prepared().await?;
        }
        service.reset_peak()?;
        let (ours, distribution) = timed(async {
            let run = api.run().await?;
            api.distributed(run.distribution_id.context("the run published nothing")?).await
        })
        .await?;
        memory = memory.max(service.peak()?);
        ensure!(u64::try_from(distribution.added)? == rows, "it added {}", distribution.added);
        let moment = distribution.published_at.context("it has no time of publication")?;
        published.push((moment - distribution.created_at).as_seconds_f64());

        let folder = place.folder("static")?;
        size = save_snapshot(&service, &token, &folder.join("snapshot")).await?;
        for agent in agents {
            agent.stop().await?;
        }
        service.stop().await?;
        times.add(ours.as_secs_f64(), fetch_twice(&folder).await?);
        database.remove().await?;
    }
    loaded.remove().await?;
    Ok(Line {
        work: "publish pending, two agents acknowledged",
        database: place.kind(),
        rows,
        ours: seconds(times.ours()),
        beside: format!("curl twice {}", seconds(times.beside())),
        ratio: Some(times.ratio()),
        bar: "at most 5",
        met: Some(times.ratio() <= 5.0),
        memory,
        grows: Some(times.ours()),
        remark: format!(
            "{} from Python's http.server, one curl after the other; of ours {} until published, the rest until both \
             agents had it checked, on disk and in effect; {}",
            megabytes(size),
            seconds(crate::measure::median(published)),
            if rows >= PREPARED_FROM {
                "the service had packed the list while it waited"
            } else {
                "nothing was packed before"
            }
        ),
    })
}

/// Two agents that hold the list as it is, and the token of one.
async fn agents(place: &Place, service: &Service, api: &Api) -> anyhow::Result<(Vec<Agent>, String)> {
    let mut agents = Vec::new();
    let mut token = String::new();
    for name in ["mail-1", "mail-2"] {
        token = api.add_mail_server(name).await?;
        agents.push(Agent::start(service, &token, &place.folder(name)?, [ANY, ANY], "").await?);
    }
    api.in_sync(agents.len()).await?;
    Ok((agents, token))
}

/// Saves what an agent gets, and returns its size in bytes.
async fn save_snapshot(service: &Service, token: &str, path: &Path) -> anyhow::Result<u64> {
    let agent = Api::new(service.url(), token, uuid::Uuid::nil())?;
    let request = agent.request(Method::GET, "/agent/list").header(header::ACCEPT_ENCODING, "identity");
    let mut answer = checked(request).await?;
    let mut file = File::create(path)?;
    while let Some(chunk) = answer.chunk().await? {
        file.write_all(&chunk)?;
    }
    Ok(file.metadata()?.len())
}

/// The time of two downloads to disk in seconds, from Python's static file server.
async fn fetch_twice(folder: &Path) -> anyhow::Result<f64> {
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(folder).arg("0");
    let mut server = Process::start("http.server", &mut command, &folder.join("output"))?;
    let line = server.line_with("Serving HTTP on", Duration::from_secs(20)).await?;
    let port =
        line.split_whitespace().skip_while(|word| *word != "port").nth(1).context("http.server names no port")?;
    let url = format!("http://127.0.0.1:{port}/snapshot");
    let (took, ()) = timed(async {
        for name in ["copy-1", "copy-2"] {
            tools::output(Command::new("curl").args(["-sSf", "-o"]).arg(folder.join(name)).arg(&url)).await?;
        }
        Ok(())
    })
    .await?;
    Ok(took.as_secs_f64())
}
