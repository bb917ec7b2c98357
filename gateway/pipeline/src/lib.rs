//! The flow ①–⑤ of a message: supervised workers that join the ports of core, the store and the
//! renderer. It never decides anything itself (core does), never speaks a protocol (adapters do) and
//! never writes SQL (the store does).

pub mod accept;
pub mod deliver;
pub mod parts;
mod reading;
pub mod route_book;
pub mod settle;
pub mod worker;

pub use accept::Desk;
pub use deliver::{Deliverer, Outlets};
pub use route_book::StoredRoutes;
pub use settle::Settler;
pub use worker::{Drain, Stopping, Supervisor};

/// 128 random bits for ids and codes. The one place where the pipeline takes randomness.
pub(crate) fn random() -> u128 {
    rand::random()
}
