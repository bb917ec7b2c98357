//! TLS towards the broker: the authority is named in the configuration and nothing else is trusted. One
//! provider (ring) as everywhere.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the authority file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be used as the broker's authority ({detail}); give a PEM file with its certificate")]
pub struct AuthorityFault {
    /// The file.
    pub path: PathBuf,
    /// What was wrong.
    pub detail: String,
}

/// A client configuration that trusts the certificates of a PEM file.
///
/// # Errors
/// [`AuthorityFault`] names the file and what to do.
pub fn client_config(authority: &Path) -> Result<ClientConfig, AuthorityFault> {
    let fault = |detail: String| AuthorityFault { path: authority.to_owned(), detail };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).map_err(|e| fault(e.to_string()))? {
        let certificate = certificate.map_err(|e| fault(e.to_string()))?;
        roots.add(certificate).map_err(|e| fault(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(fault("no certificate in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| fault(e.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_authority_names_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("ca.pem");
        std::fs::write(&empty, "no certificate").unwrap();
        for path in [empty, dir.path().join("absent.pem")] {
            let fault = client_config(&path).unwrap_err();
            assert!(fault.to_string().contains(path.to_str().unwrap()));
        }
    }
}
