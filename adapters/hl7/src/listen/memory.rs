//! A memory of links that ends with the program: for tools and tests, and for listeners that are started
//! without a store. The gateway itself gives the store's.

use kakehashi_core::ids::IntakeId;
use kakehashi_core::link::{AnswerEnd, LinkFault, LinkMemory, LinkSender, OwedAnswer};
use kakehashi_core::port::BoxFuture;
use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Kept {
    expected: HashMap<(String, LinkSender), i64>,
    owed: VecDeque<(String, OwedAnswer)>,
    in_flight: Option<OwedAnswer>,
}

/// Links in memory.
#[derive(Default)]
pub struct PassingMemory(Mutex<Kept>);

impl PassingMemory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LinkMemory for PassingMemory {
    fn expected<'a>(
        &'a self,
        interface: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(LinkSender, i64)>, LinkFault>> {
        let kept = self.kept();
        let of = kept.expected.iter().filter(|((name, _), _)| name == interface);
        Box::pin(ready(Ok(of.map(|((_, sender), next)| (sender.clone(), *next)).collect())))
    }

    fn expect<'a>(
        &'a self,
        interface: &'a str,
        sender: &'a LinkSender,
        next: i64,
    ) -> BoxFuture<'a, Result<(), LinkFault>> {
        self.kept().expected.insert((interface.to_owned(), sender.clone()), next);
        Box::pin(ready(Ok(())))
    }

    fn owe<'a>(
        &'a self,
        interface: &'a str,
        intake: &'a IntakeId,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), LinkFault>> {
        let owed = OwedAnswer { intake_id: intake.clone(), bytes: bytes.to_owned(), attempts: 0 };
        self.kept().owed.push_back((interface.to_owned(), owed));
        Box::pin(ready(Ok(())))
    }

    fn owed<'a>(&'a self, interface: &'a str) -> BoxFuture<'a, Result<Option<OwedAnswer>, LinkFault>> {
        let mut kept = self.kept();
        let next = kept.in_flight.is_none().then(|| kept.owed.iter().position(|(name, _)| name == interface));
        let next = next.flatten().and_then(|at| kept.owed.remove(at)).map(|(_, owed)| owed);
        if next.is_some() {
            kept.in_flight.clone_from(&next);
        }
        Box::pin(ready(Ok(next)))
    }

    fn ended<'a>(
        &'a self,
        interface: &'a str,
        _: &'a IntakeId,
        end: AnswerEnd,
    ) -> BoxFuture<'a, Result<(), LinkFault>> {
        let mut kept = self.kept();
        if let (Some(owed), AnswerEnd::Again { .. }) = (kept.in_flight.take(), end) {
            let owed = OwedAnswer { attempts: owed.attempts.saturating_add(1), ..owed };
            kept.owed.push_front((interface.to_owned(), owed));
        }
        Box::pin(ready(Ok(())))
    }
}
