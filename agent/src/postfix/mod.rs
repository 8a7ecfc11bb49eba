//! What Postfix asks and how it is answered.

pub mod cdb;
pub mod map_file;
pub mod policy;
pub mod settings;
pub mod socketmap;

use crate::list::List;
use std::{future::Future, io, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};

/// The refusal as an enhanced status code and text, without the reply code. It holds [`bounces::MARK`], by which the
/// mail log's reader tells our refusals from remote ones.
pub const REFUSAL: &str = "5.7.1 Blocked by Stoplist: address keeps failing";

/// Accepts connections for ever and answers each in its own task.
pub async fn serve<F>(listener: TcpListener, list: Arc<List>, answer: fn(TcpStream, Arc<List>) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and Postfix waits for each.
                let _ = stream.set_nodelay(true);
                let connection = answer(stream, list.clone());
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection from Postfix ended");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, for example: others may be closed soon.
                tracing::warn!(%error, "cannot accept a connection from Postfix");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_refusals_are_recognised_as_ours() {
        assert!(super::REFUSAL.contains(bounces::MARK));
    }
}
