//! The likeliest reading of one run of text that was not closed properly: which of its bytes are characters of
//! its set, which are separators, and from where on it is ASCII. Weighs by how common signs are in hospital
//! text; the same bytes always give the same reading, and a run that is sound is cheapest as it stands.

use super::super::iso2022::Mode;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By an escape to ASCII: the sender knew that another set was selected.
    Closed,
    /// By selecting the same set again: the sender believed to be in ASCII.
    Again,
    /// By selecting another set.
    Other,
    /// By the end of the segment or of the text.
    Line,
}

/// One part of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A character or control sign of one byte in the set.
    One,
    /// A character of two bytes in the set.
    Pair,
    /// A separator.
    Separator,
    /// An ASCII sign after a separator.
    Letter,
    /// `\\.br\\`, the line break of formatted text.
    Break,
    /// A byte that is nothing.
    Bad,
}

impl Step {
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Pair => 2,
            Self::Break => BREAK.len(),
            Self::One | Self::Separator | Self::Letter | Self::Bad => 1,
        }
    }
}

/// A reading.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The parts in order. What follows the last one is read in the set or in ASCII as it stands.
    pub steps: Vec<Step>,
    /// In what the rest stands.
    pub ends_in_ascii: bool,
    /// A separator was found.
    pub has_separator: bool,
    /// Text of the set went on after a separator.
    pub resumed: bool,
}

/// A line break in formatted text, where the sender has to be in ASCII as at a separator.
pub(super) const BREAK: &[u8] = b"\\.br\\";
/// From here on a unit is no character of its set.
pub(super) const BAD: u32 = 28;
/// So much of a run is weighed; the rest goes on as it was going.
const WEIGHED: usize = 64 * 1024;
const SEPARATOR: u32 = 1;
/// Going on in the set after a separator: no standard knows this.
const GOES_ON: u32 = 6;
/// The same in text that could be read as it stands.
const GOES_ON_IN_SOUND: u32 = 14;
/// A run that begins with a separator had no reason to begin.
const AT_ONCE: u32 = 8;
/// An escape to ASCII where it was ASCII already.
const CLOSED_TWICE: u32 = 12;
/// A last byte that lacks its second.
const CUT: u32 = 20;
const NEVER: u32 = u32::MAX / 2;

/// What one byte or pair is in a set: its length and its cost, the rarer the higher.
pub(super) fn unit(rest: &[u8], mode: Mode) -> Option<(usize, u32)> {
    let first = *rest.first()?;
    if first <= 0x20 {
        return Some((1, 2));
    }
    match mode {
        Mode::Ascii => Some((1, letter(first))),
        Mode::Kana => (first <= 0x5f).then_some((1, 5)),
        Mode::TwoByte | Mode::Supplement => {
            let second = *rest.get(1)?;
            let printable = (0x21..=0x7e).contains(&first) && (0x21..=0x7e).contains(&second);
            let cost = if mode == Mode::Supplement { 14 } else { pair(first, second) };
            printable.then_some((2, cost))
        }
    }
}

/// JIS X 0208 by row and cell, with NEC row 13 and the IBM rows.
fn pair(row: u8, cell: u8) -> u32 {
    match (row, cell) {
        (0x24, 0x21..=0x73) | (0x25, 0x21..=0x76) => 6,
        (0x21, _) | (0x23, 0x30..=0x39 | 0x41..=0x5a | 0x61..=0x7a) => 8,
        // Greek, as in γ-GTP.
        (0x26, 0x21..=0x38 | 0x41..=0x58) => 5,
        (0x22 | 0x2d, _) | (0x30..=0x4e, _) | (0x4f, 0x21..=0x53) => 12,
        (0x27, 0x21..=0x41 | 0x51..=0x71) | (0x28, 0x21..=0x40) => 14,
        // 浣涎滲漿漲渕洸洙洵滉溪滿涕洟: what hospitals and names write of the row that begins like ^.
        (0x5e, 0x26 | 0x2b | 0x2c | 0x2d | 0x31 | 0x37 | 0x38 | 0x3c) => 0,
        (0x5e, 0x60 | 0x64 | 0x66 | 0x79 | 0x7a | 0x7d) => 0,
        (0x5e, _) => 20,
        // 髙.
        (0x7c, 0x62) => 2,
        (0x50..=0x73, _) | (0x74, 0x21..=0x26) => 16,
        (0x79..=0x7c, _) => 18,
        _ => BAD,
    }
}

/// ASCII as it stands in coded fields.
const fn letter(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => 4,
        b'A'..=b'Z' => 5,
        b'a'..=b'z' | b'.' | b'-' | b'/' | b':' | b'_' | b'+' | b'=' => 6,
        0..=0x20 => 3,
        0x80.. => BAD,
        _ => 11,
    }
}

/// Voice marks have the codes of ^ and _, and stand only behind some kana. Several in a row are separators; one
/// before another separator is none, because nobody writes an empty last component.
fn kana(byte: u8, before: Option<u8>, after: Option<u8>, separators: [u8; 4]) -> u32 {
    let voiced = match byte {
        0x5e => matches!(before, Some(0x33 | 0x36..=0x44 | 0x4a..=0x4e)),
        0x5f => matches!(before, Some(0x4a..=0x4e)),
        _ => return 5,
    };
    match after {
        _ if !voiced => 15,
        Some(0x5e | 0x5f) => 15,
        Some(next) if separators.contains(&next) => 0,
        _ => 3,
    }
}

