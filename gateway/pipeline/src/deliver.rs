//! ⑤ Delivering: claim what is due, render it, hand it to the outlet of its channel, record the end.
//! The attempt is written before sending, so an attempt without an end is known as such after a crash.
//! It never retries by itself: core's schedule says what comes next, the store remembers it.

use crate::worker::{Drain, Stopping};
use futures::StreamExt as _;
use kakehashi_core::clock::{Clock, UtcMicros};
use kakehashi_core::commit::{Actor, AttemptEnd, Commit, DeliveryChange, Effect, EndpointChange, NewSheet};
use kakehashi_core::fan_out::by_fax_instead;
use kakehashi_core::ids::{DeliveryId, NetworkId};
use kakehashi_core::job::{DeliveryJob, JobContent};
use kakehashi_core::pause;
use kakehashi_core::port::{BoxFuture, Outcome, Outlet, SendFault};
use kakehashi_core::rendered::{RenderedContent, RenderedDelivery};
use kakehashi_core::sheet_order::SheetOrder;
use kakehashi_core::vocabulary::Channel;
use kakehashi_core::{retry, schedule};
use kakehashi_render::Renderer;
use kakehashi_store::view::Wake;
use kakehashi_store::{Store, StoreError, WorkerView};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Deliveries claimed at once.
const BATCH: u32 = 16;
/// Deliveries under way at once.
const CONCURRENCY: usize = 8;
/// One attempt, rendering included, must end within this.
const DEADLINE: Duration = Duration::from_secs(60);
/// Longer than any attempt, so that a lease never lapses under a living worker.
const LEASE_SECONDS: i64 = 300;
/// Larger attachments are named, not sent.
const ATTACHMENT_LIMIT_BYTES: u64 = 15 * 1024 * 1024;

/// The outlet of each channel that can send.
#[derive(Clone)]
pub struct Outlets {
    /// E-mail.
    pub email: Arc<dyn Outlet>,
    /// FAX.
    pub fax: Arc<dyn Outlet>,
    /// Inboxes of hospitals.
    pub hl7: Arc<dyn Outlet>,
}

/// Delivers.
pub struct Deliverer {
    store: Store,
    network: NetworkId,
    clock: Arc<dyn Clock>,
    renderer: Arc<Renderer>,
    outlets: Outlets,
    worker: String,
    /// Permits for rendering: it is bound by cores and takes tens of megabytes a job, sending is not and does not.
    rendering: Semaphore,
    /// When numbers without a sign of life were last looked for, in microseconds.
    silent_looked_at: AtomicI64,
    /// FAX numbers for what an interface's inbox does not take.
    fallbacks: BTreeMap<String, String>,
}

/// After so long without a sign of life a FAX number is verified again (care-network.md 6.1).
const STALE_SECONDS: i64 = 90 * 24 * 3600;

/// Jobs rendered at once.
const RENDERING: usize = 2;

impl Deliverer {
    /// A deliverer that claims under the name `worker`.
    #[must_use]
    pub const fn new(
        store: Store,
        network: NetworkId,
        clock: Arc<dyn Clock>,
        renderer: Arc<Renderer>,
        outlets: Outlets,
        worker: String,
    ) -> Self {
        let (rendering, silent_looked_at) = (Semaphore::const_new(RENDERING), AtomicI64::new(0));
        let fallbacks = BTreeMap::new();
        Self { store, network, clock, renderer, outlets, worker, rendering, silent_looked_at, fallbacks }
    }

    /// With FAX numbers of hospitals, by interface, for what their inboxes do not take.
    #[must_use]
    pub fn with_fallbacks(mut self, fallbacks: BTreeMap<String, String>) -> Self {
        self.fallbacks = fallbacks;
        self
    }

