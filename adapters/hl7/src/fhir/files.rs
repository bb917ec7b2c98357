//! Files inside a Bundle: Binary resources and the attachments of DocumentReferences (sections 210, 230,
//! and a CDA in 200). The kind is decided by the bytes; programs and image archives are refused, and an
//! address outside of the Bundle is never fetched.

use super::bundle::{Bundle, text};
use crate::embedded::{self, Encoding};
use kakehashi_core::decide::doubt;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, ReadFault};
use serde_json::Value;
use std::collections::HashSet;

/// Files of one document.
const MAX_FILES: usize = 100;

/// Keeps them; gives back a line about what nobody can open here.
pub(super) fn keep(
    envelope: &mut Envelope,
    bundle: &Bundle,
    parts: &mut dyn PartSink,
) -> Result<Option<String>, ReadFault> {
    let mut refused: Vec<&str> = Vec::new();
    let mut files: Vec<(Option<String>, &str, &str)> = Vec::new();
    let mut named: HashSet<*const Value> = HashSet::new();
    for reference in bundle.of_kind("DocumentReference") {
        for content in reference["content"].as_array().into_iter().flatten().take(MAX_FILES) {
            let attachment = &content["attachment"];
            let title = text(&attachment["title"]).or_else(|| text(&reference["description"]));
            let declared = attachment["contentType"].as_str().unwrap_or("");
            if let Some(data) = attachment["data"].as_str() {
                files.push((title, declared, data));
            } else if let Some(url) = attachment["url"].as_str() {
                let target =
                    Value::Object([("reference".to_owned(), Value::from(url))].into_iter().collect());
                match bundle.resolve_in(reference, &target) {
                    Some(binary) => {
                        named.insert(std::ptr::from_ref(binary));
                        let declared = binary["contentType"].as_str().unwrap_or(declared);
                        files.extend(binary["data"].as_str().map(|data| (title, declared, data)));
                    }
                    None => {
                        let detail = "an attachment lies outside of the document and is not fetched";
                        envelope.warn("reference_not_fetched", detail);
                        refused.push("病院内の別の場所にある文書");
                    }
                }
            }
        }
    }
    let binaries = bundle.of_kind("Binary").filter(|b| !named.contains(&std::ptr::from_ref(*b)));
    files.extend(
        binaries.filter_map(|b| Some((None, b["contentType"].as_str().unwrap_or(""), b["data"].as_str()?))),
    );
    for (number, (title, declared, data)) in files.into_iter().enumerate() {
        if number >= MAX_FILES {
            envelope.warn("too_many_files", "embedded files over the limit were left out");
            envelope.warn(doubt::PAGES_UNREADABLE, "embedded files over the limit were left out");
            break;
        }
        let Some(bytes) = embedded::decode_wrapped(data.as_bytes(), Encoding::Base64, b'\\') else {
            envelope.warn("embedded_file_damaged", "an embedded file could not be decoded");
            envelope.warn(doubt::PAGES_UNREADABLE, "an embedded file could not be decoded");
            continue;
        };
        let (main, sub) = declared.split_once('/').unwrap_or((declared, ""));
        let kind = match embedded::acceptable(&bytes, main, sub) {
            Ok(kind) => kind,
            Err(fault) => {
                envelope.warn(fault.code(), fault.to_string());
                refused.push(fault.in_words());
                continue;
            }
        };
        let name = title.unwrap_or_else(|| "添付".to_owned()).replace(['/', '\\'], "・");
        let extension = format!(".{}", kind.extension);
        let name =
            if name.to_ascii_lowercase().ends_with(&extension) { name } else { format!("{name}{extension}") };
        embedded::keep(envelope, parts, &name, kind, &bytes)?;
    }
    Ok(embedded::left_out(&refused))
}
