//! The key by which a repeated message is recognised (hl7.md 3.5): interface, sender, control id and bytes.
//! The same message over MLLP and as a file is one intake.

use crate::header::Header;
use kakehashi_core::envelope::ContentHash;

/// At most 200 bytes of ASCII, whatever stands in the message.
pub(crate) fn intake_key(interface: &str, header: Option<&Header<'_>>, content: &ContentHash) -> String {
    let field = |number, max: usize| {
        let written = header.map_or(&b""[..], |h| h.field(number));
        written
            .iter()
            .take(max)
            .map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' })
            .collect::<String>()
    };
    let name: String = interface.chars().filter(char::is_ascii).take(24).collect();
    format!("hl7:{name}|{}|{}|{}|{}", field(3, 24), field(4, 24), field(10, 32), content.hex())
}
