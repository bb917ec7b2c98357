//! What end-to-end tests need to drive the real program: start and kill it, speak its protocols from
//! outside, look at what it would have sent, and use its pages in a real browser. Nothing here knows the
//! inside of the program: it is used as a stranger uses it.

pub mod broker;
pub mod browser;
pub mod caught;
pub mod corpus;
pub mod database;
pub mod digests;
pub mod dns;
pub mod gateway;
pub mod letters;
pub mod mllp;
pub mod network;
pub mod office;
pub mod paper;
pub mod postgres;
pub mod relay;
pub mod smtp;
pub mod wait;
