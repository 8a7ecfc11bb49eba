//! HTTPS in the service itself, for those without a proxy. A renewed certificate is taken without a restart.

use crate::config::TlsFiles;
use anyhow::Context;
use rustls::{
    ServerConfig,
    crypto::ring::{default_provider, sign::any_supported_type},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;

/// How often is looked whether the files changed.
const LOOK: Duration = Duration::from_secs(30);

/// The certificate in use.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub fn read(files: TlsFiles) -> anyhow::Result<Arc<Self>> {
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Arc::new(Self { files, current }))
    }

    /// The settings of a server that shows it: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// The cryptography of this build does not do.
    pub fn server_config(self: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let config =
            ServerConfig::builder_with_provider(default_provider().into()).with_safe_default_protocol_versions();
        let mut config = config?.with_no_client_auth().with_cert_resolver(self.clone());
        // Of what both sides know, the best for the server: rustls lists it so.
        config.ignore_client_order = true;
        Ok(config)
    }

    /// Reads the files again whenever they changed, until `shutdown`. Files that cannot be used leave the ones before in
    /// use, and are looked at again.
    pub async fn follow(self: Arc<Self>, shutdown: CancellationToken) {
        let mut known = changed_at(&self.files);
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let now = changed_at(&self.files);
            if now == known {
                continue;
            }
            match self.renew() {
                Ok(()) => {
                    known = now;
                    tracing::info!("the TLS certificate was read again");
                }
                Err(error) => tracing::error!("the TLS certificate changed and cannot be used: {error:#}"),
            }
        }
    }

    fn renew(&self) -> anyhow::Result<()> {
        let renewed = Arc::new(read(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }
}

fn changed_at(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    [changed(&files.certificate), changed(&files.key)]
}

fn read(files: &TlsFiles) -> anyhow::Result<CertifiedKey> {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the TLS certificate {certificate}"))?;
    anyhow::ensure!(!chain.is_empty(), "no certificate in {certificate}: it must be PEM");
    let private = PrivateKeyDer::from_pem_file(&files.key).with_context(|| format!("cannot read the TLS key {key}"))?;
    let private = any_supported_type(&private).with_context(|| format!("cannot use the TLS key {key}"))?;
    let certified = CertifiedKey::new(chain, private);
    certified.keys_match().with_context(|| format!("{key} is not the key of {certificate}"))?;
    Ok(certified)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a certificate of its own and its key.
    fn write(folder: &Path, name: &str) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let file = |kind: &str, text: String| {
            let path = folder.join(format!("{name}.{kind}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        TlsFiles { certificate: file("crt", made.cert.pem()), key: file("key", made.signing_key.serialize_pem()) }
    }

    #[test]
    fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "server");
        let certificate = Certificate::read(files.clone()).unwrap();
        let shown = || certificate.current.read().unwrap().cert[0].to_vec();
        let first = shown();
        assert_eq!(write(folder.path(), "server"), files);
        certificate.renew().unwrap();
        let second = shown();
        assert_ne!(first, second);
        std::fs::write(&files.certificate, "half written").unwrap();
        assert!(certificate.renew().is_err());
        assert_eq!(shown(), second);
        assert!(certificate.server_config().is_ok());
    }

    #[test]
    fn files_that_do_not_belong_together_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (write(folder.path(), "one"), write(folder.path(), "other"));
        let mixed = TlsFiles { certificate: one.certificate.clone(), key: other.key };
        let said = |files| format!("{:#}", Certificate::read(files).unwrap_err());
        assert!(said(mixed).contains("other.key is not the key of"));
        assert!(said(TlsFiles { certificate: one.key.clone(), key: one.key.clone() }).contains("no certificate in"));
        let missing = TlsFiles { key: folder.path().join("none.key"), ..one };
        assert!(said(missing).contains("none.key"));
    }
}
