//! An SMTP client that keeps its session open, as applications do that send much mail.

use anyhow::Context;
use std::net::Ipv4Addr;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Duration, timeout},
};

/// Who sends all mail of the tests.
pub const SENDER: &str = "sender@shop.test";
/// How long a server may take for one reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reply of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply code.
    pub code: u16,
    /// The lines after the code, joined.
    pub text: String,
}

impl Reply {
    /// Whether the server agreed.
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// Whether this is Stoplist's refusal.
    pub fn is_blocked(&self) -> bool {
        self.code == 550 && self.text.starts_with("5.7.1 ") && self.text.contains("Blocked by Stoplist")
    }
}

/// An open SMTP session.
pub struct Session {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Session {
    /// Connects and greets.
    ///
    /// # Errors
    /// Nothing listens, or the server does not greet.
    pub async fn open(address: Ipv4Addr, port: u16) -> anyhow::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect((address, port))).await??;
        let (read, write) = stream.into_split();
        let mut session = Self { lines: BufReader::new(read).lines(), write };
        let greeting = session.reply().await?;
        anyhow::ensure!(greeting.is_positive(), "the server greets with {greeting:?}");
        let hello = session.command("EHLO client.test").await?;
        anyhow::ensure!(hello.is_positive(), "the server answers EHLO with {hello:?}");
        Ok(session)
    }

    /// What the server says about a recipient; sends nothing.
    ///
    /// # Errors
    /// The session is over.
    pub async fn ask(&mut self, recipient: &str) -> anyhow::Result<Reply> {
        self.expect_positive(&format!("MAIL FROM:<{SENDER}>")).await?;
        let reply = self.command(&format!("RCPT TO:<{recipient}>")).await?;
        self.expect_positive("RSET").await?;
        Ok(reply)
    }

    /// What the server says about each recipient of one message; sends nothing.
    ///
    /// # Errors
    /// The session is over.
    pub async fn ask_all(&mut self, recipients: &[String]) -> anyhow::Result<Vec<Reply>> {
        self.expect_positive(&format!("MAIL FROM:<{SENDER}>")).await?;
        let mut replies = Vec::with_capacity(recipients.len());
        for recipient in recipients {
            replies.push(self.command(&format!("RCPT TO:<{recipient}>")).await?);
        }
        self.expect_positive("RSET").await?;
        Ok(replies)
    }

    /// Sends a message and returns the server's last word: its refusal of the recipient, or of the message, or its
    /// acceptance.
    ///
    /// # Errors
    /// The session is over.
    pub async fn send(&mut self, recipient: &str) -> anyhow::Result<Reply> {
        self.send_from(SENDER, recipient, "").await
    }

    /// As [`Self::send`], with an envelope sender, to which a bounce message goes, and parameters of RCPT (RFC 3461).
    ///
    /// # Errors
    /// The session is over.
    pub async fn send_from(&mut self, sender: &str, recipient: &str, parameters: &str) -> anyhow::Result<Reply> {
        let message = format!("From: <{SENDER}>\nTo: <{recipient}>\nSubject: news\n\nHello.\n");
        self.deliver(sender, &format!("<{recipient}> {parameters}"), &message).await
    }

    /// Delivers a message, as another mail server does; no line of it may start with a dot.
    ///
    /// # Errors
    /// The session is over.
    pub async fn deliver(&mut self, sender: &str, recipient: &str, message: &str) -> anyhow::Result<Reply> {
        self.expect_positive(&format!("MAIL FROM:<{sender}>")).await?;
        let reply = self.command(format!("RCPT TO:{recipient}").trim_end()).await?;
        if !reply.is_positive() {
            self.expect_positive("RSET").await?;
            return Ok(reply);
        }
        self.expect_positive("DATA").await?;
        self.command(&format!("{}\r\n.", message.trim_end().replace('\n', "\r\n"))).await
    }

    async fn expect_positive(&mut self, command: &str) -> anyhow::Result<()> {
        let reply = self.command(command).await?;
        anyhow::ensure!(reply.is_positive(), "the server answers {command} with {reply:?}");
        Ok(())
    }

    async fn command(&mut self, command: &str) -> anyhow::Result<Reply> {
        self.write.write_all(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn reply(&mut self) -> anyhow::Result<Reply> {
        let mut texts = vec![];
        loop {
            let line = timeout(PATIENCE, self.lines.next_line())
                .await
                .context("the server does not reply")??
                .context("the server closed the session")?;
            let code = line.get(..3).and_then(|code| code.parse().ok()).context("not an SMTP reply")?;
            texts.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text: texts.join(" ") });
            }
        }
    }
}
