//! The sequence number protocol of HL7 chapter 2 (MSH-13, MSA-4), per sending application and facility.
//! What is expected is kept in memory only: after a restart, or after a message that could not be stored,
//! the next number is taken as it comes, because refusing everything would lose more than a gap does.

use crate::header::Header;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Links that are remembered; more than that many senders on one interface are none.
const MAX_LINKS: usize = 1_000;

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is its turn, or the link is new. The number that is expected next.
    Next(i64),
    /// 0: the sender asks which number is expected; -1 where nothing is known.
    Asked(i64),
    /// The number before: a repetition.
    Again(i64),
    /// Out of turn; what is expected.
    Wrong(i64),
}

impl Turn {
    /// For MSA-4.
    #[must_use]
    pub const fn expected(self) -> i64 {
        match self {
            Self::Next(n) | Self::Asked(n) | Self::Again(n) | Self::Wrong(n) => n,
        }
    }
}

/// MSH-3 and MSH-4 as written.
type Link = (Vec<u8>, Vec<u8>);

/// All links of one interface, each with the number that is expected next.
#[derive(Debug, Default)]
pub struct Links(Mutex<HashMap<Link, i64>>);

impl Links {
    /// Judges MSH-13 and counts on. `None` if there is no number.
    #[must_use]
    pub fn see(&self, header: &Header<'_>) -> Option<Turn> {
        let number: i64 = header.text(13, 1).parse().ok().filter(|n| (0..i64::MAX).contains(n))?;
        let link = (header.field(3).to_vec(), header.field(4).to_vec());
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = links.get(&link).copied();
        let turn = match (number, known) {
            (0, known) => return Some(Turn::Asked(known.unwrap_or(-1))),
            (n, Some(expected)) if n == expected - 1 => Turn::Again(expected),
            (n, Some(expected)) if n != expected => Turn::Wrong(expected),
            (n, _) => Turn::Next(n + 1),
        };
        if let Turn::Next(next) = turn {
            if links.len() >= MAX_LINKS && !links.contains_key(&link) {
                links.clear();
            }
            links.insert(link, next);
        }
        Some(turn)
    }

    /// Something that had its turn was not stored: whatever comes next is taken.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_turn() {
        let links = Links::default();
        let see = |sender: &str, number: &str| {
            let message = format!("MSH|^~\\&|{sender}|S|GW|C|2026||ADT^A01|1|P|2.5|{number}\r");
            links.see(&Header::find(message.as_bytes()).unwrap())
        };
        assert_eq!(see("A", ""), None);
        assert_eq!(see("A", "0"), Some(Turn::Asked(-1)));
        assert_eq!(see("A", "41"), Some(Turn::Next(42)));
        assert_eq!(see("A", "42"), Some(Turn::Next(43)));
        assert_eq!(see("A", "42"), Some(Turn::Again(43)));
        assert_eq!(see("A", "45"), Some(Turn::Wrong(43)));
        assert_eq!(see("A", "0"), Some(Turn::Asked(43)));
        assert_eq!(see("B", "7"), Some(Turn::Next(8)));
        links.forget();
        assert_eq!(see("A", "45"), Some(Turn::Next(46)));
    }
}
