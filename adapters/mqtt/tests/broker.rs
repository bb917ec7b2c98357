//! Against a real Mosquitto on a free port: durable first, PUBACK after; what the desk cannot take comes
//! again. Skipped with a line where the program is not installed.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_core::clock::SystemClock;
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, RawIntake, RecipientAnswer, Refusal};
use kakehashi_core::vocabulary::Channel;
use kakehashi_mqtt::{MqttConfig, serve};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use std::collections::HashSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

const FILTER: &str = "kakehashi/sakurami/care-notes/+";
const TOPIC: &str = "kakehashi/sakurami/care-notes/t-7q2m";

/// A broker of our own, ended when dropped.
struct Broker {
    port: u16,
    program: Child,
    _dir: tempfile::TempDir,
}

async fn broker(extra: &str) -> Option<Broker> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    broker_on(port, extra).await
}

async fn broker_on(port: u16, extra: &str) -> Option<Broker> {
    let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .iter()
        .find(|p| std::path::Path::new(p).exists());
    let Some(program) = program else {
        println!("skipped: mosquitto is not installed");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mosquitto.conf");
    let config = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n{extra}");
    std::fs::write(&file, config).unwrap();
    let program = Command::new(program)
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until(async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    Some(Broker { port, program, _dir: dir })
}

/// Waits for a condition, at most 20 seconds.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the condition did not come true in time");
}

#[derive(Default)]
struct State {
    durable: HashSet<String>,
    taken: Vec<RawIntake>,
    calls: usize,
    duplicates: usize,
    down: bool,
    refuses_over: Option<usize>,
    most_at_once: usize,
    at_once: usize,
}

#[derive(Clone, Default)]
struct Desk(Arc<Mutex<State>>);

impl Desk {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }
}

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            self.with(|s| {
                s.at_once += 1;
                s.most_at_once = s.most_at_once.max(s.at_once);
            });
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.with(|s| {
                s.at_once -= 1;
                s.calls += 1;
                if s.down {
                    return IntakeAnswer::TryLater("store is down".to_owned());
                }
                if let Some(limit) = s.refuses_over.filter(|limit| intake.bytes.len() > *limit) {
                    return IntakeAnswer::Refused(Refusal::TooLarge { limit_bytes: limit as u64 });
                }
                let id = IntakeId::new(intake.dedup_key.clone());
                if s.durable.insert(intake.dedup_key.clone()) {
                    s.taken.push(intake);
                    IntakeAnswer::Accepted(id)
                } else {
                    s.duplicates += 1;
                    IntakeAnswer::Duplicate(id)
                }
            })
        })
    }

    fn accepts_recipient<'a>(&'a self, _: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async { RecipientAnswer::NotOurs })
    }
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(15), self.task).await.unwrap().unwrap();
    }
}

fn start(port: u16, desk: &Desk) -> Running {
    let config = MqttConfig {
        port,
        topic: FILTER.to_owned(),
        max_packet_bytes: 64 * 1024,
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(200),
        ..MqttConfig::default()
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(config, Arc::new(desk.clone()), Arc::new(SystemClock), stop.clone()));
    Running { stop, task }
}

/// Publishes with QoS 1 and returns when the broker has all of it.
async fn publish(port: u16, messages: Vec<(&str, String)>) {
    let mut options = MqttOptions::new(format!("sender-{}", messages.len()), "127.0.0.1", port);
    options.set_max_packet_size(1024 * 1024, 64 * 1024 * 1024);
    let (client, mut events) = AsyncClient::new(options, messages.len() + 1);
    let mut left = messages.len();
    for (topic, payload) in messages {
        client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    }
    while left > 0 {
        if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.unwrap() {
            left -= 1;
        }
    }
}

