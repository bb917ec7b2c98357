//! An SMTP client that knows nothing of ours: one line out, one reply in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One session after the greeting.
pub struct Smtp {
    write: TcpStream,
    read: BufReader<TcpStream>,
}

impl Smtp {
    /// Connects, reads the greeting and says EHLO.
    ///
    /// # Errors
    /// As the network says.
    pub fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let write = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        write.set_read_timeout(Some(Duration::from_secs(30)))?;
        write.set_nodelay(true)?;
        let read = BufReader::new(write.try_clone()?);
        let mut session = Self { write, read };
        session.reply()?;
        session.say("EHLO client.example")?;
        Ok(session)
    }

    /// Sends one line and reads the reply, all lines of it.
    ///
    /// # Errors
    /// As the network says.
    pub fn say(&mut self, line: &str) -> std::io::Result<String> {
        self.write.write_all(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// As the network says.
    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write.write_all(bytes)
    }

    /// Reads one reply.
    ///
    /// # Errors
    /// As the network says; a closed connection is an error.
    pub fn reply(&mut self) -> std::io::Result<String> {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.read.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(&line);
            if last {
                return Ok(reply.trim_end().to_owned());
            }
        }
    }

    /// One mail. Returns the last reply, be it yes or no.
    ///
    /// # Errors
    /// As the network says.
    pub fn mail(&mut self, from: &str, to: &str, message: &[u8]) -> std::io::Result<String> {
        for line in [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"), "DATA".to_owned()] {
            let reply = self.say(&line)?;
            if !reply.starts_with('2') && !reply.starts_with('3') {
                self.say("RSET")?;
                return Ok(reply);
            }
        }
        self.write.write_all(&on_the_wire(message))?;
        self.write.write_all(b".\r\n")?;
        self.reply()
    }
}

/// A message as SMTP carries it: CRLF line ends, leading dots doubled, ends with CRLF.
#[must_use]
pub fn on_the_wire(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    let mut lines: Vec<&[u8]> = message.split(|b| *b == b'\n').collect();
    if lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out
}
