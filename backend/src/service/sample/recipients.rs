//! The people a sample account sends to: addresses at believable domains, some of which fail.

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use shared::Reason;

/// Domains with their share of a Japanese sender's list, in thousandths, and how they answer to an unknown user.
const DOMAINS: [(&str, u32, Replies); 18] = [
    ("gmail.com", 330, Replies::Google),
    ("yahoo.co.jp", 140, Replies::Yahoo),
    ("docomo.ne.jp", 130, Replies::Carrier),
    ("icloud.com", 80, Replies::Plain),
    ("ezweb.ne.jp", 65, Replies::Carrier),
    ("softbank.ne.jp", 55, Replies::Carrier),
    ("au.com", 45, Replies::Carrier),
    ("i.softbank.jp", 35, Replies::Carrier),
    ("outlook.jp", 22, Replies::Microsoft),
    ("hotmail.co.jp", 18, Replies::Microsoft),
    ("outlook.com", 16, Replies::Microsoft),
    ("nifty.com", 14, Replies::Plain),
    ("ymobile.ne.jp", 12, Replies::Carrier),
    ("ocn.ne.jp", 12, Replies::Plain),
    ("biglobe.ne.jp", 8, Replies::Plain),
    ("uqmobile.jp", 8, Replies::Carrier),
    ("example.co.jp", 6, Replies::Plain),
    ("example.com", 4, Replies::Plain),
];

/// Domains that people type and that do not exist.
const MISTYPED: [&str; 6] =
    ["gmial.com", "gmail.co.jp.example", "docomo.ne.jp.example", "yaho.co.jp", "ezwb.ne.jp", "icluod.com"];

const SURNAMES: [&str; 24] = [
    "sato",
    "suzuki",
    "takahashi",
    "tanaka",
    "watanabe",
    "ito",
    "yamamoto",
    "nakamura",
    "kobayashi",
    "kato",
    "yoshida",
    "yamada",
    "sasaki",
    "matsumoto",
    "inoue",
    "kimura",
    "hayashi",
    "shimizu",
    "mori",
    "abe",
    "ikeda",
    "hashimoto",
    "ogawa",
    "ishikawa",
];

const GIVEN: [&str; 24] = [
    "haruto", "yuto", "sota", "yuki", "hayato", "riku", "ken", "taro", "kenji", "daiki", "takumi", "sho", "hina",
    "yui", "sakura", "aoi", "mei", "rin", "hanako", "misaki", "nana", "yuka", "mai", "emi",
];

const WORDS: [&str; 12] =
    ["love", "cat", "sora", "hoshi", "smile", "momo", "neko", "umi", "hana", "lucky", "koko", "sweet"];

/// How a domain words its replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replies {
    Google,
    Yahoo,
    Microsoft,
    Carrier,
    Plain,
}

/// What becomes of mail to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It arrives.
    Healthy,
    /// It arrives until this day and fails with this reason from then on, most of the time.
    FailsFrom(u32, Reason),
}

/// One recipient.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The address as the sender has it.
    pub address: String,
    /// What becomes of mail to it.
    pub nature: Nature,
    replies: Replies,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The reply code; `None` where no server was reached.
    pub code: Option<u16>,
    /// The enhanced status code.
    pub status: &'static str,
    /// The text.
    pub text: String,
}

impl Recipient {
    /// Invents recipient number `n`; `days` is the time that the sample spans.
    pub fn invent(random: &mut StdRng, n: usize, days: u32) -> Self {
        let nature = nature(random, days);
        let (domain, replies) = match DOMAINS.choose_weighted(random, |(_, share, _)| *share) {
            Ok((domain, _, replies)) => (*domain, *replies),
            Err(_) => ("example.com", Replies::Plain),
        };
        let local = local_part(random, n, replies);
        let address = match nature {
            Nature::FailsFrom(_, Reason::UnknownHost) => format!("{local}@{}", pick(random, &MISTYPED)),
            Nature::FailsFrom(_, Reason::AddressFormat) => match random.random_range(0..3) {
                0 => format!("{local}@{domain}."),
                1 => format!("{local}@@{domain}"),
                _ => format!("{local} {n}@{domain}"),
            },
            _ => format!("{local}@{domain}"),
        };
        Self { address, nature, replies }
    }

