//! What no operator can choose, and tests can.

use std::time::Duration;

/// What hashing a password costs us, and whoever guesses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCost {
    /// argon2id with 19 MiB, twice (OWASP's recommendation).
    Recommended,
    /// As little as can be, for tests, which sign in a thousand times and have nothing to hide.
    Least,
}

/// How long the service waits for a client that is slow, or means no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the head of a request. Also a client whose head lies ready while this process gets no time of the machine is
    /// answered 408 when it is over: with actix's five seconds that happened under load.
    pub head: Duration,
    /// For a whole JSON body: 8 MiB on a line of 1.1 Mbit/s.
    pub body: Duration,
    /// How long the bytes of an upload may come more slowly than uploads must.
    pub upload: Duration,
    /// How long whoever downloads a file may take for a piece of 64 KiB.
    pub download: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { head: Duration::from_secs(30), body: minute, upload: minute, download: minute }
    }
}
