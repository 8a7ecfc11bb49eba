//! Postfix's policy delegation protocol (SMTPD_POLICY_README), asked at RCPT.
//!
//! While no list is loaded, connections are closed: Postfix then uses its `default_action`, the map file, so that a
//! missing list never lets everything through.

use super::REFUSAL;
use crate::list::List;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What is answered for who is not blocked: what else Postfix is told decides.
const NO_OPINION: &str = "DUNNO";
/// No request of Postfix is nearly as long.
const MAX_REQUEST_OCTETS: u64 = 64 << 10;
/// No answer of an agent is nearly as long.
const MAX_ANSWER_OCTETS: u64 = 1 << 10;
/// How long an agent may take to answer, as in Postfix's lines.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers the requests of one connection. Blocks.
///
/// # Errors
/// When the connection breaks or what comes is no policy request.
pub fn answer(mut stream: &TcpStream, list: &List) -> io::Result<()> {
    let mut requests = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        let mut recipient = None;
        let mut left = MAX_REQUEST_OCTETS;
        loop {
            line.clear();
            let octets = (&mut requests).take(left).read_until(b'\n', &mut line)?;
            left -= octets as u64;
            if line.pop() != Some(b'\n') {
                let ended = octets == 0 && left == MAX_REQUEST_OCTETS;
                return if ended { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) };
            }
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix(b"recipient=") {
                recipient = Some(String::from_utf8_lossy(value).into_owned());
            }
        }
        if !list.is_loaded() {
            return Ok(());
        }
        let refuse = recipient.is_some_and(|recipient| {
            list.blocks(&recipient) || quoted(&recipient).is_some_and(|recipient| list.blocks(&recipient))
        });
        let action = if refuse { format!("action=550 {REFUSAL}\n\n") } else { format!("action={NO_OPINION}\n\n") };
        stream.write_all(action.as_bytes())?;
    }
}

/// The recipient with its local part in quotes. Postfix's request has it without them, `a b@x.test`, the list has it as
/// it is sent (RFC 5321 section 4.1.2). The transport map is asked for both.
fn quoted(recipient: &str) -> Option<String> {
    let (local, domain) = recipient.rsplit_once('@')?;
    Some(format!("\"{}\"@{domain}", local.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Asks a running agent as Postfix does, for an address key, and gives the refusal, if there is one. Blocks.
///
/// # Errors
/// When no agent answers there, or one that has no list yet.
pub fn ask(agent: SocketAddr, key: &str) -> io::Result<Option<String>> {
    let mut stream = TcpStream::connect_timeout(&agent, ASK_TIMEOUT)?;
    stream.set_read_timeout(Some(ASK_TIMEOUT))?;
    stream.write_all(format!("request=smtpd_access_policy\nrecipient={key}\n\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_ANSWER_OCTETS)).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::Error::other("the agent has no list yet"));
    }
    let action = line.trim_end().strip_prefix("action=").ok_or_else(|| io::Error::other("what answers is no agent"))?;
    Ok((action != NO_OPINION).then(|| action.to_owned()))
}
