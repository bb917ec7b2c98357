//! The outside world's mail server: takes everything that the gateway hands over for mail and FAX, keeps
//! it in order, answers as a relay does and sends nothing on.

use crate::caught::Caught;
use crate::wait;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A relay on loopback. Its threads end with the test.
#[derive(Clone)]
pub struct Relay {
    port: u16,
    taken: Arc<Mutex<Vec<Caught>>>,
    silence: Arc<AtomicU8>,
}

/// From when on a relay says nothing more, without closing the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Silence {
    /// It talks.
    Never,
    /// It takes connections and does not greet.
    FromTheStart,
    /// It takes a message and does not answer.
    AfterMessage,
}

impl Relay {
    /// Starts one.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("relay: {e}"));
        let port = listener.local_addr().map_or(0, |a| a.port());
        let relay = Self { port, taken: Arc::default(), silence: Arc::default() };
        let shared = relay.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let relay = shared.clone();
                std::thread::spawn(move || {
                    // A client that leaves in the middle leaves nothing behind.
                    let _ = relay.session(client);
                });
            }
        });
        relay
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was taken, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Caught> {
        self.lock().clone()
    }

    /// What went to this address or FAX number, oldest first.
    #[must_use]
    pub fn to(&self, recipient: &str) -> Vec<Caught> {
        self.all().into_iter().filter(|c| c.is_to(recipient)).collect()
    }

    /// Waits until `count` things went to this address or FAX number.
    ///
    /// # Panics
    /// They did not within half a minute.
    #[must_use]
    pub fn wait(&self, recipient: &str, count: usize) -> Vec<Caught> {
        wait::until(&format!("{count} deliveries to {recipient}"), Duration::from_secs(40), || {
            let found = self.to(recipient);
            (found.len() >= count).then_some(found)
        })
    }

    /// From now on, for connections that are open too.
    pub fn falls_silent(&self, silence: Silence) {
        self.silence.store(silence as u8, Ordering::SeqCst);
    }

    fn is_silent(&self, silence: Silence) -> bool {
        self.silence.load(Ordering::SeqCst) == silence as u8
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Caught>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?);
        if self.is_silent(Silence::FromTheStart) {
            return lines.read_to_end(&mut Vec::new()).map(|_| ());
        }
        stream.write_all(b"220 relay.example ready\r\n")?;
        let mut to: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_ascii_uppercase();
            let reply: &[u8] = if command.starts_with("EHLO") {
                b"250-relay.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
            } else if command.starts_with("MAIL") || command.starts_with("RSET") {
                to.clear();
                b"250 OK\r\n"
            } else if command.starts_with("RCPT") {
                to.extend(
                    line.split_once('<').and_then(|(_, r)| r.split_once('>')).map(|(a, _)| a.to_owned()),
                );
                b"250 OK\r\n"
            } else if command == "DATA" {
                stream.write_all(b"354 go on\r\n")?;
                let bytes = data(&mut lines)?;
                self.lock().push(Caught { to: to.clone(), bytes });
                if self.is_silent(Silence::AfterMessage) {
                    return lines.read_to_end(&mut Vec::new()).map(|_| ());
                }
                b"250 OK taken\r\n"
            } else if command == "QUIT" {
                stream.write_all(b"221 bye\r\n")?;
                return Ok(());
            } else {
                b"250 OK\r\n"
            };
            stream.write_all(reply)?;
        }
    }
}

/// The lines of a message up to the single dot, leading dots taken off.
fn data(lines: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(bytes);
        }
        bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
