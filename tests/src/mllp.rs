//! An MLLP client that knows nothing of ours: frames, sends, reads one answer.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection.
pub struct Mllp(TcpStream);

impl Mllp {
    /// Connects.
    ///
    /// # Errors
    /// As the network says.
    pub fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends one message and reads its answer. `None` if the connection was closed without one.
    ///
    /// # Errors
    /// As the network says; a time-out is an error.
    pub fn exchange(&mut self, message: &[u8]) -> std::io::Result<Option<String>> {
        self.send(message)?;
        self.answer()
    }

    /// Sends one message.
    ///
    /// # Errors
    /// As the network says.
    pub fn send(&mut self, message: &[u8]) -> std::io::Result<()> {
        let mut frame = Vec::with_capacity(message.len() + 3);
        frame.push(0x0b);
        frame.extend_from_slice(message);
        frame.extend_from_slice(b"\x1c\r");
        self.0.write_all(&frame)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// As the network says.
    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// As the network says.
    pub fn end(&mut self) -> std::io::Result<()> {
        match self.0.shutdown(std::net::Shutdown::Write) {
            // The other side was faster.
            Err(e) if e.kind() == std::io::ErrorKind::NotConnected => Ok(()),
            other => other,
        }
    }

    /// Reads one answer. `None` if the connection was closed.
    ///
    /// # Errors
    /// As the network says.
    pub fn answer(&mut self) -> std::io::Result<Option<String>> {
        let mut answer = Vec::new();
        let mut byte = [0];
        loop {
            match self.0.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
                Err(e) => return Err(e),
            }
            answer.push(byte[0]);
            if answer.ends_with(b"\x1c\r") {
                let text = &answer[..answer.len() - 2];
                return Ok(Some(String::from_utf8_lossy(text).trim_start_matches('\u{b}').to_owned()));
            }
        }
    }
}

/// A minimal ADT with this control id, for load and crash tests.
#[must_use]
pub fn admission(control_id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|20260609102000||ADT^A01^ADT_A01|{control_id}|P|2.5||||||UNICODE UTF-8\r\
         EVN||20260609102000\r\
         PID|0001||99{control_id}^^^^PI||試験^花子^^^^^L^I||19400101|F\r\
         PV1|0001|I|5E^512^2||||||||||||||||||||||||||||||||||||||||20260609101500\r"
    )
    .into_bytes()
}
