//! Which stay in hospital a message speaks of, and whether what it says of it is news (decision 0032). Senders
//! name a stay by number (PV1-19), by the minute of admission (PV1-44), by one in one message and by the other
//! in the next, or not at all. What is true of a stay follows from what the messages say and when that was
//! recorded (EVN-2), never from when they were sent: a day that is sent once more changes nothing.

use super::telling::{Telling, says_the_same};
use crate::clock::UtcMicros;
use crate::envelope::{Event, cancelled_by, canonical_trigger};
use crate::facts::{EarlierPost, Heard};
use crate::ids::PostId;

/// What happens in a stay, by the trigger that tells it.
const HAPPENINGS: [&str; 7] = ["A01", "A02", "A03", "A14", "A16", "A21", "A22"];
/// What may happen more than once in one stay: each transfer and each leave is one of its own.
const REPEATED: [&str; 3] = ["A02", "A21", "A22"];
/// An admission or discharge that is older is not taken back by a message that does not name it.
const LONGEST_UNNAMED_SECONDS: i64 = 31 * 24 * 3600;
/// Who took something back by mistake enters it again soon; a re-send of the day comes later.
const ON_ITS_HEELS_SECONDS: i64 = 2 * 3600;
/// A clock that is ahead by more is wrong, and its time orders nothing.
const LONGEST_AHEAD_SECONDS: i64 = 24 * 3600;

/// What an event says of a stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    /// The trigger that tells this happening, in its canonical form.
    pub(super) what: &'static str,
    /// Whether it is taken back.
    pub(super) takes_back: bool,
}

impl About {
    pub(super) fn of(event: &Event) -> Option<Self> {
        if event.kind.as_deref() != Some("ADT") {
            return None;
        }
        let trigger = canonical_trigger(event.trigger.as_deref()?);
        HAPPENINGS.into_iter().find_map(|what| {
            let takes_back = cancelled_by(what) == Some(trigger);
            (takes_back || what == trigger).then_some(Self { what, takes_back })
        })
    }
}

/// Whether an event tells of a stay, or takes back what was told of one.
#[must_use]
pub fn tells_of_a_stay(event: &Event) -> bool {
    About::of(event).is_some()
}

/// One stay, as the posts of a group know it.
#[derive(Debug, Clone)]
pub(super) struct Stay<'e> {
    /// With their place in the list, which is newest first.
    posts: Vec<(usize, &'e EarlierPost)>,
}

/// The stay that a message means.
#[derive(Debug, Clone)]
pub(super) enum Found<'e> {
    /// This one.
    One(Stay<'e>),
    /// None that is known here.
    None,
    /// A person must say which.
    Unsure,
}

