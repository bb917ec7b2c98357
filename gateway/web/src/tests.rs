//! Tests over whole pages: every template in both languages with friendly and with hostile words, and the
//! routes over a real store.

mod pages;
mod samples;
mod served;
