//! Several ways to the same FAX machine: the first provider that works takes the job, a breaker leaves
//! one alone that fails or falls silent (care-network.md 4.1: a rejected sender may get no word at all).
//! A job that a provider may have taken is never given to the next one here: whether it goes out again
//! is decided where its state is kept, and it goes out marked 再送の可能性.

use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::ids::DeliveryId;
use kakehashi_core::port::{BoxFuture, Finding, FindingLevel, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::RenderedDelivery;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Faults in a row that open a breaker.
const FAULTS: u32 = 3;
/// Seconds for which an open breaker leaves a provider alone; then one job tries it.
const OPEN_SECONDS: i64 = 900;
/// Seconds after which a fault no longer counts.
const FORGOTTEN_SECONDS: i64 = 3600;
/// Jobs whose provider is remembered.
const REMEMBERED: usize = 10_000;

/// One provider.
pub struct Route {
    /// Its name for the office.
    pub name: String,
    /// The way to it.
    pub outlet: Arc<dyn Outlet>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Breaker {
    faults: u32,
    last_fault: Option<UtcMicros>,
    open_until: Option<UtcMicros>,
}

impl Breaker {
    fn is_open(self, now: UtcMicros) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }

    /// One more fault; `true` if it opened now.
    fn fault(&mut self, now: UtcMicros) -> bool {
        // Faults of yesterday say nothing about today.
        if self.last_fault.is_some_and(|at| now.seconds_since(at) > FORGOTTEN_SECONDS) {
            self.faults = 0;
        }
        self.last_fault = Some(now);
        self.faults = self.faults.saturating_add(1);
        // After a trial that failed it stays open for another while.
        let opens = self.faults >= FAULTS && !self.is_open(now);
        if opens {
            self.open_until = Some(now.plus_seconds(OPEN_SECONDS));
        }
        opens
    }
}

struct State {
    breakers: Vec<Breaker>,
    /// Which route took which delivery, oldest first.
    taken: VecDeque<(DeliveryId, usize)>,
}

/// Tries providers in their order.
pub struct FailoverOutlet {
    routes: Vec<Route>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl FailoverOutlet {
    /// Providers in the order in which they are tried.
    #[must_use]
    pub fn new(routes: Vec<Route>, clock: Arc<dyn Clock>) -> Self {
        let breakers = vec![Breaker::default(); routes.len()];
        Self { routes, clock, state: Mutex::new(State { breakers, taken: VecDeque::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The routes whose breaker is closed, else all: with every provider out of order waiting is no better.
    /// What went out before and may have arrived takes another way first.
    fn order(&self, id: &DeliveryId, now: UtcMicros) -> Vec<usize> {
        let state = self.state();
        let all: Vec<usize> = (0..self.routes.len()).collect();
        let closed: Vec<usize> = all.iter().copied().filter(|i| !state.breakers[*i].is_open(now)).collect();
        let mut order = if closed.is_empty() { all } else { closed };
        let before: Vec<usize> =
            state.taken.iter().filter(|(d, _)| d == id).map(|(_, route)| *route).collect();
        order.sort_by_key(|route| (before.contains(route), *route));
        order
    }

    async fn attempt(&self, item: &RenderedDelivery, deadline: Duration) -> Outcome {
        let mut last = Outcome::Failed(SendFault::Unsendable("no FAX provider is configured".to_owned()));
        for route in self.order(&item.delivery_id, self.clock.now()) {
            let Some(Route { name, outlet }) = self.routes.get(route) else { continue };
            let outcome = outlet.send(item, deadline).await;
            let now = self.clock.now();
            match &outcome {
                Outcome::Delivered(_) | Outcome::HandedOff { .. } => {
                    let mut state = self.state();
                    if state.taken.len() >= REMEMBERED {
                        state.taken.pop_front();
                    }
                    state.taken.push_back((item.delivery_id.clone(), route));
                    return outcome;
                }
                // The number or the pages cannot be sent: no provider can.
                Outcome::Failed(SendFault::Unsendable(_)) => return outcome,
                // It may have the job.
                Outcome::Unknown(_) => {
                    self.fault(route, name, now);
                    return outcome;
                }
                Outcome::RetryAfter { .. } | Outcome::Failed(_) => {
                    self.fault(route, name, now);
                    last = outcome;
                }
            }
        }
        last
    }

    fn fault(&self, route: usize, name: &str, now: UtcMicros) {
        let opened = self.state().breakers.get_mut(route).is_some_and(|b| b.fault(now));
        if opened {
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
    fn silent(&self, deliveries: &[DeliveryId]) -> bool {
        let now = self.clock.now();
        for id in deliveries {
            // A job of before the last start went by the first.
            let route =
                self.state().taken.iter().rev().find(|(taken, _)| taken == id).map_or(0, |(_, route)| *route);
            if let Some(Route { name, .. }) = self.routes.get(route) {
                self.fault(route, name, now);
            }
        }
        self.routes.len() > 1
    }
}

#[cfg(test)]
mod tests;