/// What a message is beside what is known of its stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word<'e> {
    /// News, in the place of this post.
    Corrects(&'e EarlierPost),
    /// News of its own.
    New,
    /// Nothing new, and why (Japanese).
    Known(&'static str),
    /// A person must say whether it is news, and why (Japanese).
    Unsure(&'static str),
}

/// Why a person must say what a message is.
pub(super) const WHICH: &str = "どの入退院のことかが決まりません。推測では訂正しません";
const TWO_CLOCKS: &str = "取り消される連絡より前の時刻で届きました。時計の違いか、別のことかが決まりません";
const NO_ORDER: &str = "記録の時刻(EVN-2)がなく、再送か新しい連絡かが決まりません";
const SAID_BEFORE: &str = "前に届いた連絡と同じ内容で、記録の時刻(EVN-2)だけが新しいものです。そのあとに別の連絡があったので、\
     再送か新しい連絡かが決まりません";
const OVERTAKEN: &str = "同じ内容で届き直した連絡より前の時刻です。どちらが後のことかが決まりません";
const ANOTHER_STAY: &str =
    "退院のあとの入院の連絡で、入院日時(PV1-44)がありません。同じ入院か新しい入院かが決まりません";
const SAME: &str = "同じ内容はもう投稿されています";

/// What a message brings along.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'m> {
    pub(super) event: &'m Event,
    /// [`crate::placement::print_of`] of the message.
    pub(super) print: &'m str,
    pub(super) now: UtcMicros,
}

pub(super) fn number(event: &Event) -> Option<&str> {
    let number = event.visit.as_ref()?.number.as_deref()?.trim();
    (!number.is_empty()).then_some(number)
}

pub(super) fn minute(event: &Event) -> Option<i64> {
    Some(event.visit.as_ref()?.admitted_at?.as_micros().div_euclid(60_000_000))
}

/// PV1-2 O.
pub(super) fn is_outpatient(event: &Event) -> bool {
    event.visit.as_ref().and_then(|v| v.class.as_deref()).is_some_and(|class| class.trim() == "O")
}

/// The time that orders what is told.
pub(super) fn recorded(event: &Event, now: UtcMicros) -> Option<UtcMicros> {
    event.recorded_at.filter(|at| at.seconds_since(now) <= LONGEST_AHEAD_SECONDS)
}

fn about_post(post: &EarlierPost) -> Option<About> {
    About::of(post.event.as_ref()?)
}

fn of_post<'p, T>(post: &'p EarlierPost, ask: impl FnOnce(&'p Event) -> Option<T>) -> Option<T> {
    post.event.as_ref().and_then(ask)
}

impl<'e> Stay<'e> {
    /// The stays of which these posts tell: what stands in one topic, what names the same minute of admission, and
    /// what has only a number with the stay of that number.
    fn all(earlier: &[&'e EarlierPost]) -> Vec<Self> {
        let mut stays: Vec<Self> = Vec::new();
        for (at, post) in earlier.iter().enumerate().filter(|(_, post)| about_post(post).is_some()) {
            match stays.iter_mut().find(|s| s.posts.iter().any(|(_, p)| p.topic_id == post.topic_id)) {
                Some(stay) => stay.posts.push((at, post)),
                None => stays.push(Self { posts: vec![(at, post)] }),
            }
        }
        join(&mut stays, |a, b| a.minutes().any(|minute| b.minutes().any(|other| other == minute)));
        join(&mut stays, |a, b| {
            let timeless = a.minutes().next().is_none() || b.minutes().next().is_none();
            timeless && a.numbers().any(|number| b.has_number(number))
        });
        for stay in &mut stays {
            stay.posts.sort_by_key(|(at, _)| *at);
        }
        stays
    }

    fn posts(&self) -> impl DoubleEndedIterator<Item = &'e EarlierPost> + '_ {
        self.posts.iter().map(|(_, post)| *post)
    }

    fn numbers(&self) -> impl Iterator<Item = &'e str> + '_ {
        self.posts().filter_map(|post| of_post(post, number))
    }

    fn minutes(&self) -> impl Iterator<Item = i64> + '_ {
        self.posts().filter_map(|post| of_post(post, minute))
    }

    fn has_number(&self, number: &str) -> bool {
        self.numbers().any(|own| own == number)
    }

    fn denies_number(&self, number: Option<&str>) -> bool {
        number.is_some_and(|n| self.numbers().next().is_some() && !self.has_number(n))
    }

    fn denies(&self, event: &Event) -> bool {
        let denied = |told: i64| self.minutes().next().is_some() && self.minutes().all(|own| own != told);
        self.denies_number(number(event)) || minute(event).is_some_and(denied)
    }

    fn of(&self, what: &'static str) -> impl DoubleEndedIterator<Item = &'e EarlierPost> + '_ {
        self.posts().filter(move |post| about_post(post).is_some_and(|a| a.what == what))
    }

    /// Whether this is the last word of that happening: told, or taken back.
    fn last_is(&self, what: &'static str, takes_back: bool) -> bool {
        self.of(what).next().and_then(about_post).is_some_and(|a| a.takes_back == takes_back)
    }

    /// The patient is in hospital, as far as anybody has told.
    fn is_open(&self) -> bool {
        let is_in = self.posts().filter_map(about_post).any(|a| a.what != "A14");
        is_in && !self.last_is("A01", true) && !self.last_is("A03", false)
    }

    /// Whether a message that names no stay can mean this one.
    fn can_be_meant(&self, about: Option<About>, told: Told<'_>) -> bool {
        let takes_back = about.is_some_and(|a| a.takes_back);
        let lately = |what: &'static str| {
            let then = self.of(what).next().and_then(|post| of_post(post, |e| e.recorded_at));
            let now = recorded(told.event, told.now);
            !matches!((then, now), (Some(then), Some(now)) if now.seconds_since(then) > LONGEST_UNNAMED_SECONDS)
        };
        match about.map(|a| a.what) {
            Some("A01") if takes_back => self.is_open() && self.last_is("A01", false) && lately("A01"),
            Some("A03") if takes_back => self.last_is("A03", false) && lately("A03"),
            Some("A14") if takes_back => self.last_is("A14", false) && self.of("A01").next().is_none(),
            // These begin a stay; what is open already is another one.
            Some("A01" | "A14") => false,
            _ => self.is_open(),
        }
    }

    /// Whether just this was told of it, no longer ago than what a message means that names no stay.
    fn told_lately(&self, about: About, told: Told<'_>) -> bool {
        let telling = Telling::new(about, told);
        let now = recorded(told.event, told.now);
        let lately = |post: &EarlierPost| {
            let then = of_post(post, |e| e.recorded_at);
            !matches!((then, now), (Some(then), Some(now)) if now.seconds_since(then) > LONGEST_UNNAMED_SECONDS)
        };
        self.of(about.what).any(|post| telling.is_of(post) && lately(post))
    }

    /// Whether this post tells of it.
    pub(super) fn has(&self, post: &EarlierPost) -> bool {
        self.posts().any(|own| own.post_id == post.post_id)
    }

    /// The topic under which this happening was told.
    pub(super) fn topic_of(&self, what: &'static str) -> Option<&'e EarlierPost> {
        self.of(what).next()
    }

    /// What the message says, beside what is known.
    pub(super) fn word(&self, about: About, told: Told<'_>, heard: &[Heard]) -> Word<'e> {
        let event = told.event;
        let alike = |post: &&EarlierPost| {
            let same = |e: &Event| e.recorded_at.is_some() && e.recorded_at == event.recorded_at;
            post.body == told.print
                && post.event.as_ref().is_some_and(|e| About::of(e) == Some(about) && same(e))
        };
        if self.posts().any(|post| alike(&post)) {
            return Word::Known(SAME);
        }
        let telling = Telling::new(about, told);
        let all: Vec<&EarlierPost> = self.posts().collect();
        if telling.is_resent(&all, heard) {
            return Word::Known("同じ電文番号の再送です");
        }
        let keeps = telling.keeps_its_time(heard) && recorded(event, told.now).is_some();
        let said_before = || match telling.waits(heard) {
            true => Word::Known("同じ内容の連絡がもう仕分けを待っています"),
            false => Word::Unsure(SAID_BEFORE),
        };
        if REPEATED.contains(&about.what) && !about.takes_back && event.occurred_at.is_none() {
            // Without EVN-6 a re-send that is stamped anew looks like another one.
            match self.latest_move(about.what) {
                Some(latest) if telling.is_of(latest) => return Word::Known(SAME),
                _ if keeps => {}
                _ if all.iter().any(|p| telling.is_of(p)) || telling.was_only_heard(&all, heard) => {
                    return said_before();
                }
                _ => {}
            }
        }
        let chain = match self.chain(about, told) {
            Ok(chain) => chain,
            Err(()) => return Word::Unsure(WHICH),
        };
        let Some(last) = chain.first().copied() else { return Word::New };
        let Some((said, last_event)) = about_post(last).zip(last.event.as_ref()) else { return Word::New };
        let order = |of: &Event, about: About| recorded(of, told.now).map(|at| (at, about.takes_back));
        let (mine, its) = (order(event, about), order(last_event, said));
        let of_this = |h: &&Heard| {
            let named = number(&h.event).is_some_and(|n| self.has_number(n) || number(event) == Some(n))
                || minute(&h.event).is_some_and(|m| self.minutes().any(|own| own == m));
            let same_one = !REPEATED.contains(&about.what) || happened(&h.event) == happened(event);
            !h.to_the_office && named && same_one && About::of(&h.event).is_some_and(|a| a.what == about.what)
        };
        let heard_of_this = || heard.iter().filter(of_this);
        if let (Some(mine), Some(its)) = (mine, its)
            && mine < its
        {
            // Out of order, or two clocks that differ: only what was told before can be taken back before.
            let told_before = |e: &Event| {
                let tells = About::of(e).is_some_and(|a| a.what == about.what && !a.takes_back);
                tells && recorded(e, told.now).is_none_or(|at| at <= mine.0)
            };
            let reasonable = !about.takes_back
                || said.takes_back
                || chain.iter().filter_map(|p| p.event.as_ref()).any(told_before)
                || heard_of_this().any(|h| told_before(&h.event));
            return if reasonable {
                Word::Known("後の時刻の連絡がもう届いています")
            } else {
                Word::Unsure(TWO_CLOCKS)
            };
        }
        let begins_unnamed = about.what == "A01" && !about.takes_back && minute(event).is_none();
        if begins_unnamed && (number(event).is_none() || telling.is_of(last)) && self.ended_before(told) {
            return Word::Unsure(ANOTHER_STAY);
        }
        let renumbered =
            number(event).zip(number(last_event)).is_some_and(|(mine, its)| mine != its) && mine > its;
        let moved = minute(event).zip(minute(last_event)).is_some_and(|(mine, its)| mine != its);
        let same = (last.body == told.print && !renumbered && !moved) || telling.is_of(last);
        let stands = said == about && (about.takes_back || same);
        if stands {
            return Word::Known(SAME);
        }
        let later = |h: &&Heard| {
            let its = About::of(&h.event).and_then(|a| order(&h.event, a));
            matches!((mine, its), (Some(mine), Some(its)) if its > mine)
        };
        let mut later = heard_of_this().filter(later).peekable();
        if later.peek().is_some() {
            // What was only told once more may have been stamped anew.
            let again = |h: &Heard| {
                About::of(&h.event).is_some_and(|about| {
                    let before = |e: &Event| order(e, about) <= mine && says_the_same(about, e, &h.event);
                    chain.iter().filter_map(|p| p.event.as_ref()).any(before)
                })
            };
            let certain =
                later.any(|h| !again(h) || Telling::of_heard(h).is_some_and(|t| t.keeps_its_time(heard)));
            return if certain {
                Word::Known("後の時刻の連絡がもう届いています")
            } else {
                Word::Unsure(OVERTAKEN)
            };
        }
        if mine.is_none() || its.is_none() {
            let said = |post: &&EarlierPost| about_post(post) == Some(about) && post.body == told.print;
            if chain.iter().any(said) {
                return Word::Unsure(NO_ORDER);
            }
        }
        let on_its_heels = matches!((mine, its), (Some(mine), Some(its))
            if mine.0.seconds_since(its.0) <= ON_ITS_HEELS_SECONDS)
            && !telling.comes_with_others_again(&all, heard);
        let is_told_again = || chain.iter().any(|p| telling.is_of(p)) || telling.was_only_heard(&all, heard);
        if !keeps && !on_its_heels && is_told_again() {
            return said_before();
        }
        Word::Corrects(last)
    }

    /// The last that was told of transfers, or of leaves and returns: where the patient is now.
    fn latest_move(&self, what: &'static str) -> Option<&'e EarlierPost> {
        let other = match what {
            "A21" => "A22",
            "A22" => "A21",
            same => same,
        };
        self.posts().find(|p| about_post(p).is_some_and(|a| a.what == what || a.what == other))
    }

    /// Whether the patient had left when this was recorded.
    fn ended_before(&self, told: Told<'_>) -> bool {
        let left = self.of("A03").next().and_then(|p| of_post(p, |e| recorded(e, told.now)));
        let mine = recorded(told.event, told.now);
        self.last_is("A03", false) && !matches!((mine, left), (Some(mine), Some(left)) if mine < left)
    }

    /// What was told of the same happening, newest first. `Err` if it takes back one of several and does not say
    /// which.
    fn chain(&self, about: About, told: Told<'_>) -> Result<Vec<&'e EarlierPost>, ()> {
        let all: Vec<&EarlierPost> = self.of(about.what).collect();
        if !REPEATED.contains(&about.what) {
            return Ok(all);
        }
        let chains = chains(&all);
        let time = if about.takes_back { told.event.occurred_at } else { happened(told.event) };
        let names = |chain: &&Vec<&EarlierPost>| {
            let tells = chain.iter().filter(|p| about_post(p).is_some_and(|a| !a.takes_back));
            time.is_some() && tells.filter_map(|p| p.event.as_ref()).any(|e| happened(e) == time)
        };
        if let Some(chain) = chains.iter().find(names) {
            return Ok(chain.clone());
        }
        let is_back = |chain: &&Vec<&EarlierPost>| {
            chain.first().copied().and_then(about_post).is_some_and(|a| a.takes_back)
        };
        if about.takes_back {
            let mut standing = chains.iter().filter(|c| !is_back(c));
            return match (standing.next(), standing.next()) {
                (Some(_), Some(_)) => Err(()),
                (Some(one), None) => Ok(one.clone()),
                (None, _) => Ok(chains.first().cloned().unwrap_or_default()),
            };
        }
        // After all, or elsewhere: in the place of what was taken back last.
        let later = |chain: &&Vec<&EarlierPost>| {
            let then = chain.first().and_then(|p| of_post(p, |e| recorded(e, told.now)));
            let mine = recorded(told.event, told.now);
            let alone = chain.iter().filter_map(|p| about_post(p)).all(|a| a.takes_back);
            alone || !matches!((mine, then), (Some(mine), Some(then)) if mine < then)
        };
        Ok(chains.into_iter().next().filter(|c| is_back(&c) && later(&c)).unwrap_or_default())
    }
}

/// When it happened, to tell one transfer from the next.
fn happened(event: &Event) -> Option<UtcMicros> {
    event.occurred_at.or(event.recorded_at)
}

/// Posts that correct each other, newest first, the chain with the newest post first.
fn chains<'e>(posts: &[&'e EarlierPost]) -> Vec<Vec<&'e EarlierPost>> {
    let mut chains: Vec<Vec<&EarlierPost>> = Vec::new();
    for post in posts.iter().rev() {
        let of = |id: &PostId| chains.iter().position(|c| c.iter().any(|p| &p.post_id == id));
        match post.corrects.as_ref().and_then(of) {
            Some(at) => chains[at].insert(0, post),
            None => chains.push(vec![post]),
        }
    }
    chains.sort_by_key(|c| posts.iter().position(|p| Some(&p.post_id) == c.first().map(|f| &f.post_id)));
    chains
}

fn join<'e>(stays: &mut Vec<Stay<'e>>, same: impl Fn(&Stay<'e>, &Stay<'e>) -> bool) {
    let mut at = 0;
    while at < stays.len() {
        match (at + 1..stays.len()).find(|other| same(&stays[at], &stays[*other])) {
            Some(other) => {
                let more = stays.remove(other).posts;
                stays[at].posts.extend(more);
            }
            None => at += 1,
        }
    }
}