/// Subscribes once so that the broker keeps a session even before anything is published.
async fn until_subscribed(port: u16, desk: &Desk) {
    let mut number = 0;
    until(async || {
        number += 1;
        publish(port, vec![(TOPIC, format!(r#"{{"note_id":"probe-{number}","body":"x"}}"#))]).await;
        desk.with(|s| s.calls > 0)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    desk.with(|s| {
        s.taken.clear();
        s.calls = 0;
        s.duplicates = 0;
    });
}

fn note(id: &str) -> String {
    format!(r#"{{"note_id":"{id}","group":"つばき01","body":"血圧 158/92"}}"#)
}

#[tokio::test]
async fn a_note_is_handed_in_once_and_confirmed() {
    let Some(broker) = broker("").await else { return };
    let desk = Desk::default();
    let running = start(broker.port, &desk);
    until_subscribed(broker.port, &desk).await;
    publish(broker.port, vec![(TOPIC, note("n-1")), (TOPIC, note("n-1")), (TOPIC, "not json".to_owned())])
        .await;
    until(async || desk.with(|s| s.calls >= 3)).await;
    running.stop().await;
    desk.with(|s| {
        assert_eq!((s.taken.len(), s.duplicates), (2, 1));
        let first = &s.taken[0];
        assert_eq!(first.channel, Channel::Mqtt);
        assert_eq!(first.origin.interface.as_deref(), Some("t-7q2m"));
        assert_eq!(first.sender_message_id.as_deref(), Some("n-1"));
        assert_eq!(first.dedup_key, "care_note:t-7q2m:note:n-1");
        assert_eq!(&*s.taken[1].bytes.whole().unwrap(), b"not json");
        s.calls = 0;
    });
    // Everything was confirmed: a new session of the same client gets nothing again.
    let running = start(broker.port, &desk);
    publish(broker.port, vec![(TOPIC, note("n-2"))]).await;
    until(async || desk.with(|s| s.taken.len() == 3)).await;
    running.stop().await;
    desk.with(|s| assert_eq!(s.calls, 1));
}

#[tokio::test]
async fn what_the_desk_cannot_take_comes_again() {
    let Some(broker) = broker("").await else { return };
    let desk = Desk::default();
    let running = start(broker.port, &desk);
    until_subscribed(broker.port, &desk).await;
    desk.with(|s| s.down = true);
    publish(broker.port, vec![(TOPIC, note("a")), (TOPIC, note("b"))]).await;
    until(async || desk.with(|s| s.calls >= 4)).await;
    desk.with(|s| {
        assert!(s.taken.is_empty());
        s.down = false;
    });
    until(async || desk.with(|s| s.taken.len() == 2)).await;
    running.stop().await;
}

#[tokio::test]
async fn what_arrives_while_we_are_away_is_kept() {
    let Some(broker) = broker("").await else { return };
    let desk = Desk::default();
    let running = start(broker.port, &desk);
    until_subscribed(broker.port, &desk).await;
    running.stop().await;
    publish(broker.port, vec![(TOPIC, note("while away"))]).await;
    let running = start(broker.port, &desk);
    until(async || desk.with(|s| s.taken.len() == 1)).await;
    running.stop().await;
}

#[tokio::test]
async fn a_broker_that_comes_back_is_found_again() {
    let Some(mut first) = broker("").await else { return };
    let desk = Desk::default();
    let running = start(first.port, &desk);
    until_subscribed(first.port, &desk).await;
    let port = first.port;
    first.program.kill().await.unwrap();
    let Some(_second) = broker_on(port, "").await else { return };
    // This broker kept nothing, so the subscription must have been made anew.
    until_subscribed(port, &desk).await;
    publish(port, vec![(TOPIC, note("after"))]).await;
    let after = |s: &mut State| s.taken.iter().any(|t| t.sender_message_id.as_deref() == Some("after"));
    until(async || desk.with(after)).await;
    running.stop().await;
}

#[tokio::test]
async fn many_notes_stand_at_the_desk_together() {
    let Some(broker) = broker("max_inflight_messages 100\n").await else { return };
    let desk = Desk::default();
    let running = start(broker.port, &desk);
    until_subscribed(broker.port, &desk).await;
    let notes: Vec<_> = (0..400).map(|n| (TOPIC, note(&format!("n-{n}")))).collect();
    publish(broker.port, notes).await;
    until(async || desk.with(|s| s.taken.len() == 400)).await;
    running.stop().await;
    desk.with(|s| {
        assert!(s.most_at_once > 8 && s.most_at_once <= 32, "{}", s.most_at_once);
        assert_eq!(s.duplicates, 0);
    });
}

#[tokio::test]
async fn large_and_refused_messages_are_kept_and_confirmed() {
    let Some(broker) = broker("").await else { return };
    let desk = Desk::default();
    let running = start(broker.port, &desk);
    until_subscribed(broker.port, &desk).await;
    // Over our size: kept cut off. Over the desk's: refused, then kept cut off there.
    desk.with(|s| s.refuses_over = Some(60_000));
    let large = format!(r#"{{"body":"{}"}}"#, "x".repeat(20_000_000));
    let refused = format!(r#"{{"body":"{}"}}"#, "y".repeat(62_000));
    publish(broker.port, vec![(TOPIC, large), (TOPIC, refused), (TOPIC, note("after"))]).await;
    until(async || desk.with(|s| s.taken.len() == 3)).await;
    running.stop().await;
    desk.with(|s| {
        assert!(s.taken.iter().all(|t| t.bytes.len() <= 60_000));
        s.calls = 0;
    });
    let running = start(broker.port, &desk);
    publish(broker.port, vec![(TOPIC, note("last"))]).await;
    until(async || desk.with(|s| s.taken.len() == 4)).await;
    running.stop().await;
    desk.with(|s| assert_eq!(s.calls, 1));
}

#[tokio::test]
async fn a_broker_with_tls_and_password_is_used_only_under_its_authority() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cert = file("cert.pem", key.cert.pem());
    let other = file("other.pem", stranger.cert.pem());
    let secret = file("key.pem", key.signing_key.serialize_pem());
    let extra = format!("certfile {}\nkeyfile {}\n", cert.display(), secret.display());
    let Some(broker) = broker(&extra).await else { return };
    let desk = Desk::default();
    let config = |ca: &std::path::Path| MqttConfig {
        host: "localhost".to_owned(),
        port: broker.port,
        topic: FILTER.to_owned(),
        ca: Some(ca.to_owned()),
        username: Some("gateway".to_owned()),
        password: Some("secret".to_owned()),
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(200),
        ..MqttConfig::default()
    };
    assert!(!format!("{:?}", config(&cert)).contains("secret"));
    let run = |ca: &std::path::Path| {
        let stop = CancellationToken::new();
        let desk: Arc<dyn IntakeDesk> = Arc::new(desk.clone());
        let task = tokio::spawn(serve(config(ca), desk, Arc::new(SystemClock), stop.clone()));
        Running { stop, task }
    };
    let publish_over_tls = async |id: &str| {
        let tls = kakehashi_mqtt::tls::client_config(&cert).unwrap();
        let mut options = MqttOptions::new("sender", "localhost", broker.port);
        let transport = rumqttc::TlsConfiguration::Rustls(Arc::new(tls));
        options.set_transport(rumqttc::Transport::tls_with_config(transport));
        let (client, mut events) = AsyncClient::new(options, 2);
        client.publish(TOPIC, QoS::AtLeastOnce, false, note(id)).await.unwrap();
        // A broker on a busy machine may reset a handshake; the next poll connects again.
        let mut resets = 0;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::PubAck(_))) => break,
                Ok(_) => {}
                Err(fault) => {
                    resets += 1;
                    assert!(resets < 10, "{fault}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    // Under a stranger's authority no connection stands, so nothing arrives.
    let wrong = run(&other);
    publish_over_tls("unseen").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    wrong.stop().await;
    desk.with(|s| assert_eq!(s.calls, 0));
    let right = run(&cert);
    let mut number = 0;
    until(async || {
        number += 1;
        publish_over_tls(&format!("n-{number}")).await;
        desk.with(|s| !s.taken.is_empty())
    })
    .await;
    right.stop().await;
}
