//! Locks a PDF with the password agreed on paper at registration: AES-256, revision 6 (ISO 32000-2,
//! 7.6.4), the only scheme of PDF that is not deprecated. A PDF that is already locked by somebody
//! else's password cannot be locked again and is refused here.

use crate::fault::RenderFault;
use lopdf::encryption::crypt_filters::{Aes256CryptFilter, CryptFilter};
use lopdf::{Document, EncryptionState, EncryptionVersion, LoadOptions, Object, Permissions, StringFormat};
use rand::RngCore as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A stream that grows beyond this while a received PDF is read is a bomb.
const STREAM_MAX: usize = 64 << 20;

/// Returns `pdf` readable with `password` only.
///
/// # Errors
/// [`RenderFault::Encrypt`] if it is no PDF, is already encrypted, or the password cannot be used.
pub(crate) fn lock(pdf: &[u8], password: &str) -> Result<Vec<u8>, RenderFault> {
    locked(pdf, password).map_err(|e| RenderFault::Encrypt(Box::new(e)))
}

/// Opens a PDF that needs no password.
///
/// # Errors
/// If it is damaged beyond repair, grows without bound, or is encrypted.
pub(crate) fn open(pdf: &[u8]) -> Result<Document, lopdf::Error> {
    let options = LoadOptions { max_decompressed_size: Some(STREAM_MAX), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(pdf, options)?;
    if document.is_encrypted() || document.was_encrypted() {
        return Err(lopdf::Error::AlreadyEncrypted);
    }
    Ok(document)
}

fn locked(pdf: &[u8], password: &str) -> Result<Vec<u8>, lopdf::Error> {
    let mut document = open(pdf)?;
    let mut random = rand::rng();
    if document.trailer.get(b"ID").is_err() {
        let mut id = [0_u8; 16];
        random.fill_bytes(&mut id);
        let id = Object::String(id.to_vec(), StringFormat::Hexadecimal);
        document.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    }
    let mut key = [0_u8; 32];
    random.fill_bytes(&mut key);
    let mut owner = [0_u8; 24];
    random.fill_bytes(&mut owner);
    let owner: String = owner.iter().map(|b| format!("{b:02x}")).collect();
    let filter: Arc<dyn CryptFilter> = Arc::new(Aes256CryptFilter);
    let state = EncryptionState::try_from(EncryptionVersion::V5 {
        encrypt_metadata: true,
        crypt_filters: BTreeMap::from([(b"StdCF".to_vec(), filter)]),
        file_encryption_key: &key,
        stream_filter: b"StdCF".to_vec(),
        string_filter: b"StdCF".to_vec(),
        owner_password: &owner,
        user_password: password,
        permissions: Permissions::all(),
    })?;
    document.version = "2.0".to_owned();
    document.encrypt(&state)?;
    let mut out = Vec::with_capacity(pdf.len() + pdf.len() / 8);
    document.save_to(&mut out)?;
    Ok(out)
}
