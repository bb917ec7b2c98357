//! Messages to try things with: what the demo's hospital sends, filled with the present time and a fresh
//! control id, encoded as Japanese hospitals do (ISO-2022-JP, back to ASCII before every delimiter).

use clap::ValueEnum;
use kakehashi_core::clock::UtcMicros;

/// The nursing summary that accompanies the discharge.
pub(crate) const NURSING_SUMMARY: &[u8] = include_bytes!("../../demo/samples/nursing-summary.pdf");

/// A message of the invented hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sample {
    /// ADT^A01: G01 is admitted
    Admission,
    /// ADT^A02: G01 moves to another ward
    Transfer,
    /// ADT^A03: G01 is discharged
    Discharge,
    /// MDM^T02: nursing summary with a PDF
    Document,
    /// ADT^A01 of a patient whose number nobody has confirmed: waits in triage
    Unknown,
}

impl Sample {
    const fn text(self) -> &'static str {
        match self {
            Self::Admission => include_str!("../../demo/samples/admission.hl7"),
            Self::Transfer => include_str!("../../demo/samples/transfer.hl7"),
            Self::Discharge => include_str!("../../demo/samples/discharge.hl7"),
            Self::Document => include_str!("../../demo/samples/document.hl7"),
            Self::Unknown => include_str!("../../demo/samples/unknown.hl7"),
        }
    }

    /// The message as bytes of the wire, without framing. The stay began four days before `now`.
    pub(crate) fn message(self, now: UtcMicros) -> Vec<u8> {
        use base64::Engine as _;
        let stamp = |at: UtcMicros| at.in_japan().strftime("%Y%m%d%H%M%S").to_string();
        let admitted = match self {
            Self::Admission | Self::Unknown => now,
            Self::Transfer | Self::Discharge | Self::Document => stay_start(now),
        };
        let text = self
            .text()
            .replace("{now}", &stamp(now))
            .replace("{admitted}", &stamp(admitted))
            .replace("{id}", &format!("{}{:03}", stamp(now), now.as_micros() / 1000 % 1000))
            .replace("{pdf}", &base64::engine::general_purpose::STANDARD.encode(NURSING_SUMMARY))
            .replace('\n', "\r");
        // Every delimiter is ASCII, and the encoder returns to ASCII before it.
        encoding_rs::ISO_2022_JP.encode(&text).0.into_owned()
    }
}

/// 19:40 four days earlier, 日本時間: the admission to which discharge and document belong.
fn stay_start(now: UtcMicros) -> UtcMicros {
    let day = now.plus_seconds(-4 * 24 * 3600).in_japan().date();
    UtcMicros::from_japan(day.at(19, 40, 0, 0)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_read_as_it_was_meant() {
        let now = UtcMicros::from_rfc3339("2026-06-09T10:20:00+09:00").unwrap();
        let readers = crate::readers::Readers::default();
        for sample in Sample::value_variants() {
            let envelopes =
                crate::commands::inspect::read_file(&readers, sample.message(now), "sample.hl7").unwrap();
            let [envelope] = envelopes.as_slice() else { panic!("{sample:?}: one Envelope expected") };
            assert!(envelope.patient.names.iter().any(|n| n.text.starts_with("山本 千代")), "{sample:?}");
            assert_eq!(envelope.sent_at, Some(now), "{sample:?}");
        }
    }
}
