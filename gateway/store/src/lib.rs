//! The only crate of kakehashi that knows SQL and blobs. One interface over SQLite and PostgreSQL,
//! one SQL text for both (docs/decisions/0003). It applies effects and answers questions; it never
//! decides anything about a message.

pub mod accounts;
mod apply;
mod audit;
pub mod blob;
mod codes;
mod columns;
mod counted;
mod database;
mod dialect;
pub mod directory;
mod error;
pub mod facility_view;
mod facts;
mod gate;
mod group_list;
pub mod intake_log;
pub mod links;
mod migrate;
pub mod office_view;
mod pauses;
mod posts;
mod roster;
mod row;
mod sqlite_writer;
pub mod store;
mod timeline;
mod upsert;
mod value;
pub mod view;
pub mod wake;
pub mod worker_view;

pub use accounts::Accounts;
pub use blob::BlobStore;
pub use directory::{Directory, DirectoryChange, Imported, Kept};
pub use error::StoreError;
pub use facility_view::{CodeView, FacilityView};
pub use intake_log::{HandedIn, IntakeLog};
pub use links::LinkBook;
pub use office_view::OfficeView;
pub use store::{Committed, Store, StoreConfig};
pub use wake::Wakes;
pub use worker_view::{ClaimedIntake, MailText, RefusedPost, WorkerView};
