//! `stoplist-agent bounce`: a bounce message on standard input, as Postfix's pipe(8) hands it over.

use crate::{clock::Clock, config::Config, events::incoming};
use anyhow::Context;
use bounces::{BounceAddress, dsn};
use std::{
    fmt,
    io::{self, Read},
};

/// The exit status of sysexits.h that keeps the message in Postfix's queue. Every other failure would bounce the bounce.
pub const EX_TEMPFAIL: u8 = 75;
/// How much of a message is read. Reports stand before the copy of the message that failed.
const MAX_OCTETS: u64 = 10 << 20;

/// What an agent says that has no `bounce_mailbox`: its configuration is of a time when that was not asked for.
pub const NO_MAILBOX: &str = "bounce messages wait in Postfix's queue until agent.toml has bounce_mailbox, which is \
     what stands before the + or the @ of your bounce addresses: bounce_mailbox = \"bounce\" where they are such as \
     bounce+user=example.com@bounces.example.org";

/// Why bounce messages are not taken, if so.
pub fn problem(config: &Config) -> Option<&'static str> {
    (config.bounce_domain.is_some() && config.bounce_mailbox.is_none()).then_some(NO_MAILBOX)
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// So many failures wait for the agent.
    Failures(usize),
    /// It only says that a message is late or was delivered.
    NoFailure,
    /// It came to an address that is not ours. Anybody can write a bounce message about anybody: one is believed for the
    /// mailbox name that it came to. It is dropped and not refused, which would tell who guesses that name.
    OtherAddress,
    /// It is no bounce message. It is dropped: a bounce address gets automatic answers and spam as well, and nobody
    /// may be told.
    NoBounce(dsn::Error),
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures(count) => write!(f, "failures taken: {count}"),
            Self::NoFailure => write!(f, "reports no failure"),
            Self::OtherAddress => {
                write!(f, "dropped: only what comes to bounce_mailbox or bounce_mailbox+user=domain is taken")
            }
            Self::NoBounce(error) => write!(f, "dropped: {error}"),
        }
    }
}

/// Takes the failures that a message reports. `recipient` is the address that it came to, which may name whom the
/// failed message was sent to (VERP).
///
/// # Errors
/// When the message cannot be read, the disk refuses, or nobody says which address is ours or which it came to: it must
/// come again.
pub fn take(config: &Config, clock: Clock, recipient: Option<&str>, mut input: impl Read) -> anyhow::Result<Taken> {
    let mailbox = config.bounce_mailbox.as_ref().context(NO_MAILBOX)?;
    let recipient = recipient.context("--recipient is missing: call it as stoplist-agent postfix-config prints it")?;
    let mut message = Vec::new();
    input.by_ref().take(MAX_OCTETS).read_to_end(&mut message).context("cannot read the message")?;
    // Who writes it must not break off.
    io::copy(&mut input, &mut io::sink()).context("cannot read the message")?;
    // A server on the way may have changed the case.
    let ours = BounceAddress::parse(recipient).filter(|address| address.mailbox.eq_ignore_ascii_case(mailbox));
    let Some(BounceAddress { sent_to, .. }) = ours else { return Ok(Taken::OtherAddress) };
    let context = dsn::Context {
        own_hosts: std::slice::from_ref(&config.myhostname),
        received_at: clock.now(),
        sent_to: sent_to.as_deref(),
        ignored_relays: &config.ignored_relays,
    };
    let events = match dsn::parse(&message, &context) {
        Ok(events) => events,
        Err(error) => return Ok(Taken::NoBounce(error)),
    };
    if events.is_empty() {
        return Ok(Taken::NoFailure);
    }
    incoming::hand_over(&config.data_dir, &events).with_context(|| {
        format!("cannot write in data_dir {}; the message stays in the queue", config.data_dir.display())
    })?;
    Ok(Taken::Failures(events.len()))
}
