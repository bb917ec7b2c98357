//! What a person receives from kakehashi: mails, FAX sheets with their reply sheet (返信票), digests and
//! the words of a call (care-network.md 6.3, 6.4; fax-loop.md 3, 4). Rendering is a function of the
//! delivery job: it looks nothing up, sends nothing and decides nothing. A patient's name never stands
//! in a subject, a file name, a link or anything else outside paper and encrypted content.

mod fault;
mod hospital;
mod locked_pdf;
mod mail;
mod name_guard;
mod paper;
mod phone;
mod printable;
mod renderer;
pub mod samples;
mod sheet;
mod sheet_kinds;
mod wording;

pub use fault::RenderFault;
pub use renderer::Renderer;
pub use sheet::PaperPages;
pub use sheet_kinds::SampleSheet;
