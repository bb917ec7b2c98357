//! DKIM signatures (RFC 6376, RFC 8463) over what leaves, by mail-auth. The key is read once at start; a
//! mail is signed as the very last step, and one that cannot be signed is not sent unsigned. It never
//! prints the key.

use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::{Canonicalization, DkimSigner, Done};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// What a receiver sees of a mail and what an answer depends on.
const SIGNED: [&str; 13] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Auto-Submitted",
    "List-Id",
];

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("DKIM key: {0}; give a PEM file with an RSA key of 2048 bits or an Ed25519 key in PKCS#8")]
pub struct DkimFault(String);

/// Signs for one domain and selector.
pub struct DkimKey {
    domain: String,
    selector: String,
    signer: Signer,
}

enum Signer {
    Rsa(DkimSigner<RsaKey<Sha256>, Done>),
    Ed25519(DkimSigner<Ed25519Key, Done>),
}

fn signer<K: SigningKey>(key: K, domain: &str, selector: &str) -> DkimSigner<K, Done> {
    DkimSigner::from_key(key)
        .domain(domain)
        .selector(selector)
        .headers(SIGNED)
        .header_canonicalization(Canonicalization::Relaxed)
        .body_canonicalization(Canonicalization::Relaxed)
}

impl std::fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DkimKey")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

impl DkimKey {
    /// Reads a private key in PEM. The public half must stand in the DNS at
    /// `<selector>._domainkey.<domain>`.
    ///
    /// # Errors
    /// [`DkimFault`] if the text is no key that can sign.
    pub fn from_pem(domain: &str, selector: &str, pem: &str) -> Result<Self, DkimFault> {
        let fault = |e: &dyn std::fmt::Display| DkimFault(e.to_string());
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|e| fault(&e))?;
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(pkcs8) => {
                Ed25519Key::from_pkcs8_maybe_unchecked_der(pkcs8.secret_pkcs8_der()).ok()
            }
            _ => None,
        };
        let signer = match ed25519 {
            Some(key) => Signer::Ed25519(signer(key, domain, selector)),
            None => {
                let key = RsaKey::<Sha256>::from_key_der(der).map_err(|e| fault(&e))?;
                Signer::Rsa(signer(key, domain, selector))
            }
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), signer })
    }

    /// Where the public half stands in the DNS.
    #[must_use]
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The message with its signature in front. The time in it is the machine's.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = match &self.signer {
            Signer::Rsa(signer) => signer.sign(message),
            Signer::Ed25519(signer) => signer.sign(message),
        };
        let mut signed = signature.map_err(|e| e.to_string())?.to_header().into_bytes();
        signed.extend_from_slice(message);
        Ok(signed)
    }
}
