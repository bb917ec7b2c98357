//! The domain of kakehashi: what a message, a patient group, a delivery and a decision are, and how
//! one follows from another. This crate never does I/O, has no runtime and no clock of its own:
//! time and randomness come in as parameters, so every decision can be run again over stored bytes.

pub mod audit;
pub mod bounce;
pub mod care_note;
#[cfg(test)]
mod cast;
pub mod clinical_event;
pub mod clock;
pub mod commit;
pub mod decide;
pub mod decision;
pub mod delivery;
pub mod digest_answer;
pub mod directory;
pub mod envelope;
pub mod facts;
pub mod fan_out;
pub mod fax_cause;
pub mod fax_result;
pub mod fax_route;
pub mod fhir;
pub mod identity_level;
pub mod ids;
pub mod job;
pub mod liaison;
pub mod link;
pub mod mail;
pub mod mail_footer;
pub mod mail_wishes;
pub mod meeting;
pub mod ocr;
pub mod paper_request;
pub mod patient_match;
pub mod pause;
pub mod pause_words;
pub mod placement;
pub mod port;
pub mod post;
pub mod raw_bytes;
pub mod receipt;
pub mod rendered;
pub mod reply_code;
pub mod reply_words;
pub mod requests;
pub mod retry;
pub mod rules;
pub mod schedule;
pub mod sheet_answer;
pub mod sheet_form;
pub mod sheet_geometry;
pub mod sheet_order;
pub mod text;
pub mod unreadable;
pub mod vocabulary;
