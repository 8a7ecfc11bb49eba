//! Times and what is made of them.

use std::time::{Duration, Instant};

/// How long a future takes, and its value.
///
/// # Errors
/// The future's.
pub async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(Duration, T)> {
    let start = Instant::now();
    let value = work.await?;
    Ok((start.elapsed(), value))
}

/// How often ours and beside run one after the other: the large ones take minutes, and vary less.
pub fn pairs(rows: u64) -> usize {
    if rows > 1_000_000 { 1 } else { 3 }
}

/// Times of ours and beside, measured in pairs.
#[derive(Debug, Default)]
pub struct Pairs {
    ours: Vec<f64>,
    beside: Vec<f64>,
}

impl Pairs {
    /// Adds a pair, in seconds or anything else that is compared.
    pub fn add(&mut self, ours: f64, beside: f64) {
        self.ours.push(ours);
        self.beside.push(beside);
    }

    /// The median of ours.
    pub fn ours(&self) -> f64 {
        median(self.ours.clone())
    }

    /// The median of beside.
    pub fn beside(&self) -> f64 {
        median(self.beside.clone())
    }

    /// The median of ours by beside.
    pub fn ratio(&self) -> f64 {
        median(self.ours.iter().zip(&self.beside).map(|(ours, beside)| ours / beside).collect())
    }
}

/// The value in the middle; of an even number, the upper one.
pub fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The smallest value that a part of all values does not exceed; NaN when there are none.
pub fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * part) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// `12.3 s` or `45 ms`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1_000.0) } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_pairs() {
        let mut pairs = Pairs::default();
        // The machine got slower in the middle: each pair still says 2.
        pairs.add(2.0, 1.0);
        pairs.add(20.0, 10.0);
        pairs.add(4.0, 2.0);
        assert_eq!(pairs.ratio(), 2.0);
        assert_eq!((pairs.ours(), pairs.beside()), (4.0, 2.0));
    }

    #[test]
    fn quantiles_are_values_that_were_there() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.5), 101.0);
        assert_eq!(quantile(values.clone(), 0.95), 191.0);
        assert_eq!(quantile(values, 1.0), 200.0);
        assert!(quantile(vec![], 0.5).is_nan());
    }
}
