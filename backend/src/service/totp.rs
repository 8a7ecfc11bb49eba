//! One-time codes from a shared secret and the time (RFC 6238, on RFC 4226): SHA-1, six digits, 30 seconds, which is what
//! every authenticator app can do.

use chrono::{DateTime, Utc};
use ring::hmac;
use subtle::ConstantTimeEq;

/// As long as the output of SHA-1, as RFC 4226 section 4 recommends.
pub const SECRET_LENGTH: usize = 20;
/// Seconds for which one code is shown.
const STEP: i64 = 30;
/// The app's clock may be one step off, and typing takes time.
const SKEW: i64 = 1;

/// The step whose code this is, if it is one that may be shown about now.
pub fn step_of(secret: &[u8], code: &str, now: DateTime<Utc>) -> Option<i64> {
    let present = now.timestamp().div_euclid(STEP);
    // All of them, whichever fits, so that the time it takes says nothing.
    let steps = (present - SKEW..=present + SKEW).map(|step| (step, self::code(secret, step)));
    steps.fold(
        None,
        |found, (step, right)| {
            if bool::from(right.as_bytes().ct_eq(code.as_bytes())) { Some(step) } else { found }
        },
    )
}

/// The code of a step.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0xf);
    let number = tag[offset..offset + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The secret as people type it: Base32 (RFC 4648 section 6).
pub fn base32(secret: &[u8; SECRET_LENGTH]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |at: usize| usize::from(secret[at / 8] >> (7 - at % 8) & 1);
    let letter = |start: usize| ALPHABET[(start..start + 5).fold(0, |value, at| value << 1 | bit(at))];
    (0..SECRET_LENGTH * 8).step_by(5).map(|start| char::from(letter(start))).collect()
}

/// The secret as apps read it.
pub fn uri(secret: &str, issuer: &str, user: &str) -> String {
    let escape = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let (issuer, user) = (escape(issuer), escape(user));
    format!("otpauth://totp/{issuer}:{user}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 6238, appendix B.
    const SECRET: &[u8; SECRET_LENGTH] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // The last six of its eight digits.
        for (seconds, right) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, seconds / STEP), right, "{seconds}");
            assert_eq!(step_of(SECRET, right, at(seconds)), Some(seconds / STEP));
        }
    }

    #[test]
    fn a_code_is_right_one_step_before_and_after_its_own() {
        for (seconds, right) in [(29, false), (30, true), (59, true), (60, true), (89, true), (119, true), (120, false)]
        {
            // Of the step from 60 to 90.
            assert_eq!(step_of(SECRET, &code(SECRET, 2), at(seconds)), right.then_some(2), "{seconds}");
        }
        for wrong in ["", "28708", "2870822", "２８７０８２", "287083"] {
            assert_eq!(step_of(SECRET, wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn apps_can_read_the_secret() {
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            uri("ABC", "Stoplist", "taro+x y@example.com"),
            "otpauth://totp/Stoplist:taro%2Bx%20y%40example.com?secret=ABC&issuer=Stoplist&algorithm=SHA1&digits=6&period=30"
        );
    }
}
