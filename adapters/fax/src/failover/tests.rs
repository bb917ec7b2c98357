use super::*;
use kakehashi_core::clock::FixedClock;
use kakehashi_core::fax_route::{FAULTS, FORGOTTEN_SECONDS, OPEN_SECONDS};
use kakehashi_core::rendered::{RenderedContent, RenderedFax};

struct Provider {
    outcome: Mutex<Outcome>,
    jobs: Mutex<u32>,
}

impl Provider {
    fn new(outcome: Outcome) -> Arc<Self> {
        Arc::new(Self { outcome: Mutex::new(outcome), jobs: Mutex::new(0) })
    }

    fn jobs(&self) -> u32 {
        *self.jobs.lock().unwrap()
    }
}

impl Outlet for Provider {
    fn send<'a>(&'a self, _: &'a RenderedDelivery, _: Duration) -> BoxFuture<'a, Outcome> {
        *self.jobs.lock().unwrap() += 1;
        let outcome = self.outcome.lock().unwrap().clone();
        Box::pin(async move { outcome })
    }

    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

fn taken() -> Outcome {
    Outcome::HandedOff { job: "j".into(), report_within_seconds: 60 }
}

fn away() -> Outcome {
    Outcome::RetryAfter { wait: None, cause: SendFault::Unreachable("refused".into()) }
}

fn delivery(id: &str) -> RenderedDelivery {
    RenderedDelivery {
        delivery_id: DeliveryId::new(id),
        attempt: 1,
        content: RenderedContent::Fax(RenderedFax {
            number: "0300000104".into(),
            to_name: String::new(),
            pdf: b"%PDF-".to_vec(),
            pages: 1,
            message_id: "m@x".into(),
        }),
    }
}

fn outlet(first: &Arc<Provider>, second: &Arc<Provider>) -> (FailoverOutlet, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(UtcMicros::from_micros(1_780_000_000_000_000)));
    let route = |name: &str, outlet: &Arc<Provider>| Route { name: name.into(), outlet: outlet.clone() };
    (
        FailoverOutlet::new(
            vec![route("一", first), route("二", second)],
            clock.clone(),
            Arc::new(InMemory::default()),
        ),
        clock,
    )
}

#[tokio::test]
async fn the_next_takes_over_and_the_first_is_left_alone_for_a_while() {
    let (first, second) = (Provider::new(away()), Provider::new(taken()));
    let (outlet, clock) = outlet(&first, &second);
    for n in 0..5 {
        let outcome = outlet.send(&delivery(&format!("D{n}")), Duration::from_secs(1)).await;
        assert_eq!(outcome, taken());
    }
    assert_eq!((first.jobs(), second.jobs()), (FAULTS, 5), "open after {FAULTS} faults");
    clock.set(clock.now().plus_seconds(OPEN_SECONDS + 1));
    *first.outcome.lock().unwrap() = taken();
    let _ = outlet.send(&delivery("D9"), Duration::from_secs(1)).await;
    assert_eq!((first.jobs(), second.jobs()), (FAULTS + 1, 5), "one tries whether it is well again");
}

#[tokio::test]
async fn what_may_have_left_goes_nowhere_else() {
    let unknown = Outcome::Unknown(SendFault::TimedOut("no answer".into()));
    let (first, second) = (Provider::new(unknown.clone()), Provider::new(taken()));
    let (outlet, _) = outlet(&first, &second);
    assert_eq!(outlet.send(&delivery("D1"), Duration::from_secs(1)).await, unknown);
    assert_eq!(second.jobs(), 0);
    let unsendable = Outcome::Failed(SendFault::Unsendable("no number".into()));
    *first.outcome.lock().unwrap() = unsendable.clone();
    assert_eq!(outlet.send(&delivery("D2"), Duration::from_secs(1)).await, unsendable);
    assert_eq!(second.jobs(), 0);
}

#[tokio::test]
async fn silence_opens_the_breaker_and_a_resend_takes_the_other_way() {
    let (first, second) = (Provider::new(taken()), Provider::new(taken()));
    let (outlet, clock) = outlet(&first, &second);
    let ids: Vec<DeliveryId> = (0..4).map(|n| DeliveryId::new(format!("D{n}"))).collect();
    for id in &ids {
        let _ = outlet.send(&delivery(id.as_str()), Duration::from_secs(1)).await;
    }
    assert_eq!((first.jobs(), second.jobs()), (4, 0));
    // One silent job is repeated by the other provider although the breaker is still closed.
    assert!(outlet.silent(&ids[..1]).await);
    let _ = outlet.send(&delivery("D0"), Duration::from_secs(1)).await;
    assert_eq!((first.jobs(), second.jobs()), (4, 1));
    assert!(outlet.silent(&ids[1..]).await);
    let _ = outlet.send(&delivery("D8"), Duration::from_secs(1)).await;
    assert_eq!((first.jobs(), second.jobs()), (4, 2), "three silent jobs open it");
    clock.set(clock.now().plus_seconds(FORGOTTEN_SECONDS + OPEN_SECONDS));
    assert!(outlet.silent(&ids[..1]).await);
    let _ = outlet.send(&delivery("D9"), Duration::from_secs(1)).await;
    assert_eq!(first.jobs(), 5, "one fault does not open it again hours later");
}
