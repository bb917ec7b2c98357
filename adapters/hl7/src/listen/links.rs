//! The sequence number protocol of HL7 chapter 2 (MSH-13, MSA-4), per sending application and facility.
//! What is expected lies in the memory of the link and is counted on there only when a message is durable:
//! after a restart, or after a message that could not be stored, the sender goes on where it was.

use crate::header::Header;
use kakehashi_core::link::{LinkFault, LinkMemory, LinkSender};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Links that are remembered; more than that many senders on one interface are none.
const MAX_LINKS: usize = 1_000;
/// Characters of MSH-3 and MSH-4 that tell senders apart.
const MAX_NAME: usize = 180;

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

/// All links of one interface, each with the number that is expected next.
pub struct Links {
    interface: String,
    memory: Arc<dyn LinkMemory>,
    /// `None` until they were read from the memory.
    known: Mutex<Option<HashMap<LinkSender, i64>>>,
}

impl Links {
    /// The links of an interface.
    #[must_use]
    pub fn new(interface: &str, memory: Arc<dyn LinkMemory>) -> Self {
        Self { interface: interface.to_owned(), memory, known: Mutex::default() }
    }

    /// Reads what is expected, if that is not known here.
    ///
    /// # Errors
    /// The memory does not answer.
    pub async fn load(&self) -> Result<(), LinkFault> {
        if self.with(|known| known.is_some()) {
            return Ok(());
        }
        let read = self.memory.expected(&self.interface).await?.into_iter().collect();
        self.with(|known| {
            known.get_or_insert(read);
        });
        Ok(())
    }

    /// Judges MSH-13 and counts on. `None` if there is no number.
    #[must_use]
    pub fn see(&self, header: &Header<'_>) -> Option<Turn> {
        let number: i64 = header.text(13, 1).parse().ok().filter(|n| (0..i64::MAX).contains(n))?;
        let link = sender(header);
        self.with(|known| {
            let links = known.get_or_insert_default();
            let turn = match (number, links.get(&link).copied()) {
                (0, known) => Turn::Asked(known.unwrap_or(-1)),
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
        })
    }

    /// A message that had its turn is durable: its sender goes on at `next`, also after a restart.
    ///
    /// # Errors
    /// It could not be kept: the message must not be acknowledged.
    pub async fn keep(&self, sender: &LinkSender, next: i64) -> Result<(), LinkFault> {
        self.memory.expect(&self.interface, sender, next).await
    }

    /// Something that had its turn was not stored: what is expected is read again.
    pub fn forget(&self) {
        self.with(|known| *known = None);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<HashMap<LinkSender, i64>>) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// MSH-3 and MSH-4 as written.
#[must_use]
pub fn sender(header: &Header<'_>) -> LinkSender {
    let name =
        |n| String::from_utf8_lossy(header.field(n)).replace('\0', "").chars().take(MAX_NAME).collect();
    LinkSender { application: name(3), facility: name(4) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::memory::PassingMemory;

    #[tokio::test]
    async fn numbers_come_in_turn_and_survive_a_restart() {
        let memory = Arc::new(PassingMemory::default());
        let links = Links::new("sakurami", Arc::clone(&memory) as _);
        let message = |sender: &str, number: &str| {
            format!("MSH|^~\\&|{sender}|S|GW|C|2026||ADT^A01|1|P|2.5|{number}\r")
        };
        let see = |links: &Links, from: &str, number: &str| {
            links.see(&Header::find(message(from, number).as_bytes()).unwrap())
        };
        links.load().await.unwrap();
        assert_eq!(see(&links, "A", ""), None);
        assert_eq!(see(&links, "A", "0"), Some(Turn::Asked(-1)));
        assert_eq!(see(&links, "A", "41"), Some(Turn::Next(42)));
        assert_eq!(see(&links, "A", "42"), Some(Turn::Next(43)));
        assert_eq!(see(&links, "A", "42"), Some(Turn::Again(43)));
        assert_eq!(see(&links, "A", "45"), Some(Turn::Wrong(43)));
        assert_eq!(see(&links, "A", "0"), Some(Turn::Asked(43)));
        assert_eq!(see(&links, "B", "7"), Some(Turn::Next(8)));
        // 41 became durable, 42 did not: 42 is expected again, here and in the next program.
        let text = message("A", "41");
        links.keep(&sender(&Header::find(text.as_bytes()).unwrap()), 42).await.unwrap();
        links.forget();
        let next = Links::new("sakurami", memory);
        for links in [links, next] {
            links.load().await.unwrap();
            assert_eq!(see(&links, "A", "45"), Some(Turn::Wrong(42)));
            assert_eq!(see(&links, "A", "42"), Some(Turn::Next(43)));
        }
    }
}
