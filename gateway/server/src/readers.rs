//! The composition of all readers: which adapter reads which bytes. The same value serves the running
//! gateway, `inspect` and `rules explain`, so all of them see the same Envelopes.

use crate::sheet_photos::SheetPhotos;
use kakehashi_core::envelope::Envelope;
use kakehashi_core::port::{PartSink, RawIntake, ReadFault, Reader};
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use kakehashi_core::vocabulary::{Channel, Format};
use kakehashi_fax::provider::FaxProviderProfile;
use kakehashi_hl7::InterfaceProfile;
use std::collections::BTreeMap;

/// Every reader with its configured profiles.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readers {
    /// How FAX mails of known providers look; without any, the usual shapes are recognised.
    pub(crate) fax_providers: Vec<FaxProviderProfile>,
    /// Interfaces by name.
    pub(crate) interfaces: BTreeMap<String, InterfaceProfile>,
}

impl Reader for Readers {
    fn read(&self, raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
        if raw.bytes.is_empty() {
            return Err(Unreadable::new(UnreadableCode::Empty, "nothing was received").into());
        }
        match raw.format {
            Format::Rfc5322 => self.read_mail(raw, parts),
            Format::Hl7v2 | Format::Ssmix2 => {
                let profile = raw.origin.interface.as_ref().and_then(|name| self.interfaces.get(name));
                kakehashi_hl7::read::read(raw, parts, profile)
            }
            Format::Tiff | Format::Pdf => kakehashi_fax::read_file(raw, parts),
            Format::Json => kakehashi_care_note::read::read(raw, parts),
            Format::Fhir => kakehashi_hl7::fhir::read(raw, parts),
        }
    }
}

impl Readers {
    fn read_mail(&self, raw: &RawIntake, parts: &mut dyn PartSink) -> Result<Vec<Envelope>, ReadFault> {
        let mail = kakehashi_email::read::parse_raw(&raw.bytes)?;
        if raw.origin.proof.as_ref().is_some_and(|p| p.failed) {
            // Whoever writes in a FAX provider's name could bring pages "from" any number.
            return kakehashi_email::read::envelope(&mail, &raw.origin, parts).map(|envelope| vec![envelope]);
        }
        if let Some(report) = kakehashi_fax::report::read_report(&mail, &self.fax_providers) {
            let envelope = kakehashi_fax::report::envelope(&mail, &raw.origin, report, &self.fax_providers);
            return Ok(vec![envelope]);
        }
        if let Some(recognised) = kakehashi_fax::provider::recognise(&mail, &raw.origin, &self.fax_providers)
        {
            return kakehashi_fax::read_mail(&mail, &raw.origin, &recognised, parts);
        }
        let mut photos = SheetPhotos::over(parts);
        let mut envelope = kakehashi_email::read::envelope(&mail, &raw.origin, &mut photos)?;
        photos.tell(&mut envelope);
        Ok(vec![envelope])
    }
}

/// What a file is, by its bytes first and its name only where bytes cannot tell.
pub(crate) fn sniff(bytes: &[u8], name: &str) -> (Channel, Format) {
    if let Some(format) = kakehashi_fax::looks_like_page_file(bytes) {
        return (Channel::Fax, format);
    }
    let name = name.to_ascii_lowercase();
    if name.ends_with(".tif") || name.ends_with(".tiff") {
        return (Channel::Fax, Format::Tiff);
    }
    if name.ends_with(".pdf") {
        return (Channel::Fax, Format::Pdf);
    }
    if kakehashi_hl7::looks_like_hl7(bytes) {
        return (Channel::Hl7, Format::Hl7v2);
    }
    if name.ends_with(".hl7") || name.ends_with(".mllp") {
        return (Channel::Hl7, Format::Hl7v2);
    }
    let is_note = kakehashi_care_note::looks_like_care_note(bytes);
    if !is_note && kakehashi_hl7::looks_like_fhir(bytes) {
        return (Channel::Api, Format::Fhir);
    }
    if is_note || name.ends_with(".json") {
        return (Channel::Api, Format::Json);
    }
    (Channel::Email, Format::Rfc5322)
}
