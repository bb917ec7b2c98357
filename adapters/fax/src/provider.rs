//! Mails that are FAXes: from configured services and machines with certainty, from others by the
//! combination of signs that such mails have, with a doubt (care-network.md 4.1). The caller number is
//! taken from where this sender puts it; it is weak evidence and never proves who sent the page.

pub(crate) mod signs;
mod words;

pub use crate::read::read_mail;
pub(crate) use words::{first_number, labelled, withheld};

use crate::pages;
use kakehashi_core::envelope::Warning;
use kakehashi_core::mail::{Mail, MailPart};
use kakehashi_core::port::Origin;
use kakehashi_core::text::number::fold_number;
use serde::{Deserialize, Serialize};

/// One service or machine that sends received FAXes by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaxProviderProfile {
    /// For the office and for `doctor`.
    pub name: String,
    /// Addresses (`mfp01@example.jp`) or domains (`netfax.example`) it sends from.
    pub from: Vec<String>,
    /// Where the caller number is.
    #[serde(default)]
    pub number_in: NumberPlace,
}

/// Where a sender puts the caller number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberPlace {
    /// In one of the usual places: headers, subject, labelled lines of the text.
    #[default]
    Usual,
    /// In a header of this name.
    Header(String),
    /// In the subject, which looks like this text with `{number}` at its place; `*` is anything.
    Subject(String),
    /// In the text, after this label.
    Body(String),
    /// In the local part of the sender's address (RFC 3191 and like it).
    Address,
}

/// A mail that is a FAX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// Name of the profile; `None` if it was guessed.
    pub provider: Option<String>,
    /// Caller number, folded.
    pub number: Option<String>,
    /// What the far machine calls itself (TSI, CSI, RTI), as typed by its owner.
    pub machine_id: Option<String>,
    /// Indices of the mail's parts that hold pages.
    pub parts: Vec<usize>,
    /// Doubts for the Envelope.
    pub warnings: Vec<Warning>,
}

/// Whether a mail is a FAX. Total and without I/O. Reports about our own jobs are none: ask
/// [`crate::report::read_report`] first.
#[must_use]
pub fn recognise(mail: &Mail, origin: &Origin, profiles: &[FaxProviderProfile]) -> Option<Recognised> {
    let profile = profile_of(mail, origin, profiles);
    let parts: Vec<usize> = mail
        .parts
        .iter()
        .enumerate()
        .filter(|(_, p)| holds_pages(p, profile.is_some()))
        .map(|(i, _)| i)
        .collect();
    if parts.is_empty() {
        return None;
    }
    let mut warnings = Vec::new();
    if profile.is_none() {
        let weight = signs::weigh(mail, &parts);
        if weight < signs::ENOUGH {
            return None;
        }
        warnings.push(pages::warning(
            "fax_guessed",
            "taken for a FAX by its subject, text and attachment; no configured provider sends from this address",
        ));
    }
    let place = profile.map_or(&NumberPlace::Usual, |p| &p.number_in);
    let number = caller_number(mail, place);
    if number.is_none() {
        let (code, detail) = if words::says_withheld(mail) {
            ("caller_number_withheld", "the caller withheld the number")
        } else {
            ("caller_number_missing", "no caller number where it is expected")
        };
        warnings.push(pages::warning(code, detail));
    }
    let machine_id = words::machine_id(mail);
    if let Some(id) = &machine_id
        && number.as_deref() != fold_number(id).as_deref()
    {
        warnings.push(pages::warning("machine_id", format!("the sending machine calls itself {id}")));
    }
    Some(Recognised { provider: profile.map(|p| p.name.clone()), number, machine_id, parts, warnings })
}

/// The profile whose senders this mail comes from: by From or by the envelope sender.
pub(crate) fn profile_of<'a>(
    mail: &Mail,
    origin: &Origin,
    profiles: &'a [FaxProviderProfile],
) -> Option<&'a FaxProviderProfile> {
    let from = mail.from.as_ref().map(|f| f.address.to_lowercase());
    let envelope = origin.mail_from.as_ref().map(|f| f.to_lowercase());
    profiles.iter().find(|profile| {
        profile.from.iter().any(|entry| {
            let entry = entry.trim().to_lowercase();
            [&from, &envelope].into_iter().flatten().any(|address| sent_from(address, &entry))
        })
    })
}

fn sent_from(address: &str, entry: &str) -> bool {
    if entry.is_empty() || entry == "@" {
        return false;
    }
    match entry.strip_prefix('@').or(if entry.contains('@') { None } else { Some(entry) }) {
        Some(domain) => address.rsplit_once('@').is_some_and(|(_, d)| {
            d == domain || d.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))
        }),
        None => address == entry,
    }
}

/// A page file by its bytes, or a file that claims to be one and is broken. Photographs only where a
/// configured machine sends them: in other mails they are letterheads and logos.
fn holds_pages(part: &MailPart, configured: bool) -> bool {
    match pages::kind(&part.bytes) {
        Some(pages::FileKind::Tiff | pages::FileKind::Pdf) => true,
        Some(pages::FileKind::Photo) => configured && !part.inline,
        None => {
            let name = part.name.as_deref().unwrap_or("").to_lowercase();
            part.media_type.starts_with("image/tif")
                || part.media_type == "application/pdf"
                || [".tif", ".tiff", ".pdf"].iter().any(|end| name.ends_with(end))
        }
    }
}

fn caller_number(mail: &Mail, place: &NumberPlace) -> Option<String> {
    let found = match place {
        NumberPlace::Usual => return words::usual_number(mail),
        NumberPlace::Header(name) => mail.header(name).map(str::to_owned),
        NumberPlace::Subject(pattern) => words::by_pattern(mail.subject.as_deref().unwrap_or(""), pattern),
        NumberPlace::Body(label) => labelled(&mail.text, &[label]),
        NumberPlace::Address => mail.from.as_ref().map(|f| words::local_part(&f.address).to_owned()),
    }?;
    if withheld(&found) { None } else { fold_number(&found) }
}

#[cfg(test)]
pub(crate) mod tests;
