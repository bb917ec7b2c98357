//! Application answers to the sender's own listener: over TLS, in order, again after a restart, and only
//! to a listener whose certificate is trusted.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use kakehashi_core::link::LinkMemory;
use kakehashi_hl7::dial::Dial;
use kakehashi_hl7::framing::{Decoder, FrameEvent, frame};
use kakehashi_hl7::listen::later::LaterAnswers;
use kakehashi_hl7::listen::memory::PassingMemory;
use kakehashi_hl7::send::profile::OutboxTls;
use kakehashi_wire::tls::{self, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct Certificate {
    chain: PathBuf,
    key: PathBuf,
}

fn certificate(folder: &Path, name: &str) -> Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Certificate { chain, key }
}

fn trusting(authority: &Path) -> OutboxTls {
    OutboxTls {
        authority: authority.to_owned(),
        certificate: None,
        key: None,
        host: Some("localhost".to_owned()),
    }
}

/// One answer taken over TLS, acknowledged with `code`.
async fn take(listener: &TcpListener, config: &Arc<ServerConfig>, code: &str) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tls::accept(config, stream).await.unwrap();
    let mut decoder = Decoder::new(10_000, false);
    let mut chunk = [0; 4096];
    loop {
        let taken = stream.read(&mut chunk).await.unwrap();
        assert!(taken > 0, "closed before a whole answer came");
        let mut events = Vec::new();
        decoder.feed(&chunk[..taken], &mut events);
        if let Some(FrameEvent::Frame { bytes, .. }) = events.into_iter().next() {
            let reply = format!("MSH|^~\\&|C|D|A|B|2026||ACK|9|P|2.5\rMSA|{code}|x\r");
            stream.write_all(&frame(reply.as_bytes())).await.unwrap();
            stream.flush().await.unwrap();
            return String::from_utf8(bytes).unwrap().trim_end().to_owned();
        }
    }
}

async fn owed(memory: &PassingMemory) -> Option<String> {
    memory.owed("sakurami").await.unwrap().map(|o| String::from_utf8(o.bytes).unwrap())
}

#[tokio::test]
async fn they_travel_over_tls_and_outlast_the_listener() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = certificate(folder.path(), "hospital");
    let config = tls::server_config(&hospital.chain, &hospital.key, None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dial = Dial::new(&address, Some(&trusting(&hospital.chain))).unwrap();
    let memory = Arc::new(PassingMemory::default());
    // Owed by a program that has ended since.
    memory.owe("sakurami", &"I1".into(), b"MSH|^~\\&|first").await.unwrap();
    let stop = CancellationToken::new();
    let kept: Arc<dyn LinkMemory> = Arc::clone(&memory) as _;
    let later = LaterAnswers::to(dial, "sakurami", kept, stop.clone());
    later.send(&"I2".into(), b"MSH|^~\\&|second").await.unwrap();
    assert_eq!(take(&listener, &config, "CA").await, "MSH|^~\\&|first");
    // The first connection ended with `take`; the second answer finds its way by a new one.
    assert_eq!(take(&listener, &config, "AR").await, "MSH|^~\\&|second");
    stop.cancel();
    assert_eq!(owed(&memory).await, None, "taken and refused answers are not offered again");
}

#[tokio::test]
async fn nothing_leaves_to_a_listener_that_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = certificate(folder.path(), "hospital");
    let stranger = certificate(folder.path(), "stranger");
    let config = tls::server_config(&stranger.chain, &stranger.key, None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dial = Dial::new(&address, Some(&trusting(&hospital.chain))).unwrap();
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        tls::accept(&config, stream).await.is_err()
    };
    let (fault, refused) = tokio::join!(dial.connect(), accepting);
    let words = fault.err().unwrap().to_string();
    assert!(words.contains("localhost"), "{words}");
    assert!(refused);
    assert!(Dial::new(&address, Some(&trusting(&hospital.key))).is_err(), "a key is no authority");
    tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.unwrap_err();
}
