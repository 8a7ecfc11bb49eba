//! Postfix's policy delegation protocol (SMTPD_POLICY_README), asked at RCPT.
//!
//! While no list is loaded, connections are closed: Postfix then uses its `default_action`, the map file, so that a
//! missing list never lets everything through.

use super::REFUSAL;
use crate::list::List;
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// No request of Postfix is nearly as long.
const MAX_REQUEST_OCTETS: u64 = 64 << 10;

/// Answers the requests of one connection.
///
/// # Errors
/// When the connection breaks or what comes is no policy request.
pub async fn answer(stream: TcpStream, list: Arc<List>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        let mut recipient = None;
        let mut left = MAX_REQUEST_OCTETS;
        loop {
            line.clear();
            let octets = (&mut stream).take(left).read_until(b'\n', &mut line).await?;
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
        let refuse = recipient.is_some_and(|recipient| list.blocks(&recipient));
        let action = if refuse { format!("action=550 {REFUSAL}\n\n") } else { "action=DUNNO\n\n".to_owned() };
        stream.write_all(action.as_bytes()).await?;
    }
}
