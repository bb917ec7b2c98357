//! The HL7 interfaces of the running program as the office sees them: where they listen, how many connections
//! are open, where notes go back, until when certificates are valid. Asked at every look; never changes anything.

use crate::config::Config;
use crate::readers::Readers;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::port::{InterfaceStatus, MessageText, MessageView};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One interface with what is counted and read at every look.
struct Entry {
    fixed: InterfaceStatus,
    open: Option<Arc<AtomicU64>>,
    certificates: Vec<PathBuf>,
}

/// Tells how the interfaces of a configuration are now.
pub(crate) fn status(
    config: &Config,
    open: Vec<Arc<AtomicU64>>,
) -> Arc<dyn Fn() -> Vec<InterfaceStatus> + Send + Sync> {
    let listening = config.mllp.iter().zip(open).map(|(section, open)| Entry {
        fixed: InterfaceStatus {
            name: section.interface.name.clone(),
            listen: section.listen.clone(),
            outgoing: section.outgoing.as_ref().map(|o| o.address.clone()),
            ..InterfaceStatus::default()
        },
        open: Some(open),
        certificates: {
            let own = section.tls.iter().map(|tls| tls.certificate.clone());
            let shown = section.outgoing.iter().filter_map(|o| o.tls.as_ref()?.certificate.clone());
            own.chain(shown).collect()
        },
    });
    let watching = config.hl7_folder.iter().map(|section| Entry {
        fixed: InterfaceStatus {
            name: section.interface.name.clone(),
            listen: section.path.display().to_string(),
            ..InterfaceStatus::default()
        },
        open: None,
        certificates: Vec::new(),
    });
    let entries: Vec<Entry> = listening.chain(watching).collect();
    Arc::new(move || entries.iter().map(Entry::now).collect())
}

impl Entry {
    fn now(&self) -> InterfaceStatus {
        let until = |path: &PathBuf| {
            kakehashi_wire::tls::valid_until(path).and_then(|text| UtcMicros::from_rfc3339(&text))
        };
        InterfaceStatus {
            connection_count: self.open.as_ref().map(|open| open.load(Ordering::Relaxed)),
            // Files may be renewed while the program runs; the soonest end counts.
            certificate_until: self.certificates.iter().filter_map(until).min(),
            ..self.fixed.clone()
        }
    }
}

impl MessageView for Readers {
    fn text(&self, bytes: &[u8], interface: Option<&str>) -> MessageText {
        let profile = interface.and_then(|name| self.interfaces.get(name));
        kakehashi_hl7::tree::text(bytes, profile)
    }
}
