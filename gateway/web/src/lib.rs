//! Pages, JSON API and live updates of kakehashi: server-rendered, working without JavaScript, in
//! Japanese and English. A handler loads, checks, acts, saves and redirects; it never decides where a
//! message belongs and never reads what its visitor may not know of: rights are handles of the store.

mod api;
mod app;
mod assets;
mod error;
mod forms;
mod headers;
mod language;
mod limits;
mod live;
mod locale;
mod pages;
mod password;
mod posting;
mod random;
mod rights;
mod session;
mod templates;
mod upload;
mod views;

#[cfg(test)]
mod tests;

pub use app::{PageImages, Preview, Rendering, WebState, router};
pub use password::hash_password;
pub use templates::{NavLink, Page, Signature, render_page};
