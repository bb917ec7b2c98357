//! A Mosquitto of a test's own, and a tap between a client and the broker that counts what the client
//! confirms.

use crate::wait;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A broker.
pub struct Broker {
    program: Child,
    port: u16,
    _folder: TempDir,
}

impl Broker {
    /// Starts one. `None`, and a line that says so, where Mosquitto is not installed.
    ///
    /// # Panics
    /// It is installed but does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let found = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|p| std::path::Path::new(p).exists());
        let Some(program) = found else {
            println!("MQTT was not tried: mosquitto is not installed");
            return None;
        };
        let port = free_port();
        let folder = TempDir::new().ok()?;
        let file = folder.path().join("mosquitto.conf");
        let settings = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n");
        std::fs::write(&file, settings).ok()?;
        let program =
            Command::new(program).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let program = program.unwrap_or_else(|e| panic!("mosquitto: {e}"));
        wait::until("mosquitto", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(Self { program, port, _folder: folder })
    }

    /// Publishes with QoS 1 and waits until the broker has it.
    ///
    /// # Panics
    /// The broker does not take it.
    pub fn publish(&self, topic: &str, payload: &str) {
        let mut options =
            rumqttc::MqttOptions::new(format!("test-{:08x}", rand::random::<u32>()), "127.0.0.1", self.port);
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut connection) = rumqttc::Client::new(options, 10);
        let published = client.publish(topic, rumqttc::QoS::AtLeastOnce, false, payload.as_bytes());
        published.unwrap_or_else(|e| panic!("publish: {e}"));
        for event in connection.iter() {
            match event {
                Ok(rumqttc::Event::Incoming(rumqttc::Packet::PubAck(_))) => return,
                Ok(_) => {}
                Err(error) => panic!("publish: {error}"),
            }
        }
    }

    /// A tap in front of the broker.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn tap(&self) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("tap: {e}"));
        let port = listener.local_addr().map_or(0, |a| a.port());
        let confirmed = Arc::new(AtomicUsize::new(0));
        let (counted, broker) = (Arc::clone(&confirmed), self.port);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
                let (Ok(near_back), Ok(far_back)) = (client.try_clone(), far.try_clone()) else { continue };
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || forward(client, far, Some(&counted)));
                std::thread::spawn(move || forward(far_back, near_back, None));
            }
        });
        Tap { port, confirmed }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// A tap.
pub struct Tap {
    /// Where the client connects.
    pub port: u16,
    confirmed: Arc<AtomicUsize>,
}

impl Tap {
    /// How many PUBACK the client has sent.
    #[must_use]
    pub fn confirmed(&self) -> usize {
        self.confirmed.load(Ordering::SeqCst)
    }
}

/// Copies until one side ends, and then ends the other.
fn forward(mut from: TcpStream, mut to: TcpStream, count: Option<&AtomicUsize>) {
    let mut counter = Counter::default();
    let mut buffer = [0; 16 * 1024];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        if let Some(count) = count {
            count.fetch_add(counter.feed(&buffer[..n]), Ordering::SeqCst);
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Counts PUBACK (MQTT 3.1.1, section 3.4) in a stream of packets.
#[derive(Default)]
struct Counter {
    pending: Vec<u8>,
}

impl Counter {
    fn feed(&mut self, bytes: &[u8]) -> usize {
        self.pending.extend_from_slice(bytes);
        let mut found = 0;
        while let Some(length) = packet_length(&self.pending) {
            if self.pending.len() < length {
                break;
            }
            found += usize::from(self.pending[0] >> 4 == 4);
            self.pending.drain(..length);
        }
        found
    }
}

/// Length of the first packet with its fixed header (MQTT 3.1.1, section 2.2.3).
fn packet_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = 0;
    for (place, byte) in bytes.iter().skip(1).take(4).enumerate() {
        rest |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(2 + place + rest);
        }
    }
    None
}

/// A port that nobody listens on now.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    bound.unwrap_or_else(|e| panic!("no free port: {e}")).port()
}
