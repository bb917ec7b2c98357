//! A Bundle as JSON with its references resolved inside of it. Bounded in bytes, depth and entries;
//! never follows an address.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::text::clean;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use serde_json::Value;
use std::collections::HashMap;

/// Entries that are looked at.
const MAX_ENTRIES: usize = 5_000;
/// Extensions of one element that are looked at.
const MAX_EXTENSIONS: usize = 50;

/// A document Bundle.
pub(super) struct Bundle {
    root: Value,
    by_reference: HashMap<String, usize>,
}

impl Bundle {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        // serde_json bounds the depth by itself.
        let root: Value = serde_json::from_slice(json)
            .map_err(|e| Unreadable::new(UnreadableCode::Damaged, format!("no JSON ({:?})", e.classify())))?;
        if root["resourceType"].as_str() != Some("Bundle") {
            return Err(Unreadable::new(UnreadableCode::UnknownFormat, "the FHIR resource is no Bundle"));
        }
        if root["type"].as_str() != Some("document") {
            let detail = "only Bundles of type document are read";
            return Err(Unreadable::new(UnreadableCode::Unsupported, detail));
        }
        let mut by_reference = HashMap::new();
        let entries = root["entry"].as_array().map_or(&[][..], Vec::as_slice);
        if entries.len() > MAX_ENTRIES {
            return Err(Unreadable::new(
                UnreadableCode::TooLarge,
                format!("more than {MAX_ENTRIES} entries"),
            ));
        }
        for (at, entry) in entries.iter().enumerate() {
            if let Some(url) = entry["fullUrl"].as_str() {
                by_reference.entry(url.to_owned()).or_insert(at);
            }
            let resource = &entry["resource"];
            if let (Some(kind), Some(id)) = (resource["resourceType"].as_str(), resource["id"].as_str()) {
                by_reference.entry(format!("{kind}/{id}")).or_insert(at);
            }
        }
        Ok(Self { root, by_reference })
    }

    pub(super) const fn root(&self) -> &Value {
        &self.root
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = &Value> {
        self.root["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"])
    }

    pub(super) fn of_kind<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Value> {
        self.resources().filter(move |r| r["resourceType"].as_str() == Some(kind))
    }

    pub(super) fn composition(&self) -> Option<&Value> {
        self.of_kind("Composition").next()
    }

    /// What `{"reference": …}` points to, if it is in the Bundle.
    pub(super) fn resolve(&self, reference: &Value) -> Option<&Value> {
        let target = reference["reference"].as_str()?;
        // One version of it is the one that is in the Bundle.
        let target = target.split_once("/_history/").map_or(target, |(target, _)| target);
        let at = self.by_reference.get(target).or_else(|| {
            // An absolute address whose end is Type/id.
            let mut ends = target.rsplit('/');
            let (id, kind) = (ends.next()?, ends.next()?);
            self.by_reference.get(&format!("{kind}/{id}"))
        })?;
        self.root["entry"].get(*at).map(|entry| &entry["resource"])
    }

    /// As [`Bundle::resolve`], of a reference that stands in this resource and may mean what it contains.
    pub(super) fn resolve_in<'b>(&'b self, owner: &'b Value, reference: &Value) -> Option<&'b Value> {
        match reference["reference"].as_str()?.strip_prefix('#') {
            Some("") => Some(owner),
            Some(id) => {
                let contained = owner["contained"].as_array().into_iter().flatten().take(MAX_ENTRIES);
                contained.into_iter().find(|resource| resource["id"].as_str() == Some(id))
            }
            None => self.resolve(reference),
        }
    }

    /// Admission and discharge, where they are told to the minute.
    pub(super) fn stay(&self, composition: &Value) -> (Option<UtcMicros>, Option<UtcMicros>) {
        let encounter = self
            .resolve_in(composition, &composition["encounter"])
            .or_else(|| self.of_kind("Encounter").next());
        let periods = [&composition["event"][0]["period"], encounter.map_or(&Value::Null, |e| &e["period"])];
        let find = |end: &str| periods.iter().find_map(|period| super::time(&period[end]));
        (find("start"), find("end"))
    }
}

/// Cleaned text of a string, if any is left.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = clean(value.as_str()?);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn first_text(places: &[&Value]) -> Option<String> {
    places.iter().find_map(|value| text(value))
}

/// The words of a CodeableConcept.
pub(super) fn words(concept: &Value) -> Option<String> {
    let displays = concept["coding"].as_array().into_iter().flatten().take(20);
    text(&concept["text"])
        .or_else(|| displays.clone().find_map(|c| text(&c["display"])))
        .or_else(|| displays.clone().find_map(|c| text(&c["code"])))
}

/// The codes of a CodeableConcept.
pub(super) fn codes(concept: &Value) -> Vec<String> {
    concept["coding"].as_array().into_iter().flatten().take(20).filter_map(|c| text(&c["code"])).collect()
}

/// The value of the first extension whose address ends with these words.
pub(super) fn extension<'v>(element: &'v Value, ends_with: &str) -> Option<&'v Value> {
    let extensions = element["extension"].as_array().into_iter().flatten().take(MAX_EXTENSIONS);
    let found = extensions
        .into_iter()
        .find(|e| e["url"].as_str().is_some_and(|u| u.to_ascii_lowercase().ends_with(ends_with)))?;
    found.as_object()?.iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| value)
}
