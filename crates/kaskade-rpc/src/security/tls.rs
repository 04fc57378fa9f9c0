//! Certificates: what a server shows, what a client trusts, and what a client may be asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::{SecurityError, secret};
use crate::limits;

/// What a certificate of `kaskade cert` is for: a name that it carries beside those of its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateUse {
    /// A person's: it may make no call of a worker.
    Client,
    /// A worker's: it may make no other.
    Worker,
}

impl CertificateUse {
    /// The name that stands for it in the certificate. Nobody's host can be called so.
    #[must_use]
    pub fn dns_name(self) -> &'static str {
        match self {
            Self::Client => "client.kaskade.invalid",
            Self::Worker => "worker.kaskade.invalid",
        }
    }

    /// What `certificate` is for; `None` for one that does not say.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        [Self::Worker, Self::Client].into_iter().find(|use_| {
            let name = ServerName::try_from(use_.dns_name()).expect("the name is a constant");
            verify_server_name(&parsed, &name).is_ok()
        })
    }
}

/// Whether `text` is a name or an address that a certificate can be for.
#[must_use]
pub fn is_host(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}

/// A certificate with its key, by file.
#[derive(Clone, Copy, Debug)]
pub struct IdentityFiles<'a> {
    /// The certificate, and those between it and the authority.
    pub certificate: &'a Path,
    /// Its private key.
    pub key: &'a Path,
}

/// What a server shows, and asks of its clients.
#[derive(Clone, Debug)]
pub struct ServerTls(pub(crate) Arc<ServerConfig>);

impl ServerTls {
    /// Reads the server's identity and, if there is one, the authority whose certificates
    /// clients must then show.
    ///
    /// # Errors
    /// [`SecurityError`] names the file that cannot be used.
    pub fn load(
        identity: IdentityFiles<'_>,
        authority: Option<&Path>,
    ) -> Result<Self, SecurityError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of TLS 1.2 and 1.3");
        let builder = match authority {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(roots(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                let verifier = verifier.map_err(|error| not_an_authority(path, &error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let IdentityFiles { certificate, key } = identity;
        let (chain, private) = (certificates(certificate)?, private_key(key)?);
        let mut config = builder.with_single_cert(chain, private).map_err(|error| {
            let reason = error.to_string();
            SecurityError::Identity { certificate: certificate.into(), key: key.into(), reason }
        })?;
        config.alpn_protocols.push(b"h2".to_vec());
        Ok(Self(Arc::new(config)))
    }
}

impl ServerTls {
    /// The same for a server that speaks HTTP/1.1 instead of gRPC.
    pub(crate) fn for_http1(&self) -> Self {
        let mut config = (*self.0).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }
}

/// What a client trusts, and shows.
#[derive(Clone, Debug)]
pub struct ClientTls(pub(crate) ClientTlsConfig);

impl ClientTls {
    /// Reads the authority whose certificates servers must show and, if there is one, the
    /// client's own identity.
    ///
    /// # Errors
    /// [`SecurityError`] names the file that cannot be used.
    pub fn load(
        authority: &Path,
        identity: Option<IdentityFiles<'_>>,
    ) -> Result<Self, SecurityError> {
        roots(authority)?;
        let config = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(authority)?))
            .timeout(limits::HANDSHAKE_TIMEOUT);
        let Some(IdentityFiles { certificate, key }) = identity else { return Ok(Self(config)) };
        // Read by the transport later: what is wrong with them is said here, by file.
        ServerTls::load(IdentityFiles { certificate, key }, None)?;
        let identity = Identity::from_pem(read(certificate)?, secret::read(key)?);
        Ok(Self(config.identity(identity)))
    }
}

/// Whether the certificate in `own` is one of `authority` for TLS at the moment `unix_seconds`.
///
/// # Errors
/// [`SecurityError`] names the file that cannot be used, or says what is wrong with the
/// certificate.
pub fn check_certificate(
    own: &Path,
    authority: &Path,
    unix_seconds: u64,
) -> Result<(), SecurityError> {
    let chain = certificates(own)?;
    let (first, between) = chain.split_first().expect("a file without certificates is refused");
    let roots = Arc::new(roots(authority)?);
    let provider = Arc::new(ring::default_provider());
    let now = UnixTime::since_unix_epoch(Duration::from_secs(unix_seconds));
    let wrong = |error: &dyn std::error::Error| {
        let reason = format!("is not good now with {} ({error})", authority.display());
        pem(own, reason, CERTIFICATES)
    };
    let parsed = ParsedCertificate::try_from(first).map_err(|error| wrong(&error))?;
    let algorithms = provider.signature_verification_algorithms.all;
    // One of `kaskade cert` is a server's, a client's, or both.
    let as_server =
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, between, now, algorithms);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
    let verifier = verifier.map_err(|error| not_an_authority(authority, &error))?;
    match (as_server, verifier.verify_client_cert(first, between, now)) {
        (Err(_), Err(error)) => Err(wrong(&error)),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SecurityError> {
    std::fs::read(path).map_err(|source| SecurityError::Read { path: path.to_owned(), source })
}

/// What certificates in PEM are called in errors.
const CERTIFICATES: &str = "certificates";

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SecurityError> {
    let bytes = read(path)?;
    let flaw = |reason| pem(path, reason, CERTIFICATES);
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| flaw(format!("is damaged ({error})")))?;
    if certificates.is_empty() { Err(flaw("has none".into())) } else { Ok(certificates) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SecurityError> {
    let text = secret::read(path)?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
    key.map_err(|error| {
        pem(path, format!("has no key that can be read ({error})"), "a private key")
    })
}

fn roots(path: &Path) -> Result<RootCertStore, SecurityError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| not_an_authority(path, &error))?;
    }
    Ok(roots)
}

fn not_an_authority(path: &Path, error: &dyn std::error::Error) -> SecurityError {
    pem(path, format!("has a certificate that is no authority's ({error})"), CERTIFICATES)
}

fn pem(path: &Path, reason: String, expected: &'static str) -> SecurityError {
    SecurityError::Pem { path: PathBuf::from(path), reason, expected }
}
