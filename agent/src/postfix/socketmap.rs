//! Postfix's socketmap protocol (socketmap_table(5)), asked for the transport of a recipient: the second net, for
//! `sendmail(1)` and for mail that is in the queue already.

use super::REFUSAL;
use crate::list::List;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
};

/// Postfix's own limit of a request.
const MAX_REQUEST_OCTETS: usize = 100_000;

/// Answers the requests of one connection. Blocks.
///
/// # Errors
/// When the connection breaks or what comes is no netstring.
pub fn answer(mut stream: &TcpStream, list: &List) -> io::Result<()> {
    let mut requests = BufReader::new(stream);
    while let Some(request) = read_netstring(&mut requests)? {
        let request = String::from_utf8_lossy(&request);
        // "map-name key"; the map's name is free.
        let key = request.split_once(' ').map(|(_, key)| key);
        let reply = match key {
            None => "PERM the request has no key".to_owned(),
            // Queued mail is deferred, not lost and not let through, until there is a list.
            Some(_) if !list.is_loaded() => "TEMP no list is loaded yet".to_owned(),
            // Postfix also asks for the domain alone, which a malformed address may look like.
            Some(key) if list.blocks_address(key) => format!("OK error:{REFUSAL}"),
            Some(_) => "NOTFOUND ".to_owned(),
        };
        stream.write_all(format!("{}:{reply},", reply.len()).as_bytes())?;
    }
    Ok(())
}

/// The content of the next netstring; `None` at the end.
fn read_netstring(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let mut length = Vec::new();
    if stream.take(8).read_until(b':', &mut length)? == 0 {
        return Ok(None);
    }
    let length = length
        .strip_suffix(b":")
        .filter(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok())
        .filter(|length| *length <= MAX_REQUEST_OCTETS)
        .ok_or_else(invalid)?;
    let mut content = vec![0; length + 1];
    stream.read_exact(&mut content)?;
    if content.pop() != Some(b',') {
        return Err(invalid());
    }
    Ok(Some(content))
}
