//! What people type into the search field.

use super::{SEED, addresses::Addresses};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// How many queries are asked.
pub const COUNT: usize = 200;
/// The longest, in characters.
const LONGEST: usize = 12;

/// A third each: parts of domains, which are frequent; parts of local parts, which are rare when they are long; and
/// parts of two addresses side by side, which no or almost no address has though each half is common.
///
/// Every length from one character on; in a random order.
pub fn queries() -> Vec<String> {
    let mut random = StdRng::seed_from_u64(SEED ^ 2);
    // Addresses of the list itself, and none of its first: those lie side by side in it.
    let sample: Vec<(String, String)> = Addresses::new(SEED)
        .step_by(7)
        .filter_map(|address| {
            let (local, domain) = address.key().as_str().rsplit_once('@')?;
            (local.len() >= LONGEST && domain.is_ascii()).then(|| (local.to_owned(), domain.to_owned()))
        })
        .take(COUNT * 2)
        .collect();
    let mut queries: Vec<String> = (0..COUNT)
        .map(|n| {
            let length = 1 + n % LONGEST;
            let (local, domain) = &sample[n];
            match (n / LONGEST) % 3 {
                0 => part(&mut random, &format!("@{domain}"), length),
                1 => part(&mut random, local, length),
                _ => {
                    let other = &sample[n + COUNT].0;
                    let joined = format!("{}{}", tail(local, length / 2), &other[..length - length / 2]);
                    if length < 3 { joined.replace(char::is_alphanumeric, "%") } else { joined }
                }
            }
        })
        .collect();
    queries.shuffle(&mut random);
    queries
}

/// `length` characters from anywhere in `text`, or all of it. `text` must be ASCII.
fn part(random: &mut StdRng, text: &str, length: usize) -> String {
    let length = length.min(text.len());
    let start = random.random_range(0..=text.len() - length);
    text[start..start + length].to_owned()
}

fn tail(text: &str, length: usize) -> &str {
    &text[text.len() - length..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_from_one_to_twelve_is_asked() {
        let queries = queries();
        assert_eq!(queries.len(), COUNT);
        assert_eq!(queries, super::queries());
        for length in 1..=LONGEST {
            assert!(queries.iter().any(|query| query.len() == length), "{length}");
        }
        assert!(queries.iter().all(|query| !query.is_empty() && query.len() <= LONGEST));
    }
}
