//! Sealed lines: JSON, a space and the start of its SHA-256, so that a damaged number is seen as well.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::io;

/// A value as a sealed line.
///
/// # Errors
/// It has no JSON form.
pub(super) fn sealed(value: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    let seal = seal(json.as_bytes());
    Ok(format!("{json} {seal:016x}\n"))
}

/// The value of a sealed line; `None` when the line is damaged or cut off.
pub(super) fn unsealed<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(line).ok()?;
    let (json, written) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    (format!("{:016x}", seal(json.as_bytes())) == written).then(|| serde_json::from_str(json).ok()).flatten()
}

fn seal(octets: &[u8]) -> u64 {
    let digest = Sha256::digest(octets);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}
