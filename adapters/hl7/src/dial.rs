//! Reaching a hospital's listener: TCP, and TLS where the profile names an authority (hl7.md 2.3). One place
//! for the inbox and for application answers, so that both trust the same way. It opens connections and
//! never sends anything.

use crate::send::profile::OutboxTls;
use kakehashi_core::port::SendFault;
use kakehashi_wire::tls::{self, ClientConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Longest wait for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A connection, with TLS or without.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Where a listener of the hospital is and how it is reached.
#[derive(Clone)]
pub struct Dial {
    address: String,
    secure: Option<(Arc<ClientConfig>, String)>,
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dial").field("address", &self.address).field("tls", &self.secure.is_some()).finish()
    }
}

impl Dial {
    /// A listener at `HOST:PORT`, with TLS from the first byte where files are given.
    ///
    /// # Errors
    /// A certificate file cannot be used; the fault names it.
    pub fn new(address: &str, files: Option<&OutboxTls>) -> Result<Self, tls::TlsFault> {
        let secure = match files {
            None => None,
            Some(files) => {
                let own = files.certificate.as_deref().zip(files.key.as_deref());
                let config = tls::client_config(&files.authority, own)?;
                Some((config, files.host.clone().unwrap_or_else(|| host_of(address).to_owned())))
            }
        };
        Ok(Self { address: address.to_owned(), secure })
    }

    /// `HOST:PORT`, for logs and findings.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// Nobody listens, not in time, or the certificate is not trusted; nothing has left then.
    pub async fn connect(&self) -> Result<Box<dyn Stream>, SendFault> {
        let address = self.address.as_str();
        let stream = match tokio::time::timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(SendFault::Unreachable(format!("{address}: {error}"))),
            Err(_) => return Err(SendFault::Unreachable(format!("{address}: no connection in time"))),
        };
        // Messages are small and answered one by one: waiting to fill a packet only costs time.
        let _ = stream.set_nodelay(true);
        let Some((config, host)) = &self.secure else { return Ok(Box::new(stream)) };
        match tls::connect(config, host, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(SendFault::Tls(format!("{host}: {error}"))),
        }
    }
}

/// The host of `HOST:PORT`, without the brackets of an IPv6 address.
#[must_use]
pub fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_is_what_the_certificate_names() {
        for (address, host) in [
            ("10.20.0.5:2576", "10.20.0.5"),
            ("his.example:2576", "his.example"),
            ("[2001:db8::5]:2576", "2001:db8::5"),
            ("his", "his"),
        ] {
            assert_eq!(host_of(address), host);
        }
    }
}