    /// What the server says to mail that fails with `reason`.
    pub fn answer(&self, reason: Reason) -> Answer {
        let to = &self.address;
        let domain = to.rsplit_once('@').map_or("", |(_, domain)| domain);
        let (code, status, text) = match (reason, self.replies) {
            (Reason::UnknownHost, _) => (
                None,
                "5.4.4",
                format!(
                    "Host or domain name not found. Name service error for name={domain} type=AAAA: Host not found"
                ),
            ),
            (Reason::UnknownUser, Replies::Google) => (
                Some(550),
                "5.1.1",
                "The email account that you tried to reach does not exist. Please try double-checking the recipient's \
                 email address for typos or unnecessary spaces."
                    .to_owned(),
            ),
            (Reason::UnknownUser, Replies::Yahoo) => {
                (Some(554), "5.0.0", format!("delivery error: dd This user doesn't have a yahoo.co.jp account ({to})"))
            }
            (Reason::UnknownUser, Replies::Microsoft) => {
                (Some(550), "5.5.0", "Requested action not taken: mailbox unavailable".to_owned())
            }
            (Reason::UnknownUser, Replies::Carrier) => (Some(550), "5.0.0", format!("Unknown user {to}")),
            (Reason::UnknownUser, Replies::Plain) => {
                (Some(550), "5.1.1", format!("<{to}>: Recipient address rejected: User unknown"))
            }
            (Reason::ResendTimeout, _) => {
                (None, "4.4.1", format!("connect to mx.{domain}[192.0.2.25]:25: Connection timed out"))
            }
            (Reason::ReceptionRejected, Replies::Google) => (
                Some(552),
                "5.2.2",
                "The recipient's inbox is out of storage space. Please direct the recipient to clear out some space."
                    .to_owned(),
            ),
            (Reason::ReceptionRejected, _) => (Some(552), "5.2.2", format!("<{to}>: Mailbox full")),
            (Reason::AddressFormat, _) => (Some(501), "5.1.3", "Bad recipient address syntax".to_owned()),
            (Reason::BlockedAddress, _) => {
                (Some(550), "5.7.1", "Blocked by Stoplist: address keeps failing".to_owned())
            }
            (Reason::Other | Reason::Registered, _) => {
                (Some(550), "5.7.1", "Message rejected: it looks like unsolicited mail".to_owned())
            }
        };
        Answer { code, status, text }
    }
}

/// Of a hundred recipients, 91 are well. Half of the failing ones have failed before the sample begins, which makes its
/// first nights the busiest, as they are in life.
fn nature(random: &mut StdRng, days: u32) -> Nature {
    let reason = match random.random_range(0..1000) {
        0..910 => return Nature::Healthy,
        910..962 => Reason::UnknownUser,
        962..974 => Reason::UnknownHost,
        974..984 => Reason::ResendTimeout,
        984..996 => Reason::ReceptionRejected,
        _ => Reason::AddressFormat,
    };
    let never_worked = matches!(reason, Reason::UnknownHost | Reason::AddressFormat) || random.random_bool(0.5);
    Nature::FailsFrom(if never_worked { 0 } else { random.random_range(0..days) }, reason)
}

fn local_part(random: &mut StdRng, n: usize, replies: Replies) -> String {
    let (surname, given) = (pick(random, &SURNAMES), pick(random, &GIVEN));
    if replies == Replies::Carrier {
        let (one, two) = (pick(random, &WORDS), pick(random, &WORDS));
        // Carriers issued dots in a row and at the end, against RFC 5321.
        return match random.random_range(0..8) {
            0 => format!("{one}..{two}{n}"),
            1 => format!("{one}.{two}.{n}."),
            2..5 => format!("{given}-{one}.{n}"),
            _ => format!("{one}-{two}_{n}"),
        };
    }
    match random.random_range(0..4) {
        0 => format!("{given}.{surname}{n}"),
        1 => format!("{surname}.{given}.{n}"),
        2 => format!("{given}{n}"),
        _ => format!("{}{surname}{n}", &given[..1]),
    }
}

fn pick(random: &mut StdRng, words: &[&'static str]) -> &'static str {
    words.choose(random).copied().unwrap_or_default()
}
