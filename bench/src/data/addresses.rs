//! Mail addresses as a Japanese sender's list has them.

use super::words::{DOMAINS, ENDINGS, GIVEN, JAPANESE, SURNAMES, WORDS};
use rand::{
    RngExt, SeedableRng,
    distr::{Distribution, weighted::WeightedIndex},
    rngs::StdRng,
    seq::IndexedRandom,
};
use shared::Address;
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// How many domains the long tail has.
const TAIL: usize = 60_000;

/// An endless list of addresses, each key once. The first `n` of two lists with the same seed are the same.
pub struct Addresses {
    random: StdRng,
    shares: WeightedIndex<u32>,
    tail: Vec<String>,
    /// Hashes of the keys so far: nine bytes an address instead of a hundred. Two keys with one hash (of ten million:
    /// one in 370,000 lists) only drop an address.
    seen: HashSet<u64>,
}

impl Addresses {
    /// Begins a list.
    ///
    /// # Panics
    /// Never: the shares are constants.
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let large: u32 = DOMAINS.iter().map(|(_, share, _)| share).sum();
        let shares = DOMAINS.iter().map(|(_, share, _)| *share).chain([1_000 - large]);
        let shares = WeightedIndex::new(shares).expect("the shares are positive");
        let tail = (0..TAIL).map(|rank| tail_domain(&mut random, rank)).collect();
        Self { random, shares, tail, seen: HashSet::new() }
    }

    fn spelling(&mut self) -> String {
        let random = &mut self.random;
        let large = DOMAINS.get(self.shares.sample(random));
        let (domain, carrier) = match large {
            Some((domain, _, carrier)) => (*domain, *carrier),
            None => {
                // Zipf's law: as many addresses at the first domain as at the next two, the next four, …
                let rank = (TAIL as f64).powf(random.random_range(0.0..1.0)) as usize;
                (self.tail[rank.min(TAIL - 1)].as_str(), false)
            }
        };
        let local = if carrier { carrier_local_part(random) } else { local_part(random) };
        match random.random_range(0..1_000) {
            0..30 => format!("{}@{domain}", capitalised(&local)),
            30..40 => format!("{local}@{}", capitalised(domain)),
            // What does not follow the dot-atom rule can only be sent in quotes.
            40..44 => format!("\"{local}\"@{domain}"),
            _ => format!("{local}@{domain}"),
        }
    }
}

impl Iterator for Addresses {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        loop {
            // Japanese domains and quotes go through the product's own parser: its keys are the truth.
            let Ok(address) = Address::parse(&self.spelling()) else { continue };
            let mut hasher = DefaultHasher::new();
            address.key().as_str().hash(&mut hasher);
            if self.seen.insert(hasher.finish()) {
                return Some(address);
            }
        }
    }
}

/// A company's or a person's own domain; the number keeps it apart from all others.
fn tail_domain(random: &mut StdRng, rank: usize) -> String {
    let ending = pick(random, &ENDINGS);
    match random.random_range(0..100) {
        0 => format!("{}{rank}.jp", pick(random, &JAPANESE)),
        1..40 => format!("{}-{}{rank}.{ending}", pick(random, &SURNAMES), pick(random, &WORDS)),
        40..80 => format!("{}{}{rank}.{ending}", pick(random, &WORDS), pick(random, &WORDS)),
        80..90 => format!("mail.{}{rank}.{ending}", pick(random, &WORDS)),
        _ => format!("{}{rank}.{ending}", pick(random, &GIVEN)),
    }
}

fn local_part(random: &mut StdRng) -> String {
    let (surname, given, word) = (pick(random, &SURNAMES), pick(random, &GIVEN), pick(random, &WORDS));
    let number = number(random);
    let tag = if random.random_range(0..100) == 0 { "+news" } else { "" };
    match random.random_range(0..9) {
        0 => format!("{given}.{surname}{number}{tag}"),
        1 => format!("{surname}.{given}{number}{tag}"),
        2 => format!("{given}_{surname}{number}"),
        3 => format!("{}{surname}{number}{tag}", &given[..1]),
        4 => format!("{surname}{}{number}", &given[..1]),
        5 => format!("{given}{number}"),
        6 => format!("{word}{given}{number}"),
        7 => format!("{given}-{word}{number}"),
        _ => format!("{word}.{surname}{number}"),
    }
}

/// Carriers issued dots in a row and at the end, against RFC 5321, and people made full use of it.
fn carrier_local_part(random: &mut StdRng) -> String {
    let (one, two, given) = (pick(random, &WORDS), pick(random, &WORDS), pick(random, &GIVEN));
    let number = number(random);
    match random.random_range(0..12) {
        0 => format!("{one}..{two}{number}"),
        1 => format!("{one}.{two}{number}."),
        2 => format!("{given}...{one}.{number}"),
        3..6 => format!("{given}-{one}.{number}"),
        6..9 => format!("{one}-{two}_{number}"),
        _ => format!("{one}.{given}.{two}{number}"),
    }
}

/// Nothing, a year or day of birth, or what was still free.
fn number(random: &mut StdRng) -> String {
    match random.random_range(0..10) {
        0 | 1 => String::new(),
        2 | 3 => random.random_range(1950..2012).to_string(),
        4 => format!("{:02}{:02}", random.random_range(1..13), random.random_range(1..29)),
        5 => format!("{:02}", random.random_range(0..100)),
        6 | 7 => random.random_range(0..1_000).to_string(),
        _ => random.random_range(0..1_000_000).to_string(),
    }
}

/// Each part with a capital letter, as forms and phones write it.
fn capitalised(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|c| {
            let shown = if start { c.to_ascii_uppercase() } else { c };
            start = !c.is_ascii_alphanumeric();
            shown
        })
        .collect()
}

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from.choose(random).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_addresses_each_once() {
        let list = || Addresses::new(7).take(5_000).collect::<Vec<_>>();
        let addresses = list();
        assert_eq!(addresses, list());
        let keys: HashSet<_> = addresses.iter().map(Address::key).collect();
        assert_eq!(keys.len(), addresses.len());
    }

    #[test]
    fn the_shares_are_those_of_a_real_list() {
        let addresses: Vec<_> = Addresses::new(7).take(20_000).collect();
        let share = |is: &dyn Fn(&Address) -> bool| addresses.iter().filter(|a| is(a)).count() as f64 / 20_000.0;
        let gmail = share(&|address| address.key().domain() == "gmail.com");
        assert!((0.25..0.29).contains(&gmail), "{gmail}");
        let odd = share(&|address| address.key().as_str().contains(".."));
        assert!((0.01..0.1).contains(&odd), "{odd}");
        assert!(share(&|address| address.key().domain().starts_with("xn--")) > 0.0);
        assert!(share(&|address| address.spelling() != address.key().as_str()) > 0.03);
        let tail = share(&|address| !DOMAINS.iter().any(|(domain, _, _)| *domain == address.key().domain()));
        assert!((0.14..0.2).contains(&tail), "{tail}");
    }
}
