#![no_main]
//! What a short answer means.
use kakehashi_core::reply_words::{asks_callback, bracket_urgency, is_only_acknowledgement};
use kakehashi_core::requests::request;
libfuzzer_sys::fuzz_target!(|text: String| {
    let _ = (is_only_acknowledgement(&text), asks_callback(&text), bracket_urgency(&text), request(&text));
});
