//! What Postfix asks and how it is answered.

pub mod cdb;
pub mod map_file;
pub mod policy;
pub mod settings;
pub mod socketmap;

use crate::list::List;
use std::{io, net::TcpStream, sync::Arc, thread, time::Duration};
use tokio::net::TcpListener;

/// The refusal as an enhanced status code and text, without the reply code. It holds [`bounces::MARK`], by which the
/// mail log's reader tells our refusals from remote ones.
pub const REFUSAL: &str = "5.7.1 Blocked by Stoplist: address keeps failing";

/// How much a thread of a connection may have on its stack, in octets.
const STACK: usize = 256 << 10;
/// How long a connection may be idle: twice what Postfix leaves its own (`smtpd_policy_service_max_idle`). Then its machine
/// is gone.
const IDLE: Duration = Duration::from_secs(600);
/// How long Postfix may take to take an answer.
const TAKE: Duration = Duration::from_secs(10);

/// Answers the requests of a connection until it ends. Blocks.
type Answer = fn(&TcpStream, &List) -> io::Result<()>;

/// Accepts connections for ever and answers each in its own thread. Postfix waits for every answer: on a connection that is
/// open it does not wait for the runtime, which may be reading a list of millions.
pub async fn serve(listener: TcpListener, list: Arc<List>, answer: Answer) {
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => stream.into_std().and_then(|stream| serve_one(stream, list.clone(), answer)),
            Err(error) => Err(error),
        };
        if let Err(error) = accepted {
            // Out of file descriptors or threads, for example: others may be closed soon.
            tracing::warn!(%error, "cannot answer a connection from Postfix");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn serve_one(stream: TcpStream, list: Arc<List>, answer: Answer) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    // Answers are small and Postfix waits for each.
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(TAKE))?;
    thread::Builder::new().name("postfix".to_owned()).stack_size(STACK).spawn(move || {
        if let Err(error) = answer(&stream, &list) {
            tracing::debug!(%error, "a connection from Postfix ended");
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_refusals_are_recognised_as_ours() {
        assert!(super::REFUSAL.contains(bounces::MARK));
    }
}
