//! Tests over whole pages: every template in both languages with friendly and with hostile words, and the
//! routes over a real store.

mod draft;
mod leave;
mod office_samples;
mod pages;
mod rights;
mod samples;
mod served;
mod world;