    /// What an inbox refused or did not take in the end goes to the hospital's 地域連携室 by FAX, once.
    async fn fall_back(&self, view: &WorkerView, now: UtcMicros) -> Result<(), StoreError> {
        if self.fallbacks.is_empty() {
            return Ok(());
        }
        for refused in view.refused_by_hospitals(now).await? {
            let Some(number) = self.fallbacks.get(&refused.interface) else { continue };
            let Some(roster) = view.roster(&refused.group_id, now).await? else { continue };
            let member = roster.addressable(&refused.facility_id);
            let effect =
                member.and_then(|m| by_fax_instead(&refused.post_id, m, number, now, &mut crate::random));
            let Some(effect) = effect else { continue };
            tracing::warn!(post = %refused.post_id, "pipeline.deliver: a hospital's inbox did not take it, sent by FAX");
            let commit = Commit { at: now, actor: Actor::Gateway, effects: vec![effect] };
            match self.store.commit(&self.network, commit).await {
                // Another process was faster.
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn round(&self) -> Result<usize, StoreError> {
        let view = self.store.worker(&self.network);
        let now = self.clock.now();
        let silent = view.silent_fax_jobs(now).await?;
        let lapsed = view.lapse(now).await?;
        self.send_again(silent, now).await?;
        self.fall_back(&view, now).await?;
        self.early_reports(&view, now).await?;
        if lapsed > 0 {
            tracing::warn!(
                lapsed,
                "pipeline.deliver: attempts or reports overdue, now 送達不明 or due again"
            );
        }
        self.before_leaving(&view, now).await?;
        let jobs =
            view.claim_deliveries(&self.worker, BATCH, LEASE_SECONDS, ATTACHMENT_LIMIT_BYTES, now).await?;
        let count = jobs.len();
        futures::stream::iter(jobs)
            .for_each_concurrent(CONCURRENCY, |job| async move {
                let delivery = job.id.clone();
                if let Err(error) = self.deliver(job).await {
                    // The attempt has no end now; when its lease lapses it becomes 送達不明.
                    tracing::error!(%delivery, %error, "pipeline.deliver: outcome could not be recorded");
                }
            })
            .await;
        Ok(count)
    }

    /// Results that a provider told before its answer to the job itself was written down.
    async fn early_reports(&self, view: &WorkerView, now: UtcMicros) -> Result<(), StoreError> {
        for effect in view.early_reports().await? {
            let commit = Commit { at: now, actor: Actor::Gateway, effects: vec![effect] };
            match self.store.commit(&self.network, commit).await {
                // Another process was faster.
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// 表紙 for what must not go without one, the end of pauses whose time is over, and once an hour the numbers
    /// that have been silent for 90 days:
    /// they are asked by a 番号確認票, and what is meant for them waits behind a 表紙 (care-network.md 6.1).
    async fn before_leaving(&self, view: &WorkerView, now: UtcMicros) -> Result<(), StoreError> {
        let mut effects = Vec::new();
        for (delivery_id, endpoint) in view.covers_wanted(now).await? {
            let order = SheetOrder::Cover { delivery_id };
            effects.push(Effect::OrderSheet(Box::new(NewSheet::plan(
                &endpoint,
                order,
                now,
                &mut crate::random,
            ))));
        }
        let before = self.silent_looked_at.load(Ordering::Relaxed);
        if now.as_micros() - before > 3_600_000_000 {
            self.silent_looked_at.store(now.as_micros(), Ordering::Relaxed);
            for endpoint in view.numbers_without_sign(now.plus_seconds(-STALE_SECONDS)).await? {
                tracing::info!(endpoint = %endpoint.id, "pipeline.deliver: no sign of life for 90 days, number stale");
                effects.push(Effect::ChangeEndpoint {
                    endpoint_id: endpoint.id.clone(),
                    change: EndpointChange::Stale,
                });
                let sheet = NewSheet::plan(&endpoint, SheetOrder::Verification, now, &mut crate::random);
                effects.push(Effect::OrderSheet(Box::new(sheet)));
            }
        }
        for pause in view.pauses_over(now).await? {
            let Some(member) = view.member(&pause.facility_id, now).await? else { continue };
            effects.extend(pause::over(&pause, &member, now, &mut crate::random));
        }
        if effects.is_empty() {
            return Ok(());
        }
        match self.store.commit(&self.network, Commit { at: now, actor: Actor::Gateway, effects }).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Jobs of a FAX provider that said nothing: where another provider can take them they go out once
    /// more, marked 再送の可能性, under the same code, so that two sheets that come back count once. A second
    /// silence is for a person.
    async fn send_again(&self, silent: Vec<(DeliveryId, u32)>, now: UtcMicros) -> Result<(), StoreError> {
        if silent.is_empty() {
            return Ok(());
        }
        let ids: Vec<DeliveryId> = silent.iter().map(|(id, _)| id.clone()).collect();
        if !self.outlets.fax.silent(&ids).await {
            return Ok(());
        }
        for (delivery_id, _) in silent.into_iter().filter(|(_, attempts)| *attempts < 2) {
            tracing::warn!(delivery = %delivery_id, "pipeline.deliver: no report of a FAX job, sent again by another way");
            let effect = Effect::ChangeDelivery { delivery_id, change: DeliveryChange::Retry };
            let commit = Commit { at: now, actor: Actor::Gateway, effects: vec![effect] };
            match self.store.commit(&self.network, commit).await {
                // A report came at this very moment, or another process was faster.
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn deliver(&self, job: DeliveryJob) -> Result<(), StoreError> {
        let (id, attempt, channel) = (job.id.clone(), job.attempt, channel_of(&job));
        let rendered = self.render(job).await;
        if let Ok(RenderedContent::Fax(fax)) = &rendered
            && self.over_budget(&id, attempt, fax.pages).await?
        {
            return Ok(());
        }
        let outcome = match rendered {
            Ok(content) => {
                let item = RenderedDelivery { delivery_id: id.clone(), attempt, content };
                self.send(&item).await
            }
            Err(words) => Outcome::Failed(SendFault::Unsendable(words)),
        };
        let now = self.clock.now();
        let jitter = rand::random_range(0..=1000);
        let (next_state, next_due_at) = retry::after(&outcome, channel, attempt, now, jitter);
        metrics::counter!(
            "kakehashi_delivery_attempts_total", "channel" => channel.code(), "state" => next_state.code()
        )
        .increment(1);
        let end = AttemptEnd { delivery_id: id.clone(), attempt, outcome, next_state, next_due_at, at: now };
        if !self.store.worker(&self.network).finish_attempt(&self.worker, &end).await? {
            tracing::warn!(delivery = %id, "pipeline.deliver: lease was lost, outcome not recorded");
        }
        Ok(())
    }

    /// Whether a FAX is put off until tomorrow because its facility has had its pages today. What is urgent, a
    /// handshake and the first pages of a day are never put off.
    async fn over_budget(&self, id: &DeliveryId, attempt: u32, pages: u32) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let view = self.store.worker(&self.network);
        let (most, left, may_not_wait) = view.page_budget(id, schedule::start_of_day(now)).await?;
        if may_not_wait || most == 0 || left == 0 || left.saturating_add(pages) <= most {
            return Ok(false);
        }
        tracing::info!(delivery = %id, left, pages, "pipeline.deliver: page budget of the day is used, put off");
        view.postpone_delivery(&self.worker, id, attempt, schedule::next_morning(now)).await?;
        Ok(true)
    }

    async fn render(&self, job: DeliveryJob) -> Result<RenderedContent, String> {
        let renderer = Arc::clone(&self.renderer);
        let _permit = self.rendering.acquire().await.map_err(|e| e.to_string())?;
        match tokio::task::spawn_blocking(move || renderer.render(&job)).await {
            Ok(Ok(content)) => Ok(content),
            Ok(Err(fault)) => Err(fault.to_string()),
            Err(_) => Err("rendering failed".to_owned()),
        }
    }

    async fn send(&self, item: &RenderedDelivery) -> Outcome {
        let outlet = match &item.content {
            RenderedContent::Email(_) => &self.outlets.email,
            RenderedContent::Fax(_) => &self.outlets.fax,
            RenderedContent::Hl7(_) => &self.outlets.hl7,
            // A call is made by a person: it is handed off to the list of phone tasks, which has no deadline.
            RenderedContent::Phone { .. } => {
                return Outcome::HandedOff {
                    job: format!("phone:{}", item.delivery_id),
                    report_within_seconds: 30 * 24 * 3600,
                };
            }
        };
        match tokio::time::timeout(DEADLINE + Duration::from_secs(5), outlet.send(item, DEADLINE)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown(SendFault::TimedOut("no outcome within the deadline".to_owned())),
        }
    }
}

const fn channel_of(job: &DeliveryJob) -> Channel {
    match &job.content {
        JobContent::Posts(posts) => posts.endpoint.channel,
        JobContent::Sheet(sheet) => sheet.endpoint.channel,
        JobContent::Notice { channel, .. } => *channel,
    }
}

impl Drain for Deliverer {
    fn name(&self) -> &'static str {
        "deliver"
    }

    fn wakes_on(&self, wake: &Wake) -> bool {
        matches!(wake, Wake::Delivery)
    }

    fn drain<'a>(&'a self, stopping: &'a Stopping) -> BoxFuture<'a, Duration> {
        Box::pin(async move {
            while !stopping.now() {
                match self.round().await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "pipeline.deliver: store does not answer, waiting");
                        return Duration::from_secs(2);
                    }
                }
            }
            let next = self.store.worker(&self.network).next_due().await.ok().flatten();
            let now = self.clock.now();
            let longest = Duration::from_secs(15);
            next.map_or(longest, |at| {
                let micros = u64::try_from(at.as_micros() - now.as_micros()).unwrap_or(0);
                Duration::from_micros(micros).clamp(Duration::from_millis(50), longest)
            })
        })
    }
}
