//! The first page of a search, over HTTP on one connection.

use super::Place;
use crate::{
    data::queries::queries,
    database::load::{self, Published},
    measure::{quantile, seconds, timed},
    report::Line,
};

/// The slowest that the page names: those beyond 95 % of 200.
const NAMED: usize = 10;
/// How long half of the searches, 95 % and all of them may take, in seconds.
const BARS: [f64; 3] = [0.02, 0.1, 1.0];

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let database = place.base.copy("search").await?;
    load::blocked_list(&database, &place.account, rows, Published::Yes).await?;
    let (service, api) = place.serve(&database).await?;
    service.reset_peak()?;
    let (mut latencies, mut nothing, mut many) = (vec![], 0, 0);
    for query in queries() {
        let (took, page) = timed(api.page("/blocked-addresses", &[("q", &query)])).await?;
        let took = took.as_secs_f64();
        latencies.push((took, query));
        nothing += u32::from(page.items.is_empty());
        many += u32::from(page.total.is_some_and(|total| total.more));
    }
    let memory = service.peak()?;
    service.stop().await?;
    database.remove().await?;
    latencies.sort_by(|a, b| b.0.total_cmp(&a.0));
    let slowest: Vec<String> =
        latencies.iter().take(NAMED).map(|(took, query)| format!("`{query}` {}", seconds(*took))).collect();
    let latencies: Vec<f64> = latencies.into_iter().map(|(took, _)| took).collect();
    let found = [0.5, 0.95, 1.0].map(|part| quantile(latencies.clone(), part));
    let count = latencies.len();
    Ok(Line {
        work: "search, first page",
        database: place.kind(),
        rows,
        ours: format!("p50 {}, p95 {}, worst {}", seconds(found[0]), seconds(found[1]), seconds(found[2])),
        beside: String::new(),
        ratio: None,
        bar: "p50 20 ms, p95 100 ms, worst 1 s",
        met: Some(found.iter().zip(BARS).all(|(found, bar)| *found < bar)),
        memory,
        grows: Some(latencies.iter().sum::<f64>() / count as f64),
        remark: format!(
            "{count} queries of 1 to 12 characters; {nothing} found nothing, {many} more than 10,000; growth is that of \
             the mean; the slowest: {}",
            slowest.join(", ")
        ),
    })
}
