//! MQTT: care notes of care-record software and devices, one topic per facility (care-network.md 6.5).
//! `listen` takes messages from a broker and confirms each only after its intake is durable; `topic` says
//! whose topic a message came on. The JSON itself is read by the care note adapter.

pub mod listen;
pub mod tls;
pub mod topic;

pub use listen::{MqttConfig, serve};
