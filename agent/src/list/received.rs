//! Changes as they came from the service, to be kept on disk.

use std::io::{BufRead, Read};

/// The lines of changes, as they came: a long list comes compressed, a third of what it is.
#[derive(Debug)]
pub struct Received {
    /// Whole lines; or the whole body of an answer, with its header line, compressed by Zstandard (RFC 8878).
    pub octets: Vec<u8>,
    /// How many octets the body has that is compressed.
    pub unpacked: Option<u64>,
}

impl Received {
    /// Lines that are not compressed.
    pub fn plain(lines: impl Into<Vec<u8>>) -> Self {
        Self { octets: lines.into(), unpacked: None }
    }
}

/// The lines behind the header line of a body that is `unpacked` octets long; `None` when it is damaged.
pub(super) fn unpack(packed: &[u8], unpacked: u64) -> Option<String> {
    let mut body = zstd::stream::read::Decoder::with_buffer(packed).ok().map(std::io::BufReader::new)?;
    let header = body.skip_until(b'\n').ok()? as u64;
    let expected = unpacked.checked_sub(header)?;
    let mut lines = String::new();
    // One more octet than it may have shows what is too long.
    body.take(expected + 1).read_to_string(&mut lines).ok()?;
    (lines.len() as u64 == expected).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_as_long_as_it_says() {
        let frame = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
        let packed = [frame("{}\n"), frame("-a@x\n+b@x\n"), frame("+c@x\n")].concat();
        assert_eq!(unpack(&packed, 18).as_deref(), Some("-a@x\n+b@x\n+c@x\n"));
        assert_eq!(unpack(&packed, 17), None, "it is longer");
        assert_eq!(unpack(&packed, 19), None, "it is shorter");
        assert_eq!(unpack(&packed, 2), None, "not even the header");
        assert_eq!(unpack(&packed[..packed.len() - 3], 18), None, "it is torn");
        assert_eq!(unpack(b"-a@x\n", 5), None, "it is not compressed");
    }
}
