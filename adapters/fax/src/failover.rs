//! Several ways to the same FAX machine: the first provider that works takes the job, a breaker leaves
//! one alone that fails or falls silent (care-network.md 4.1: a rejected sender may get no word at all).
//! A job that a provider may have taken is never given to the next one here: whether it goes out again
//! is decided where its state is kept, and it goes out marked 再送の可能性. Breakers and ways are kept in a
//! [`RouteBook`]; this module remembers nothing by itself.

use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::fax_route::{Breaker, RouteBook, RouteMemory};
use kakehashi_core::ids::DeliveryId;
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Jobs whose provider an [`InMemory`] book remembers.
const REMEMBERED: usize = 10_000;

/// One provider.
pub struct Route {
    /// Its name for the office.
    pub name: String,
    /// The way to it.
    pub outlet: Arc<dyn Outlet>,
}

/// A book that ends with its process: for programs without a store.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    breakers: HashMap<String, Breaker>,
    /// Which route took which delivery, oldest first.
    taken: VecDeque<(DeliveryId, String)>,
}

impl InMemory {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RouteBook for InMemory {
    fn look<'a>(&'a self, delivery: &'a DeliveryId, now: UtcMicros) -> BoxFuture<'a, RouteMemory> {
        let pages = self.pages();
        let open =
            pages.breakers.iter().filter(|(_, b)| b.is_open(now)).map(|(name, _)| name.clone()).collect();
        let before = pages.taken.iter().rev().find(|(d, _)| d == delivery).map(|(_, route)| route.clone());
        Box::pin(std::future::ready(RouteMemory { open, before }))
    }

    fn fault<'a>(&'a self, route: &'a str, _words: &'a str, now: UtcMicros) -> BoxFuture<'a, bool> {
        let opened = self.pages().breakers.entry(route.to_owned()).or_default().fault(now);
        Box::pin(std::future::ready(opened))
    }

    fn taken<'a>(
        &'a self,
        delivery: &'a DeliveryId,
        route: &'a str,
        _pages: u32,
        _now: UtcMicros,
    ) -> BoxFuture<'a, ()> {
        let mut pages = self.pages();
        if pages.taken.len() >= REMEMBERED {
            pages.taken.pop_front();
        }
        pages.taken.push_back((delivery.clone(), route.to_owned()));
        Box::pin(std::future::ready(()))
    }
}

/// Tries providers in their order.
pub struct FailoverOutlet {
    routes: Vec<Route>,
    clock: Arc<dyn Clock>,
    book: Arc<dyn RouteBook>,
}

impl FailoverOutlet {
    /// Providers in the order in which they are tried.
    #[must_use]
    pub fn new(routes: Vec<Route>, clock: Arc<dyn Clock>, book: Arc<dyn RouteBook>) -> Self {
        Self { routes, clock, book }
    }

    /// The routes whose breaker is closed, else all: with every provider out of order waiting is no better.
    /// What went out before and may have arrived takes another way first.
    fn order(&self, memory: &RouteMemory) -> Vec<&Route> {
        let closed: Vec<&Route> = self.routes.iter().filter(|r| !memory.open.contains(&r.name)).collect();
        let mut order = if closed.is_empty() { self.routes.iter().collect() } else { closed };
        order.sort_by_key(|route| memory.before.as_ref() == Some(&route.name));
        order
    }

    async fn attempt(&self, item: &RenderedDelivery, deadline: Duration) -> Outcome {
        let pages = match &item.content {
            RenderedContent::Fax(job) => job.pages,
            _ => 0,
        };
        let mut last = Outcome::Failed(SendFault::Unsendable("no FAX provider is configured".to_owned()));
        let memory = self.book.look(&item.delivery_id, self.clock.now()).await;
        for Route { name, outlet } in self.order(&memory) {
            let outcome = outlet.send(item, deadline).await;
            let now = self.clock.now();
            match &outcome {
                Outcome::Delivered(_) | Outcome::HandedOff { .. } => {
                    self.book.taken(&item.delivery_id, name, pages, now).await;
                    return outcome;
                }
                // The number or the pages cannot be sent: no provider can.
                Outcome::Failed(SendFault::Unsendable(_)) => return outcome,
                // It may have the job.
                Outcome::Unknown(fault) => {
                    self.fault(name, &fault.to_string(), now).await;
                    return outcome;
                }
                Outcome::RetryAfter { cause, .. } | Outcome::Failed(cause) => {
                    self.fault(name, &cause.to_string(), now).await;
                    last = outcome;
                }
            }
        }
        last
    }

    async fn fault(&self, name: &str, words: &str, now: UtcMicros) {
        if self.book.fault(name, words, now).await {
            tracing::warn!(provider = name, "fax.failover: breaker open, the next provider takes over");
            metrics::counter!("kakehashi_fax_breaker_opened_total", "provider" => name.to_owned())
                .increment(1);
        }
    }
}

impl Outlet for FailoverOutlet {
    fn send<'a>(&'a self, item: &'a RenderedDelivery, deadline: Duration) -> BoxFuture<'a, Outcome> {
        Box::pin(self.attempt(item, deadline))
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut all = Vec::new();
            for route in &self.routes {
                for mut finding in route.outlet.check().await {
                    finding.subject = format!("{} ({})", finding.subject, route.name);
                    all.push(finding);
                }
            }
            if all.is_empty() {
                all.push(Finding {
                    level: FindingLevel::Broken,
                    subject: "FAX送信".to_owned(),
                    detail: "no provider".to_owned(),
                    remedy: "write a section [fax.send]".to_owned(),
                });
            }
            all
        })
    }

    /// Jobs without a word in time: a provider that rejects its sender often says nothing at all.
    fn silent<'a>(&'a self, deliveries: &'a [DeliveryId]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let now = self.clock.now();
            for id in deliveries {
                let before = self.book.look(id, now).await.before;
                let name = before.as_deref().or(self.routes.first().map(|r| r.name.as_str()));
                if let Some(name) = name {
                    self.fault(name, "期限までに結果の通知がありません", now).await;
                }
            }
            self.routes.len() > 1
        })
    }
}

#[cfg(test)]
mod tests;
