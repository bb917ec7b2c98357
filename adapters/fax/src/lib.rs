//! The FAX channel: pages as services and machines send them by mail, the reply sheets on them, the
//! reports of what became of our own jobs, and the job mails themselves. Follows fax-loop.md and
//! care-network.md 4.1. It never decides who a sender is and never turns ink into an answer: a number
//! is weak evidence, and a ticked box is shown to a person.

pub mod failover;
pub mod http;
pub mod pages;
pub mod paper;
pub mod provider;
mod read;
pub mod report;
pub mod send;
pub mod sheet;
pub mod spool;
pub mod tiff_out;

pub use read::{FaxReader, looks_like_page_file, read_file, read_mail};
