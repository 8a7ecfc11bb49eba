//! Which encoding a file has, and its text.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::CoderResult;
use shared::upload::Encoding;

/// In a text that is almost UTF-8 there is at most one broken sequence for so many characters beyond ASCII. Shift_JIS and
/// EUC-JP break every other one or more.
const BROKEN_ONE_IN: usize = 4;

/// Turns the bytes of a file into UTF-8; what cannot be decoded becomes U+FFFD.
pub struct Decoder(encoding_rs::Decoder);

impl Decoder {
    /// For a file from its first byte on; its byte order mark is left out.
    pub fn new(encoding: Encoding) -> Self {
        Self(standard(encoding).new_decoder_with_bom_removal())
    }

    /// Adds the text of the next bytes to `text`; `last`: none follow.
    pub fn decode(&mut self, mut bytes: &[u8], last: bool, text: &mut Vec<u8>) {
        loop {
            let length = text.len();
            // Enough for anything; a short one only means one more round.
            let room = self.0.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()).max(16);
            text.resize(length + room, 0);
            let (result, read, written, _) = self.0.decode_to_utf8(bytes, &mut text[length..], last);
            text.truncate(length + written);
            bytes = &bytes[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

fn standard(encoding: Encoding) -> &'static encoding_rs::Encoding {
    match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Utf16Le => encoding_rs::UTF_16LE,
        Encoding::Utf16Be => encoding_rs::UTF_16BE,
        Encoding::ShiftJis => encoding_rs::SHIFT_JIS,
        Encoding::EucJp => encoding_rs::EUC_JP,
        Encoding::Iso2022Jp => encoding_rs::ISO_2022_JP,
    }
}

/// The encoding of a file that begins with these bytes; `whole`: they are all of it.
pub fn detect(bytes: &[u8], whole: bool) -> Encoding {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return ours(encoding).unwrap_or(Encoding::Utf8);
    }
    if let Some(encoding) = utf16(bytes) {
        return encoding;
    }
    if is_almost_utf8(bytes) {
        return Encoding::Utf8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, whole);
    // What is none of ours is read as UTF-8: addresses are ASCII, and the rest is shown with replacement characters.
    ours(detector.guess(Some(b"jp"), Utf8Detection::Allow)).unwrap_or(Encoding::Utf8)
}

/// Whether so much beyond ASCII is valid UTF-8 that it cannot be chance: then what is not are a few rows that somebody
/// pasted from a file in another encoding, for whose sake the detector would misread all the others.
fn is_almost_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken > 0 && valid >= BROKEN_ONE_IN * broken
}

fn ours(encoding: &encoding_rs::Encoding) -> Option<Encoding> {
    [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::ShiftJis, Encoding::EucJp, Encoding::Iso2022Jp]
        .into_iter()
        .find(|known| standard(*known) == encoding)
}

/// UTF-16 without a byte order mark: addresses are ASCII, so that every other byte of them is zero.
fn utf16(bytes: &[u8]) -> Option<Encoding> {
    let pairs = bytes.len().min(4096) / 2;
    let zero_at = |offset: usize| bytes.chunks_exact(2).take(pairs).filter(|pair| pair[offset] == 0).count();
    let (first, second) = (zero_at(0), zero_at(1));
    if second * 2 > pairs && first * 10 < pairs {
        Some(Encoding::Utf16Le)
    } else if first * 2 > pairs && second * 10 < pairs {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "氏名,メールアドレス,部署\r\n山田太郎,taro@example.com,営業部\r\n佐藤花子,hanako@example.com,総務部\r\n";

    fn utf16_bytes(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    fn encoded(encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Utf16Le => utf16_bytes(TEXT, true),
            Encoding::Utf16Be => utf16_bytes(TEXT, false),
            other => standard(other).encode(TEXT).0.into_owned(),
        }
    }

    fn decoded(encoding: Encoding, bytes: &[u8], size: usize) -> String {
        let (mut decoder, mut text) = (Decoder::new(encoding), Vec::new());
        for part in bytes.chunks(size) {
            decoder.decode(part, false, &mut text);
        }
        decoder.decode(&[], true, &mut text);
        String::from_utf8(text).unwrap()
    }

    const ALL: [Encoding; 6] = [
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
        Encoding::ShiftJis,
        Encoding::EucJp,
        Encoding::Iso2022Jp,
    ];

    #[test]
    fn every_encoding_is_recognised_and_read_whatever_the_pieces() {
        for encoding in ALL {
            let bytes = encoded(encoding);
            assert_eq!(detect(&bytes, true), encoding);
            for size in [1, 3, 7, bytes.len()] {
                assert_eq!(decoded(encoding, &bytes, size), TEXT, "{encoding:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_decides_and_is_not_text() {
        let with = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        for (encoding, mark) in [
            (Encoding::Utf8, &b"\xef\xbb\xbf"[..]),
            (Encoding::Utf16Le, &b"\xff\xfe"[..]),
            (Encoding::Utf16Be, &b"\xfe\xff"[..]),
        ] {
            let bytes = with(mark, encoded(encoding));
            assert_eq!(detect(&bytes, true), encoding);
            assert_eq!(decoded(encoding, &bytes, 2), TEXT);
        }
    }

    #[test]
    fn plain_addresses_are_utf8_also_in_utf16() {
        let text = "taro@example.com\nhanako@example.com\n";
        assert_eq!(detect(text.as_bytes(), true), Encoding::Utf8);
        assert_eq!(detect(&utf16_bytes(text, true), true), Encoding::Utf16Le);
        assert_eq!(detect(&utf16_bytes(text, false), true), Encoding::Utf16Be);
        assert_eq!(detect("Jürgen;j@example.com".as_bytes(), true), Encoding::Utf8);
    }

    #[test]
    fn a_row_in_another_encoding_does_not_change_that_of_the_file() {
        let rows: String = (0..30).map(|n| format!("山田太郎{n},user{n}@example.com\n")).collect();
        for other in [Encoding::ShiftJis, Encoding::EucJp] {
            let row = standard(other).encode("佐藤花子,hanako@日本語.example\n").0.into_owned();
            let file = [rows.as_bytes(), &row, rows.as_bytes()].concat();
            assert_eq!(detect(&file, true), Encoding::Utf8, "a row in {other:?}");
        }
        // Narrow letters of Shift_JIS: some pairs of them are UTF-8 by chance.
        let narrow = standard(Encoding::ShiftJis).encode("ﾔﾏﾀﾞ ﾀﾛｳ,taro@example.com\nｻﾄｳ ﾊﾅｺ,h@example.com\n").0;
        assert!(!is_almost_utf8(&narrow));
    }

    #[test]
    fn bytes_without_meaning_do_not_swallow_the_line_break_after_them() {
        assert_eq!(decoded(Encoding::ShiftJis, b"a\x81\nb", 1), "a\u{fffd}\nb");
        assert_eq!(decoded(Encoding::EucJp, b"a\xb0\nb", 1), "a\u{fffd}\nb");
        assert_eq!(decoded(Encoding::Utf8, b"a\xe3\x81\nb", 1), "a\u{fffd}\nb");
    }
}
