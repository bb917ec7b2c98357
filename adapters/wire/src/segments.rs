//! How large the segments are that a listener asks for. It never sees what they carry.

use socket2::SockRef;
use tokio::net::TcpListener;

/// Bytes of a segment in a frame of an Ethernet over IPv4: 1,500 less two headers (RFC 6691).
const ETHERNET: u32 = 1_460;

/// Peers on the same host shall send as over a network. The loopback offers segments of 64 KiB, and Postfix sizes the buffers
/// of a connection by twice the segment and fills them before use, which is a large part of what a short mail costs it
/// (docs/figures.md). What goes over a real network is no larger anyway.
pub fn as_over_ethernet(listener: &TcpListener) {
    if let Err(error) = SockRef::from(listener).set_tcp_mss(ETHERNET) {
        tracing::debug!(%error, "wire.segments: the system keeps its own size");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_peer_on_the_same_host_sends_as_over_a_network() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        as_over_ethernet(&listener);
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let size = SockRef::from(&client).tcp_mss().unwrap();
        assert!((500..=ETHERNET).contains(&size), "{size}");
    }
}
