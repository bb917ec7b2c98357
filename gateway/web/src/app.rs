//! What the pages are given by the server, and the table of routes.

use crate::limits::{SentForms, Tries};
use crate::{api, assets, headers, live, pages};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::directory::Network;
use kakehashi_core::ids::NetworkId;
use kakehashi_core::job::DeliveryJob;
use kakehashi_core::ocr::OcrEngine;
use kakehashi_core::port::{IntakeDesk, InterfaceStatus, MessageView};
use kakehashi_core::rendered::RenderedContent;
use kakehashi_core::rules::RuleSet;
use kakehashi_store::{Store, StoreError};
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Forms without files are this large at most.
const FORM_BYTES: usize = 256 * 1024;
/// Pictures that are read for drafts at the same time: an engine takes a core for seconds.
const READ_AT_ONCE: usize = 1;
/// PDF pages that are drawn at the same time.
const DRAWN_AT_ONCE: usize = 2;

/// Draws pages of received files; the server wires the reader of PDFs to it, so that this crate knows none.
pub trait PageImages: Send + Sync {
    /// One page, from 1, as PNG. Called on a blocking thread; must bound its own time and memory.
    ///
    /// # Errors
    /// Words for the log why there is no picture; the page then shows the file's name alone.
    fn pdf_page_png(&self, pdf: &[u8], page: usize) -> Result<Vec<u8>, String>;

    /// The picture of a page, turned clockwise by 90, 180 or 270 degrees.
    ///
    /// # Errors
    /// Words for the log why it cannot be turned.
    fn turned_png(&self, png: &[u8], degrees: u16) -> Result<Vec<u8>, String>;

    /// One box of the sheet on this page, cut as the reading sees it; none if the page has no such box.
    fn box_png(&self, page: &[u8], name: &str) -> Option<Vec<u8>>;
}

/// Makes the PDF of a delivery.
pub type Preview = Arc<dyn Fn(&DeliveryJob) -> Result<Vec<u8>, String> + Send + Sync>;

/// Renders a delivery as the deliverer does.
pub type Rendering = Arc<dyn Fn(&DeliveryJob) -> Result<RenderedContent, String> + Send + Sync>;

/// Everything that the pages need.
#[derive(Clone)]
pub struct WebState {
    /// The store.
    pub store: Store,
    /// The network that is served.
    pub network: NetworkId,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The routing rules in force.
    pub rules: Arc<dyn Fn() -> RuleSet + Send + Sync>,
    /// ①, for care notes.
    pub desk: Arc<dyn IntakeDesk>,
    /// Draws PDF pages.
    pub page_images: Arc<dyn PageImages>,
    /// Reads pictures for the office's drafts, where an engine is configured.
    pub ocr: Option<Arc<dyn OcrEngine>>,
    /// Takes messages of hospitals apart, for the office.
    pub message_view: Arc<dyn MessageView>,
    /// The HL7 interfaces of this program as they are now.
    pub interfaces: Arc<dyn Fn() -> Vec<InterfaceStatus> + Send + Sync>,
    /// The pages that a delivery would have, as PDF; called on a blocking thread. Words for the log if there
    /// are none.
    pub preview: Preview,
    /// A delivery as it would leave; called on a blocking thread. Words for the office if it cannot.
    pub rendering: Rendering,
    /// Text of `/metrics`.
    pub metrics_text: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether the program takes work, for `/readyz`.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Secrets with which FAX providers sign their results, by the provider's name.
    pub fax_secrets: Arc<std::collections::BTreeMap<String, String>>,
    /// Cookies only over TLS; `false` for loopback.
    pub secure_cookies: bool,
}

/// The state of every handler. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) state: WebState,
    /// Failed logins by address and name.
    pub(crate) logins: Tries,
    /// Wrong reply codes by address.
    pub(crate) codes: Tries,
    /// Wrong API keys by address.
    pub(crate) keys: Tries,
    /// Forms that were taken, by their key.
    pub(crate) sent: SentForms,
    /// Permits for drawing pages.
    pub(crate) drawing: Semaphore,
    /// Permits for reading pictures.
    pub(crate) reading: Semaphore,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(crate) fn new(state: WebState) -> Self {
        Self(Arc::new(Inner {
            state,
            logins: Tries::new(8, 15 * 60),
            codes: Tries::new(20, 15 * 60),
            keys: Tries::new(20, 15 * 60),
            sent: SentForms::default(),
            drawing: Semaphore::new(DRAWN_AT_ONCE),
            reading: Semaphore::new(READ_AT_ONCE),
        }))
    }

    pub(crate) fn now(&self) -> UtcMicros {
        self.state.clock.now()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.state.store
    }

    /// The network's own entry: office name and telephone.
    pub(crate) async fn network(&self) -> Result<Network, StoreError> {
        self.state.store.worker(&self.state.network).network().await
    }
}

/// All pages, the API and the live stream.
pub fn router(state: WebState) -> Router {
    let app = App::new(state);
    Router::new()
        .merge(pages::routes())
        .merge(live::routes())
        .merge(assets::routes())
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .merge(pages::upload_routes())
        .layer(middleware::from_fn(headers::same_site_only))
        .merge(api::routes())
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), headers::finish))
        .with_state(app)
}