/// Where the search is: in the set, behind separators with what follows open, or in ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Set,
    Behind,
    Ascii,
}

/// The cheapest way to a place.
#[derive(Clone, Copy)]
struct Way {
    cost: u32,
    step: Step,
    from: At,
}

const NOWHERE: Way = Way { cost: NEVER, step: Step::Bad, from: At::Set };

/// Ways to every byte of a run.
struct Ways {
    set: Vec<Way>,
    behind: Vec<Way>,
    ascii: Vec<Way>,
}

impl Ways {
    fn new(length: usize) -> Self {
        let none = || vec![NOWHERE; length + 2];
        let mut ways = Self { set: none(), behind: none(), ascii: none() };
        ways.set[0].cost = 0;
        ways
    }

    fn of(&self, place: At) -> &[Way] {
        match place {
            At::Set => &self.set,
            At::Behind => &self.behind,
            At::Ascii => &self.ascii,
        }
    }

    fn cost(&self, place: At, at: usize) -> u32 {
        self.of(place)[at].cost
    }

    fn take(&mut self, to: At, at: usize, way: Way) {
        let ways = match to {
            At::Set => &mut self.set,
            At::Behind => &mut self.behind,
            At::Ascii => &mut self.ascii,
        };
        if way.cost < ways[at].cost {
            ways[at] = way;
        }
    }

    fn walk_back(&self, end: usize, last: At) -> Vec<Step> {
        let mut steps = Vec::with_capacity(end);
        let (mut at, mut place) = (end, last);
        while at > 0 {
            let way = self.of(place)[at];
            steps.push(way.step);
            at -= way.step.length();
            place = way.from;
        }
        steps.reverse();
        steps
    }
}

/// Reads a run.
pub(super) fn parse(text: &[u8], mode: Mode, ending: Ending, separators: [u8; 4]) -> Parsed {
    let weighed = text.len().min(WEIGHED);
    let whole = weighed == text.len();
    let sound = ending == Ending::Closed && super::is_sound(text, mode, ending, separators);
    let goes_on = if sound { GOES_ON_IN_SOUND } else { GOES_ON };
    let mut ways = Ways::new(weighed);
    for at in 0..weighed {
        let byte = text[at];
        let is_separator = separators.contains(&byte);
        for (from, extra) in [(At::Set, 0), (At::Behind, goes_on)] {
            let here = ways.cost(from, at);
            if here >= NEVER {
                continue;
            }
            if is_separator {
                let cost = here + SEPARATOR + if at == 0 { AT_ONCE } else { 0 };
                ways.take(At::Behind, at + 1, Way { cost, step: Step::Separator, from });
            }
            if text[at..weighed].starts_with(BREAK) {
                let way = Way { cost: here + SEPARATOR, step: Step::Break, from };
                ways.take(At::Behind, at + BREAK.len(), way);
            }
            let here = here + extra;
            if let Some((length, cost)) = unit(&text[at..], mode) {
                let cost = match mode {
                    Mode::Kana if byte > 0x20 => {
                        let before = at.checked_sub(1).map(|before| text[before]);
                        kana(byte, before, text.get(at + 1).copied(), separators)
                    }
                    _ => cost,
                };
                let step = if length == 2 { Step::Pair } else { Step::One };
                ways.take(At::Set, at + length, Way { cost: here + cost, step, from });
            } else if whole && at + 1 == text.len() && ending == Ending::Line && (0x21..=0x7e).contains(&byte)
            {
                ways.take(At::Set, at + 1, Way { cost: here + CUT, step: Step::One, from });
            }
            ways.take(At::Set, at + 1, Way { cost: here + BAD + 2, step: Step::Bad, from });
        }
        for from in [At::Behind, At::Ascii] {
            let here = ways.cost(from, at);
            let (step, cost) =
                if is_separator { (Step::Separator, SEPARATOR) } else { (Step::Letter, letter(byte)) };
            if here < NEVER {
                ways.take(At::Ascii, at + 1, Way { cost: here + cost, step, from });
            }
        }
    }
    let ends = [
        (At::Set, ways.cost(At::Set, weighed).saturating_add(if ending == Ending::Again { 2 } else { 0 })),
        (At::Behind, ways.cost(At::Behind, weighed)),
        (
            At::Ascii,
            ways.cost(At::Ascii, weighed).saturating_add(if ending == Ending::Closed {
                CLOSED_TWICE
            } else {
                0
            }),
        ),
    ];
    let (last, cost) = ends.into_iter().min_by_key(|(_, cost)| *cost).unwrap_or((At::Set, 0));
    // Where what is weighed ends inside a character, that character still belongs to it.
    let inside = !whole && ways.cost(At::Set, weighed + 1) < cost;
    let (end, last) = if inside { (weighed + 1, At::Set) } else { (weighed, last) };
    let steps = ways.walk_back(end, last);
    let first = steps.iter().position(|s| matches!(s, Step::Separator | Step::Break));
    let resumed = first.is_some_and(|first| {
        steps[first..].iter().any(|s| matches!(s, Step::Pair))
            || (mode == Mode::Kana && resumes(&steps, text, first))
    });
    Parsed { ends_in_ascii: last != At::Set, has_separator: first.is_some(), resumed, steps }
}

/// Kana after a separator, not only blanks.
fn resumes(steps: &[Step], text: &[u8], first: usize) -> bool {
    let mut at = 0;
    steps.iter().enumerate().any(|(number, step)| {
        let byte = text[at];
        at += step.length();
        number > first && *step == Step::One && byte > 0x20
    })
}
