//! The server that receives all mail: a scripted SMTP sink.
//!
//! What it answers to a recipient is scripted by [`Sink::script`], or follows from the local part: `u-KEY-anything` gets
//! the reply that a real provider gives in that case. Everything else is accepted.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The sink's port.
pub const PORT: u16 = 2526;

/// What the sink says about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Takes the mail.
    Accept,
    /// Says this to RCPT.
    AtRecipient(String),
    /// Takes the recipient and says this after the message.
    AfterData(String),
}

impl Answer {
    /// The mailbox does not exist.
    pub fn unknown_user() -> Self {
        by_local_part("u-511-@").unwrap_or(Self::Accept)
    }

    /// The mailbox does not take mail: the recipient's side rejects reception.
    pub fn mailbox_disabled() -> Self {
        by_local_part("u-521-@").unwrap_or(Self::Accept)
    }

    /// Try again later.
    pub fn try_later() -> Self {
        by_local_part("u-451-@").unwrap_or(Self::Accept)
    }
}

/// Replies as real providers write them, by the key in the local part.
fn by_local_part(address: &str) -> Option<Answer> {
    let (_, key) = address.split_once("u-").filter(|(before, _)| before.is_empty())?;
    let rcpt = |text: &str| Some(Answer::AtRecipient(text.to_owned()));
    let data = |text: &str| Some(Answer::AfterData(text.to_owned()));
    match key.split(['-', '@']).next()? {
        "511" => rcpt(
            "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n\
             550-5.1.1 double-checking the recipient's email address for typos or\r\n\
             550 5.1.1 unnecessary spaces. https://support.example/?p=NoSuchUser x1-gsmtp",
        ),
        "ms" => rcpt("550 5.4.1 Recipient address rejected: Access denied. [AM6EUR05FT047.eop.example]"),
        "5110" => rcpt("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        "513" => rcpt("501 5.1.3 Bad recipient address syntax"),
        "512" => rcpt("550 5.1.2 Host unknown"),
        "521" => rcpt("550 5.2.1 The email account that you tried to reach is disabled."),
        "522" => rcpt("552 5.2.2 Mailbox full"),
        "bare550" => rcpt("550 Requested action not taken: mailbox unavailable"),
        "571" => data(
            "550 5.7.1 [127.0.0.1 12] Our system has detected that this message is likely unsolicited mail. \
             To reduce the amount of spam, this message has been blocked.",
        ),
        "422" => rcpt("452 4.2.2 The recipient's inbox is out of storage space."),
        "451" => rcpt("451 4.7.1 Greylisting in action, please come back later"),
        _ => None,
    }
}

#[derive(Default)]
struct Seen {
    scripted: HashMap<String, Answer>,
    attempts: HashMap<String, usize>,
    /// The messages that were taken, by recipient.
    messages: HashMap<String, Vec<String>>,
}

/// The running sink; it ends when dropped.
pub struct Sink {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Listens on [`PORT`] of `address`.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(address: Ipv4Addr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((address, PORT)).await?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, shared.clone()));
            }
        });
        Ok(Self { seen, task })
    }

    /// Scripts what is said about an address from now on.
    pub fn script(&self, address: &str, answer: Answer) {
        lock(&self.seen).scripted.insert(address.to_lowercase(), answer);
    }

    /// How often a mail server has tried this recipient.
    pub fn attempts(&self, address: &str) -> usize {
        lock(&self.seen).attempts.get(&address.to_lowercase()).copied().unwrap_or(0)
    }

    /// How many messages for this recipient were taken.
    pub fn delivered(&self, address: &str) -> usize {
        lock(&self.seen).messages.get(&address.to_lowercase()).map_or(0, Vec::len)
    }

    /// The messages for this recipient that were taken, as they came.
    pub fn messages(&self, address: &str) -> Vec<String> {
        lock(&self.seen).messages.get(&address.to_lowercase()).cloned().unwrap_or_default()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One SMTP session (RFC 5321, with PIPELINING so that Postfix talks as it does to real servers).
async fn converse(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let mut recipients: Vec<String> = vec![];
    let mut after_data = None;
    write.write_all(b"220 sink.test ESMTP\r\n").await?;
    loop {
        let mut line = vec![];
        if (&mut read).take(8192).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line);
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" | "HELO" => {
                "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8".to_owned()
            }
            "MAIL" | "RSET" => {
                recipients.clear();
                after_data = None;
                "250 2.1.0 Ok".to_owned()
            }
            "RCPT" => {
                let address = recipient(&line);
                match attempt(&seen, &address) {
                    Answer::AtRecipient(reply) => reply,
                    other => {
                        if let Answer::AfterData(reply) = other {
                            after_data = Some(reply);
                        }
                        recipients.push(address);
                        "250 2.1.5 Ok".to_owned()
                    }
                }
            }
            "DATA" if recipients.is_empty() => "503 5.5.1 No valid recipients".to_owned(),
            "DATA" => {
                write.write_all(b"354 Go\r\n").await?;
                let message = read_message(&mut read).await?;
                let reply = after_data.take().unwrap_or_else(|| {
                    let mut seen = lock(&seen);
                    for address in &recipients {
                        seen.messages.entry(address.clone()).or_default().push(message.clone());
                    }
                    "250 2.0.0 Ok".to_owned()
                });
                recipients.clear();
                reply
            }
            "NOOP" => "250 2.0.0 Ok".to_owned(),
            "QUIT" => {
                write.write_all(b"221 2.0.0 Bye\r\n").await?;
                return Ok(());
            }
            _ => "500 5.5.2 Unknown command".to_owned(),
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// The address of `RCPT TO:<…>`, in lower case.
fn recipient(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map_or("", |(address, _)| address);
    inside.to_lowercase()
}

fn attempt(seen: &Mutex<Seen>, address: &str) -> Answer {
    let mut seen = lock(seen);
    *seen.attempts.entry(address.to_owned()).or_default() += 1;
    seen.scripted.get(address).cloned().or_else(|| by_local_part(address)).unwrap_or(Answer::Accept)
}

/// A message up to its last dot (RFC 5321 section 4.5.2).
async fn read_message(read: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let mut message = vec![];
    loop {
        let mut line = vec![];
        if read.read_until(b'\n', &mut line).await? == 0 || line == b".\r\n" {
            return Ok(String::from_utf8_lossy(&message).into_owned());
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
