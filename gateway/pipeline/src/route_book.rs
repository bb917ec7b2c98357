//! The book of FAX providers over the store. A store that does not answer must not hold up a page: then
//! the book is empty for that moment, and the log says so.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::fax_route::{RouteBook, RouteMemory};
use kakehashi_core::ids::{DeliveryId, NetworkId};
use kakehashi_core::port::BoxFuture;
use kakehashi_store::{Store, WorkerView};

/// Breakers and ways of jobs in the store.
pub struct StoredRoutes {
    store: Store,
    network: NetworkId,
}

impl StoredRoutes {
    /// The book of one network.
    #[must_use]
    pub const fn new(store: Store, network: NetworkId) -> Self {
        Self { store, network }
    }

    fn view(&self) -> WorkerView {
        self.store.worker(&self.network)
    }
}

impl RouteBook for StoredRoutes {
    fn look<'a>(&'a self, delivery: &'a DeliveryId, now: UtcMicros) -> BoxFuture<'a, RouteMemory> {
        Box::pin(async move {
            self.view().route_memory(delivery, now).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "pipeline.routes: the book of providers cannot be read");
                RouteMemory::default()
            })
        })
    }

    fn fault<'a>(&'a self, route: &'a str, words: &'a str, now: UtcMicros) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            self.view().route_fault(route, words, now).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "pipeline.routes: a fault could not be written down");
                false
            })
        })
    }

    fn taken<'a>(
        &'a self,
        delivery: &'a DeliveryId,
        route: &'a str,
        pages: u32,
        now: UtcMicros,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.view().route_taken(delivery, route, pages, now).await {
                tracing::warn!(%error, "pipeline.routes: the way of a job could not be written down");
            }
        })
    }
}
