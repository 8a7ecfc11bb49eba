//! The CSV file that somebody uploads: an export of a customer table.

use super::{SEED, addresses::Addresses};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// The columns of the file.
pub const COLUMNS: [&str; 5] = ["no", "name", "mail_address", "registered_on", "memo"];
/// The one that holds the address.
pub const ADDRESS_COLUMN: &str = COLUMNS[2];

/// Of a thousand rows: repeat an address of before in other letters, and are no address.
const REPEATED: u32 = 20;
const INVALID: u32 = 1;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Rows below the header.
    pub rows: u64,
    /// Different addresses.
    pub addresses: u64,
}

/// Writes a UTF-8 file with a header and `rows` rows.
///
/// # Errors
/// The disk refuses.
pub fn write(path: &Path, rows: u64) -> anyhow::Result<Content> {
    let mut addresses = Addresses::new(SEED);
    let mut random = StdRng::seed_from_u64(SEED ^ 1);
    let mut recent: Vec<String> = Vec::with_capacity(1_000);
    let mut content = Content { rows, addresses: 0 };
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(file, "{}", COLUMNS.join(","))?;
    for no in 1..=rows {
        let lot = random.random_range(0..1_000);
        let address = if lot < INVALID {
            format!("tel 03-{:04}", random.random_range(0..10_000))
        } else if lot < INVALID + REPEATED && !recent.is_empty() {
            recent[random.random_range(0..recent.len())].to_uppercase()
        } else {
            content.addresses += 1;
            let address = addresses.next().map(|address| address.spelling().to_owned()).unwrap_or_default();
            // Only ASCII is the same address in capital letters to every tool.
            if address.is_ascii() {
                let place = random.random_range(0..1_000);
                if recent.len() < 1_000 {
                    recent.push(address.clone());
                } else {
                    recent[place] = address.clone();
                }
            }
            address
        };
        let address = if address.contains('"') { format!("\"{}\"", address.replace('"', "\"\"")) } else { address };
        let (month, day) = (1 + no % 12, 1 + no % 28);
        let memo = if no % 10 == 0 { "\"会員, 2 回購入\"" } else { "" };
        writeln!(file, "{no},山田 太郎,{address},2024-{month:02}-{day:02},{memo}")?;
    }
    file.flush()?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::Address;
    use std::collections::HashSet;

    #[test]
    fn holds_as_many_addresses_as_it_says() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let content = write(file.path(), 5_000).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text.lines().count(), 5_001);
        let column = |line: &str| line.split(',').nth(2).map(|field| field.trim_matches('"').replace("\"\"", "\""));
        let keys: HashSet<_> = text
            .lines()
            .skip(1)
            .filter_map(column)
            .filter_map(|address| Address::parse(&address).ok())
            .map(|address| address.into_parts().1)
            .collect();
        assert_eq!(keys.len() as u64, content.addresses);
        assert!(content.addresses < 4_950, "some are repeated");
    }
}
