//! One loopback address of its own for each test, with DNS and the sink on it.

use super::{
    dns::Dns,
    postfix::PostfixPlan,
    sink::{Answer, Sink},
};
use anyhow::Context;
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The place where one test happens: an address, a temporary folder, DNS and the sink.
///
/// Everything listens on fixed ports of that address, so tests run side by side without racing for ports.
pub struct Site {
    address: Ipv4Addr,
    folder: tempfile::TempDir,
    sink: Sink,
    _dns: Dns,
}

impl Site {
    /// Takes a free loopback address and starts DNS and the sink on it.
    ///
    /// # Errors
    /// The caller is not root, or no address is free.
    pub async fn open() -> anyhow::Result<Self> {
        anyhow::ensure!(
            rustix::process::geteuid().is_root(),
            "the mail tests start real Postfix servers and a DNS on port 53: run them as root"
        );
        // Postfix's own users must be able to walk into it.
        let folder = tempfile::Builder::new()
            .prefix("stoplist-mail-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()?;
        let (address, dns) = claim_address().await?;
        let sink = Sink::start(address).await?;
        Ok(Self { address, folder, sink, _dns: dns })
    }

    /// The site's address in 127.0.0.0/8.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The site's temporary folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A new folder inside it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn new_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// The server that receives all mail.
    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Scripts what the sink says about an address from now on.
    pub fn when_mailed(&self, address: &str, answer: Answer) {
        self.sink.script(address, answer);
    }

    /// Plans a Postfix server on `port` of this site.
    ///
    /// # Errors
    /// Postfix is not installed or the disk refuses.
    pub fn postfix(&self, name: &str, port: u16) -> anyhow::Result<PostfixPlan> {
        PostfixPlan::new(name, self.address, port, &self.new_folder(name)?)
    }
}

/// Takes the first of some addresses on which port 53 is free. Holding that port is what reserves the address.
async fn claim_address() -> anyhow::Result<(Ipv4Addr, Dns)> {
    let mut last = None;
    for _ in 0..200 {
        let seed = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let [_, a, b, c] = seed.to_be_bytes();
        // Below 127.64.0.0 live the addresses that systems use themselves.
        let address = Ipv4Addr::new(127, 64 + a % 128, b, c.clamp(1, 254));
        match Dns::start(address).await {
            Ok(dns) => return Ok((address, dns)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("no address tried")?).context("no loopback address has a free port 53")
}
