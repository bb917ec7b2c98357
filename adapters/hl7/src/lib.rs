//! The HL7 v2 adapter: `listen` takes messages over MLLP and answers them after they are durable,
//! `read` turns their bytes into Envelopes, `acknowledgement` judges and builds answers, `client`
//! speaks the other end, `send` carries notes to a hospital's inbox. It never stores anything and never decides what a message leads to.

pub mod acknowledgement;
pub mod batch;
pub mod charset;
pub mod client;
pub mod dial;
pub mod embedded;
pub mod fhir;
pub mod framing;
pub mod header;
pub mod listen;
pub mod markup;
pub mod message;
pub mod message_type;
pub mod profile;
pub mod read;
pub mod send;
pub mod time;
pub mod tree;

pub use batch::looks_like_hl7;
pub use fhir::looks_like_fhir;
pub use profile::{InterfaceProfile, UnknownType};
pub use send::profile::OutboxProfile;

/// Value of [`kakehashi_core::port::Origin::listener`] for whole messages taken over MLLP.
pub const LISTENER: &str = "mllp";

/// Value of [`kakehashi_core::port::Origin::listener`] for files of a watched folder.
pub const FOLDER_LISTENER: &str = "folder";

/// Value of [`kakehashi_core::port::Origin::listener`] for what an SS-MIX2 storage holds and no machine may
/// act on: made invalid without a cancellation, or under another patient's folder (hl7.md 11). For the office.
pub const HELD_LISTENER: &str = "ssmix2_held";

/// Value of [`kakehashi_core::port::Origin::listener`] for what a broken connection left behind
/// (hl7.md 2.2): kept for the office, never read as a message.
pub const FRAGMENT_LISTENER: &str = "mllp_fragment";
