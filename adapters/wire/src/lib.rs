//! What every socket of kakehashi needs once: an accept loop with permits and limits per peer, TLS,
//! and reading with bounds. Listeners of adapters build on it; it never knows a protocol.

pub mod accept_loop;
pub mod bounds;
pub mod crowd;
pub mod segments;
pub mod tls;
