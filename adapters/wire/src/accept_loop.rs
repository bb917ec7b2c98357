//! The accept loop: a permit is taken before accepting and given back by drop, one peer cannot take
//! all permits, errors of accept back off, and shutdown waits for the connections that are open.
//! It never reads or writes a byte of the protocol.

use crate::crowd::Crowd;
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many connections are served at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In all.
    pub max_connections: usize,
    /// From one address. Loopback is not limited by it: relays and tunnels end there.
    pub max_per_peer: usize,
}

/// Seconds that open connections get to finish after shutdown was asked.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves `listener` until `shutdown`, then waits for open connections, at most 20 s. The handler gets
/// the token too: an idle session should end when it is cancelled, a busy one finish its message.
pub async fn serve<H, F>(listener: TcpListener, limits: Limits, shutdown: CancellationToken, handler: H)
where
    H: Fn(TcpStream, SocketAddr, CancellationToken) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    serve_in(listener, limits, &Crowd::default(), shutdown, handler).await;
}

/// [`serve`], telling `crowd` how full it is.
pub async fn serve_in<H, F>(
    listener: TcpListener,
    limits: Limits,
    crowd: &Crowd,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(TcpStream, SocketAddr, CancellationToken) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let peers = Arc::new(Peers::default());
    let open = TaskTracker::new();
    let mut pause = Duration::from_millis(10);
    loop {
        let permit = tokio::select! {
            () = shutdown.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => match permit {
                Ok(permit) => permit,
                Err(_) => break,
            },
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = Duration::from_millis(10);
                let Some(place) = peers.enter(peer.ip(), limits.max_per_peer) else {
                    tracing::warn!(peer = %peer.ip(), "wire.accept: too many connections from one peer, closed");
                    continue;
                };
                let _ = stream.set_nodelay(true);
                crowd.tell(permits.available_permits(), limits.max_connections);
                let (places, crowd) = (Arc::clone(&permits), crowd.clone());
                // In a place of its own: a future that is moved into another one takes its size twice there.
                let work = Box::pin(handler(stream, peer, shutdown.clone()));
                open.spawn(async move {
                    work.await;
                    drop(place);
                    drop(permit);
                    crowd.tell(places.available_permits(), limits.max_connections);
                });
            }
            Err(error) => {
                // Out of file descriptors and the like: waiting is the only remedy.
                tracing::warn!(%error, pause_ms = pause.as_millis(), "wire.accept: accept failed, pausing");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(DRAIN, open.wait()).await.is_err() {
        tracing::warn!(open = open.len(), "wire.accept: connections still open after the drain time");
    }
}

#[derive(Debug, Default)]
struct Peers(Mutex<HashMap<IpAddr, usize>>);

struct Place {
    peers: Arc<Peers>,
    ip: IpAddr,
}

impl Peers {
    fn enter(self: &Arc<Self>, ip: IpAddr, max: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_insert(0);
        if *count >= max && !ip.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place { peers: Arc::clone(self), ip })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn serves_and_drains() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let limits = Limits { max_connections: 2, max_per_peer: 2 };
        let server = tokio::spawn(serve(listener, limits, shutdown.clone(), |mut stream, _, _| async move {
            let mut byte = [0];
            if stream.read_exact(&mut byte).await.is_ok() {
                let _ = stream.write_all(&byte).await;
            }
        }));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"x").await.unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"x");
        let mut late = TcpStream::connect(address).await.unwrap();
        tokio::task::yield_now().await;
        shutdown.cancel();
        // A connection that was accepted before the shutdown still gets its answer.
        let _ = late.write_all(b"y").await;
        server.await.unwrap();
    }

    #[test]
    fn a_peer_cannot_take_all_places() {
        let peers = Arc::new(Peers::default());
        let far: IpAddr = "203.0.113.9".parse().unwrap();
        let first = peers.enter(far, 1);
        assert!(first.is_some());
        assert!(peers.enter(far, 1).is_none());
        drop(first);
        assert!(peers.enter(far, 1).is_some());
    }
}
