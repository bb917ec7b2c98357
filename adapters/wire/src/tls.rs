//! TLS for listeners and for outgoing connections of our own: loading certificates with errors that name
//! the file and the remedy, and the handshake with a time limit. One provider (ring) for the whole program.
//! An authority is always named; nothing is trusted because a system trusts it.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use rustls::{ClientConfig, ServerConfig};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The file cannot be read or is not PEM.
    #[error("{path}: cannot be read as PEM ({detail}); give a readable PEM file with {expected}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was to be in it.
        expected: &'static str,
        /// What the reader said.
        detail: String,
    },
    /// Certificate and key do not belong together, or the key is of an unknown kind.
    #[error(
        "certificate {path} and its key cannot be used together ({detail}); check that both belong together"
    )]
    Unusable {
        /// The certificate file.
        path: PathBuf,
        /// What rustls said.
        detail: String,
    },
}

/// Loads a server configuration from PEM files. With `client_ca`, peers must show a certificate that
/// this authority signed.
///
/// # Errors
/// [`TlsFault`] names the file and what to do.
pub fn server_config(
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<Arc<ServerConfig>, TlsFault> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| TlsFault::Pem {
        path: key.to_owned(),
        expected: "a private key",
        detail: e.to_string(),
    })?;
    let unusable = |detail: String| TlsFault::Unusable { path: certificate.to_owned(), detail };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(e.to_string()))?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots
                    .add(root)
                    .map_err(|e| TlsFault::Unusable { path: path.to_owned(), detail: e.to_string() })?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|e| TlsFault::Unusable { path: path.to_owned(), detail: e.to_string() })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, key).map_err(|e| unusable(e.to_string()))?;
    Ok(Arc::new(config))
}

/// Loads a client configuration that trusts the authority in a PEM file and, if given, shows a certificate.
///
/// # Errors
/// [`TlsFault`] names the file and what to do.
pub fn client_config(authority: &Path, own: Option<(&Path, &Path)>) -> Result<Arc<ClientConfig>, TlsFault> {
    let unusable = |path: &Path, detail: String| TlsFault::Unusable { path: path.to_owned(), detail };
    let mut roots = RootCertStore::empty();
    for root in certificates(authority)? {
        roots.add(root).map_err(|e| unusable(authority, e.to_string()))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(authority, e.to_string()))?
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|e| TlsFault::Pem {
                path: key.to_owned(),
                expected: "a private key",
                detail: e.to_string(),
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|e| unusable(certificate, e.to_string()))?
        }
    };
    Ok(Arc::new(config))
}

/// Shakes hands with a server whose certificate must name `host`, within 20 s.
///
/// # Errors
/// The name is none, the handshake failed (`InvalidData` where the certificate is not trusted) or took too long.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    config: &Arc<ClientConfig>,
    host: &str,
    stream: S,
) -> std::io::Result<tokio_rustls::client::TlsStream<S>> {
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidInput, e))?;
    tokio::time::timeout(
        Duration::from_secs(20),
        TlsConnector::from(Arc::clone(config)).connect(name, stream),
    )
    .await
    .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

/// Until when the first certificate of a PEM file is valid, as RFC 3339. `None` if it cannot be told.
#[must_use]
pub fn valid_until(certificate: &Path) -> Option<String> {
    not_after(certificates(certificate).ok()?.first()?)
}

/// `notAfter` of an X.509 certificate (RFC 5280 4.1.2.5).
fn not_after(der: &[u8]) -> Option<String> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    // Version, serial number, signature algorithm and issuer come before the validity.
    for _ in 0..5 {
        if is_validity(rest) {
            break;
        }
        let (_, _, after) = element(rest)?;
        rest = after;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, after) = element(validity)?;
    let (tag, time, _) = element(after)?;
    let digits = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let full = match tag {
        // UTCTime: years 50 to 99 are of the last century.
        0x17 => format!("{}{digits}", if digits.get(..2)? >= "50" { "19" } else { "20" }),
        _ => digits.to_owned(),
    };
    if full.len() != 14 || !full.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| full.get(from..to).unwrap_or_default();
    Some(format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    ))
}

/// Whether the element at the front is a sequence that begins with a time.
fn is_validity(der: &[u8]) -> bool {
    element(der).is_some_and(|(tag, inner, _)| tag == 0x30 && matches!(inner.first(), Some(0x17 | 0x18)))
}

/// Tag, content and what follows of the DER element at the front.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (bytes.iter().fold(0, |sum, b| sum << 8 | usize::from(*b)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let fault = |detail: String| TlsFault::Pem { path: path.to_owned(), expected: "certificates", detail };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|e| fault(e.to_string()))?
        .collect::<Result<_, _>>()
        .map_err(|e| fault(e.to_string()))?;
    if found.is_empty() { Err(fault("no certificate in it".into())) } else { Ok(found) }
}

/// Shakes hands with a client within 20 s.
///
/// # Errors
/// The handshake failed or took too long; the connection is of no further use.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    config: &Arc<ServerConfig>,
    stream: S,
) -> std::io::Result<TlsStream<S>> {
    tokio::time::timeout(Duration::from_secs(20), TlsAcceptor::from(Arc::clone(config)).accept(stream))
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let fault =
            server_config(Path::new("/nowhere/cert.pem"), Path::new("/nowhere/key.pem"), None).unwrap_err();
        assert!(fault.to_string().contains("/nowhere/cert.pem"), "{fault}");
    }

    #[test]
    fn a_generated_certificate_loads() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = std::env::temp_dir().join(format!("kakehashi-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        assert!(server_config(&cert, &key, None).is_ok());
        assert!(server_config(&cert, &key, Some(&cert)).is_ok());
        assert!(client_config(&cert, Some((&cert, &key))).is_ok());
        assert!(client_config(&key, None).is_err());
        let until = valid_until(&cert).unwrap();
        assert!(until.starts_with("4096-01-01T"), "{until}");
        assert_eq!(valid_until(&key), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
