//! Whether what a message tells of a stay was told before, by what it says and not by when it came (decision
//! 0040). Some senders stamp a re-send with a new EVN-2, so that it looks recorded after what has taken it back.
//! Never says that something is news; it says what speaks for a re-send.

use super::stay::{About, Told, minute, number};
use crate::envelope::Event;
use crate::facts::{EarlierPost, Heard};

const AN_HOUR: i64 = 3600;

/// What one message tells of a stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'m> {
    about: About,
    event: &'m Event,
    print: &'m str,
}

impl<'m> Telling<'m> {
    pub(super) const fn new(about: About, told: Told<'m>) -> Self {
        Self { about, event: told.event, print: told.print }
    }

    /// What a message told that became no post; its words are not known.
    pub(super) fn of_heard(heard: &'m Heard) -> Option<Self> {
        Some(Self { about: About::of(&heard.event)?, event: &heard.event, print: "" })
    }

    /// Whether a post tells just this, whenever it was recorded: in the same words, of a stay that is named alike.
    pub(super) fn is_of(&self, post: &EarlierPost) -> bool {
        let Some(event) = post.event.as_ref().filter(|e| About::of(e) == Some(self.about)) else {
            return false;
        };
        let timeless = !self.about.takes_back && has_no_own_time(self.about, self.event);
        let named_alike = number(event) == number(self.event) && minute(event) == minute(self.event);
        (post.body == self.print && named_alike) || (timeless && says_the_same(self.about, self.event, event))
    }

    /// As [`Self::is_of`], of a message that became no post. Of a plan the day that is planned is not known.
    fn is_in(&self, heard: &Heard) -> bool {
        !matches!(self.about.what, "A14" | "A16") && says_the_same(self.about, self.event, &heard.event)
    }

    /// Whether a message that became none of these posts told just this.
    pub(super) fn was_only_heard(&self, posts: &[&EarlierPost], heard: &[Heard]) -> bool {
        let is_post = |h: &Heard| posts.iter().any(|p| p.event.as_ref() == Some(&h.event));
        heard.iter().any(|h| self.is_in(h) && !is_post(h))
    }

    /// Whether it comes under the number of an earlier message that told just this (MSH-10): a re-send, whatever
    /// its times say. A sender that numbers different messages alike proves nothing.
    pub(super) fn is_resent(&self, posts: &[&EarlierPost], heard: &[Heard]) -> bool {
        let Some(id) = self.event.control_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) else {
            return false;
        };
        let bears = |event: &Event| event.control_id.as_deref().map(str::trim) == Some(id);
        let told = posts.iter().any(|p| p.event.as_ref().is_some_and(bears) && self.is_of(p))
            || heard.iter().any(|h| bears(&h.event) && self.is_in(h));
        let mut all = posts.iter().filter_map(|p| p.event.as_ref()).chain(heard.iter().map(|h| &h.event));
        told && !all.any(|event| bears(event) && About::of(event) != Some(self.about))
    }

    /// Whether just this was sent more than once, as messages of their own, with one EVN-2: then its sender keeps
    /// the time of recording, and what bears another one was recorded anew.
    pub(super) fn keeps_its_time(&self, heard: &[Heard]) -> bool {
        let same = |event: &&Event| says_the_same(self.about, self.event, event);
        let told: Vec<&Event> = heard.iter().map(|h| &h.event).filter(same).collect();
        let is_resend = |one: &Event, other: &Event| {
            one.recorded_at.is_some()
                && one.recorded_at == other.recorded_at
                && one.control_id != other.control_id
        };
        told.iter().enumerate().any(|(at, one)| told[at + 1..].iter().any(|other| is_resend(one, other)))
    }

    /// Whether this sender is sending again what it told of the patient, each stamped anew: another message that said
    /// nothing new came within the hour before.
    pub(super) fn comes_with_others_again(&self, posts: &[&EarlierPost], heard: &[Heard]) -> bool {
        let Some(mine) = self.event.recorded_at else { return false };
        let all = || posts.iter().filter_map(|p| p.event.as_ref()).chain(heard.iter().map(|h| &h.event));
        heard.iter().map(|h| &h.event).any(|event| {
            let recently =
                event.recorded_at.is_some_and(|at| (0..=AN_HOUR).contains(&mine.seconds_since(at)));
            let says_it =
                |other: &Event| About::of(event).is_some_and(|about| says_the_same(about, other, event));
            // A copy of what was posted, under another MSH-10, is stamped as it was.
            let is_posted = |p: &EarlierPost| {
                p.event.as_ref().is_some_and(|e| e.recorded_at == event.recorded_at && says_it(e))
            };
            let told = |before: &Event| {
                before.recorded_at.is_some_and(|at| Some(at) < event.recorded_at) && says_it(before)
            };
            recently && !posts.iter().any(|p| is_posted(p)) && all().any(told)
        })
    }

    /// Whether the office has just this before it already.
    pub(super) fn waits(&self, heard: &[Heard]) -> bool {
        heard.iter().any(|h| h.waits && self.is_in(h))
    }
}

/// Whether two messages say the same of one stay, but for the time of recording: a re-send names it as before.
pub(super) fn says_the_same(about: About, one: &Event, other: &Event) -> bool {
    About::of(one) == Some(about)
        && About::of(other) == Some(about)
        && one.occurred_at == other.occurred_at
        && one.visit == other.visit
}

/// Whether the words name the time of recording, because the message has no other.
fn has_no_own_time(about: About, event: &Event) -> bool {
    let visit = event.visit.as_ref();
    match about.what {
        "A01" => visit.and_then(|v| v.admitted_at).is_none(),
        "A03" => visit.and_then(|v| v.discharged_at).is_none(),
        "A02" | "A21" | "A22" => event.occurred_at.is_none(),
        _ => false,
    }
}