/// Whether the same was told before: then it is settled, or waits for the office already.
pub(super) fn was_heard(told: Told<'_>, heard: &[Heard]) -> bool {
    let event = told.event;
    heard.iter().any(|h| {
        About::of(&h.event) == About::of(event)
            && (number(&h.event), minute(&h.event)) == (number(event), minute(event))
            && event.recorded_at.is_some()
            && h.event.recorded_at == event.recorded_at
    })
}

/// The stay that a message means, among those of its patient's group: by what it names, else the one open stay.
pub(super) fn find<'e>(told: Told<'_>, earlier: &[&'e EarlierPost]) -> Found<'e> {
    let event = told.event;
    let stays = Stay::all(earlier);
    let about = About::of(event);
    let takes_back = about.is_some_and(|a| a.takes_back);
    let unsure = if takes_back { Found::Unsure } else { Found::None };
    let take = |at: Option<usize>| at.and_then(|at| stays.get(at)).cloned();
    let only = |mut found: Vec<usize>| if found.len() == 1 { found.pop() } else { None };
    let (number, minute) = (number(event), minute(event));
    let select = |fits: &dyn Fn(&Stay<'e>) -> bool| -> Vec<usize> {
        stays.iter().enumerate().filter(|(_, s)| fits(s)).map(|(at, _)| at).collect()
    };
    // The same once more, however little it names.
    let again = |s: &Stay<'e>| {
        s.posts().any(|p| {
            let same = p.event.as_ref().is_some_and(|e| {
                About::of(e) == about && self::number(e) == number && self::minute(e) == minute
            });
            let unnamed = number.is_none() && minute.is_none();
            same && ((p.body == told.print && of_post(p, |e| e.recorded_at) == event.recorded_at)
                || (unnamed && event.key.as_ref() == Some(&p.event_key)))
        })
    };
    if about.is_some()
        && let Some(stay) = take(stays.iter().position(again))
    {
        return Found::One(stay);
    }
    // In the same words, by a sender that names no stay.
    if number.is_none()
        && minute.is_none()
        && let Some(about) = about.filter(|a| !a.takes_back && !REPEATED.contains(&a.what))
        && let Some(stay) = stays.iter().find(|s| s.told_lately(about, told))
    {
        let then = stay.of(about.what).find_map(|p| of_post(p, |e| e.recorded_at));
        let left = |post: &EarlierPost| of_post(post, |e| e.recorded_at) > then;
        let left_since =
            about.what == "A01" && stays.iter().any(|s| s.last_is("A03", false) && s.of("A03").any(left));
        return if left_since { Found::Unsure } else { Found::One(stay.clone()) };
    }
    if let Some(minute) = minute
        && let Some(stay) = take(stays.iter().position(|s| s.minutes().any(|own| own == minute)))
    {
        return if takes_back && stay.denies_number(number) { Found::Unsure } else { Found::One(stay) };
    }
    if let Some(number) = number {
        let bearing = select(&|s| s.has_number(number));
        let fitting: Vec<usize> = bearing
            .iter()
            .copied()
            .filter(|at| minute.is_none() || stays[*at].minutes().next().is_none())
            .collect();
        if let Some(stay) = take(only(fitting.clone())) {
            return Found::One(stay);
        }
        if !bearing.is_empty() {
            // Of several stays under one number the one that it can be; at another time of admission only what
            // is told, never what is taken back.
            let meant = |at: &usize| {
                let stay = &stays[*at];
                stay.can_be_meant(about, told)
                    || (!takes_back && (stay.is_open() || stay.last_is("A01", true)))
            };
            let meant: Vec<usize> = bearing.into_iter().filter(meant).collect();
            let certain = !fitting.is_empty() || !takes_back;
            return match take(only(meant).filter(|_| certain)) {
                Some(stay) => Found::One(stay),
                None => unsure,
            };
        }
    }
    if is_outpatient(event) {
        return Found::None;
    }
    let meant = select(&|s| s.can_be_meant(about, told));
    match meant.as_slice() {
        [one] if !stays[*one].denies(event) => take(Some(*one)).map_or(Found::None, Found::One),
        [] => {
            // Taken back already, and told once more.
            let back = |s: &Stay<'e>| {
                about.is_some_and(|a| a.takes_back && s.last_is(a.what, true)) && !s.denies(event)
            };
            take(only(select(&back))).map_or(Found::None, Found::One)
        }
        _ => unsure,
    }
}
