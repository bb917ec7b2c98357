//! Proof of sender offline: signatures that our own outlet makes, records that the test feeds, and what a
//! forger, a forwarder and a trusted relay come to.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use base64::Engine as _;
use kakehashi_core::clock::{SystemClock, UtcMicros};
use kakehashi_core::port::{Origin, RawIntake, SenderProof};
use kakehashi_core::rendered::RenderedMail;
use kakehashi_core::vocabulary::{Authenticity, Channel, Format};
use kakehashi_email::proof::{Dns, FixedRecords, ProofConfig, SenderProver};
use kakehashi_email::send::{DkimKey, EmailOutlet, RelayConfig, RelayTls, SenderConfig};
use mail_auth::arc::ArcSealer;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults, DmarcOutput, DmarcResult};
use std::process::Command;
use std::sync::Arc;

/// A mail of this author, signed for `st.example`.
fn signed(from: &str, key: DkimKey) -> Vec<u8> {
    let sender = SenderConfig { from_address: from.to_owned(), from_name: None, return_path: None };
    let relay = RelayConfig {
        host: "localhost".to_owned(),
        port: 25,
        tls: RelayTls::Plain,
        credentials: None,
        hostname: "st.example".to_owned(),
        pool_size: 1,
        max_connections: 1,
        mails_per_minute: None,
        root_certificate: None,
    };
    let outlet = EmailOutlet::new(sender, vec![relay], Some(Arc::new(key)), Arc::new(SystemClock)).unwrap();
    let mail = RenderedMail {
        to: "intake@in.example".to_owned(),
        subject: "夕方の様子".to_owned(),
        text: "下肢のむくみが強いです。\n.\n".to_owned(),
        message_id: "1@st.example".to_owned(),
        ..RenderedMail::default()
    };
    outlet.preview(&mail).unwrap()
}

fn ed25519() -> (DkimKey, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let public = base64::engine::general_purpose::STANDARD.encode(rcgen::PublicKeyData::der_bytes(&pair));
    let key = DkimKey::from_pem("st.example", "s1", &pair.serialize_pem()).unwrap();
    (key, format!("v=DKIM1; k=ed25519; p={public}"))
}

fn raw(bytes: Vec<u8>, peer: &str, mail_from: &str) -> RawIntake {
    RawIntake {
        channel: Channel::Email,
        format: Format::Rfc5322,
        dedup_key: "k".to_owned(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: UtcMicros::from_micros(1),
        origin: Origin {
            listener: "smtp".to_owned(),
            peer: Some(peer.to_owned()),
            helo: Some("mail.st.example".to_owned()),
            mail_from: Some(mail_from.to_owned()),
            ..Origin::default()
        },
    }
}

async fn prove(config: ProofConfig, txt: &[(&str, &str)], raw: &RawIntake) -> SenderProof {
    let records = FixedRecords {
        txt: txt.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect(),
        addresses: Vec::new(),
    };
    SenderProver::new(config, Dns::Fixed(records)).unwrap().prove(raw).await
}

const HOST: &str = "203.0.113.9";
const SPF: (&str, &str) = ("st.example", "v=spf1 ip4:203.0.113.9 -all");
const POLICY: (&str, &str) = ("_dmarc.st.example", "v=DMARC1; p=reject");
const PLAIN: &[u8] = b"From: nurse@st.example\r\nTo: intake@in.example\r\nSubject: x\r\n\r\ntext\r\n";

#[tokio::test]
async fn a_signature_proves_its_domain_and_nothing_else() {
    let (key, record) = ed25519();
    let name = ("s1._domainkey.st.example", record.as_str());
    let bytes = signed("nurse@st.example", key);
    let found = |bytes: Vec<u8>, txt: Vec<(&'static str, String)>| async move {
        let txt: Vec<(&str, &str)> = txt.iter().map(|(n, t)| (*n, t.as_str())).collect();
        prove(ProofConfig::default(), &txt, &raw(bytes, "198.51.100.1", "")).await
    };
    let with_key = || vec![(name.0, name.1.to_owned())];
    let with_policy = || vec![(name.0, name.1.to_owned()), (POLICY.0, POLICY.1.to_owned())];
    let proof = found(bytes.clone(), with_policy()).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::Dmarc, false), "{proof:?}");
    let proof = found(bytes.clone(), with_key()).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::Dkim, false), "{proof:?}");
    // One letter of the text changed on the way.
    let text = String::from_utf8(bytes.clone()).unwrap();
    let body = text.find("\r\n\r\n").unwrap() + 6;
    let mut changed = bytes.clone();
    changed[body] ^= 1;
    let proof = found(changed, with_policy()).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, true), "{proof:?}");
    // A valid signature of another domain says nothing of this author.
    let (key, record) = ed25519();
    let other = signed("nurse@other.example", key);
    let txt = vec![(name.0, record), ("_dmarc.other.example", "v=DMARC1; p=none".to_owned())];
    let proof = found(other, txt).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, true), "{proof:?}");
}

#[tokio::test]
async fn an_rsa_signature_verifies() {
    let made = Command::new("openssl").args(["genrsa", "2048"]).output();
    let Some(pem) = made.ok().filter(|o| o.status.success()).map(|o| o.stdout) else {
        println!("openssl is not installed: no RSA key to sign with");
        return;
    };
    let folder = std::env::temp_dir().join(format!("kakehashi-dkim-{}.pem", std::process::id()));
    std::fs::write(&folder, &pem).unwrap();
    let public = Command::new("openssl")
        .args(["rsa", "-pubout", "-outform", "DER", "-in", folder.to_str().unwrap()])
        .output()
        .unwrap()
        .stdout;
    std::fs::remove_file(&folder).unwrap();
    let record = format!("v=DKIM1; k=rsa; p={}", base64::engine::general_purpose::STANDARD.encode(public));
    let key = DkimKey::from_pem("st.example", "s2", &String::from_utf8(pem).unwrap()).unwrap();
    let bytes = signed("nurse@st.example", key);
    let txt = [("s2._domainkey.st.example", record.as_str())];
    let proof = prove(ProofConfig::default(), &txt, &raw(bytes, HOST, "")).await;
    assert_eq!(proof.authenticity, Authenticity::Dkim, "{proof:?}");
}

#[tokio::test]
async fn the_host_proves_the_envelope() {
    let by = |peer: &'static str, from: &'static str, txt: &'static [(&'static str, &'static str)]| async move {
        let proof = prove(ProofConfig::default(), txt, &raw(PLAIN.to_vec(), peer, from)).await;
        (proof.authenticity, proof.failed)
    };
    assert_eq!(by(HOST, "nurse@st.example", &[SPF]).await, (Authenticity::Spf, false));
    assert_eq!(by(HOST, "nurse@st.example", &[SPF, POLICY]).await, (Authenticity::Dmarc, false));
    assert_eq!(by("198.51.100.1", "nurse@st.example", &[SPF]).await, (Authenticity::None, true));
    // The forger's own envelope passes, the author does not.
    let forger = ("evil.example", "v=spf1 +all");
    let proof = prove(
        ProofConfig::default(),
        &[SPF, POLICY, forger],
        &raw(PLAIN.to_vec(), "198.51.100.1", "x@evil.example"),
    )
    .await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, true), "{proof:?}");
    // A domain that says nothing denies nothing.
    assert_eq!(by(HOST, "nurse@st.example", &[]).await, (Authenticity::None, false));
}

#[tokio::test]
async fn a_trusted_relay_is_believed_and_nobody_else() {
    let config = || ProofConfig {
        trusted_relays: vec!["10.0.0.5".parse().unwrap()],
        authserv_ids: vec!["mx.office.example".to_owned()],
        ..ProofConfig::default()
    };
    let told = |result: &str| {
        [
            format!("Authentication-Results: mx.office.example; dmarc={result} header.from=st.example\r\n")
                .as_bytes(),
            PLAIN,
        ]
        .concat()
    };
    let txt = [SPF, POLICY];
    let proof = prove(config(), &txt, &raw(told("pass"), "10.0.0.5", "nurse@st.example")).await;
    assert_eq!(proof.authenticity, Authenticity::Dmarc, "{proof:?}");
    let proof = prove(config(), &txt, &raw(told("fail"), "10.0.0.5", "nurse@st.example")).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, true), "{proof:?}");
    let proof = prove(config(), &txt, &raw(told("pass"), "198.51.100.1", "nurse@st.example")).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, true), "{proof:?}");
    // Without its word, the host it names is checked.
    let traced =
        [b"Received: from mail.st.example (p [203.0.113.9]) by mx.office.example\r\n", PLAIN].concat();
    let proof = prove(config(), &txt, &raw(traced, "10.0.0.5", "nurse@st.example")).await;
    assert_eq!(proof.authenticity, Authenticity::Dmarc, "{proof:?}");
}

/// The mail as a list passes it on: marked in its subject, which breaks the author's signature, and sealed.
fn forwarded(bytes: &[u8], found: DmarcResult) -> (Vec<u8>, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let public = base64::engine::general_purpose::STANDARD.encode(rcgen::PublicKeyData::der_bytes(&pair));
    let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(&pair.serialize_der()).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap().replacen("Subject: ", "Subject: [renkei] ", 1);
    let seen = DmarcOutput::new("st.example".to_owned()).with_dkim_result(found);
    let results = AuthenticationResults::new("lists.example").with_dmarc_result(&seen);
    let message = AuthenticatedMessage::parse(text.as_bytes()).unwrap();
    let sealer =
        ArcSealer::from_key(key).domain("lists.example").selector("s9").headers(["From", "To", "Subject"]);
    let header = sealer.seal(&message, &results, &ArcOutput::default()).unwrap().to_header();
    (format!("{header}{text}").into_bytes(), format!("v=DKIM1; k=ed25519; p={public}"))
}

#[tokio::test]
async fn a_seal_is_believed_from_a_trusted_list_only() {
    let (key, own) = ed25519();
    let original = signed("nurse@st.example", key);
    let config =
        || ProofConfig { trusted_sealers: vec!["lists.example".to_owned()], ..ProofConfig::default() };
    let judged = async |config: ProofConfig, bytes: Vec<u8>, seal: &str| {
        let txt =
            [("s1._domainkey.st.example", own.as_str()), ("s9._domainkey.lists.example", seal), SPF, POLICY];
        let proof = prove(config, &txt, &raw(bytes, "198.51.100.1", "owner@lists.example")).await;
        (proof.authenticity, proof.failed)
    };
    let (sealed, record) = forwarded(&original, DmarcResult::Pass);
    assert_eq!(judged(config(), sealed.clone(), &record).await, (Authenticity::Dmarc, false));
    // Nobody trusts this list; the list saw no proof; the text was changed after sealing; another's key.
    assert_eq!(judged(ProofConfig::default(), sealed.clone(), &record).await, (Authenticity::None, true));
    let (unproved, other) = forwarded(&original, DmarcResult::None);
    assert_eq!(judged(config(), unproved, &other).await, (Authenticity::None, true));
    let mut changed = sealed.clone();
    let body = changed.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 5;
    changed[body] ^= 1;
    assert_eq!(judged(config(), changed, &record).await, (Authenticity::None, true));
    assert_eq!(judged(config(), sealed, &other).await, (Authenticity::None, true));
}

#[tokio::test]
async fn a_silent_dns_is_worth_another_look() {
    // Nothing listens on this port: the look-up fails or takes too long.
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = ProofConfig { within: std::time::Duration::from_secs(1), ..ProofConfig::default() };
    let prover = SenderProver::new(config, Dns::Server(free)).unwrap();
    let proof = prover.prove(&raw(PLAIN.to_vec(), HOST, "nurse@st.example")).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, false), "{proof:?}");
    assert!(proof.try_again, "{proof:?}");
    let found = prove(ProofConfig::default(), &[SPF], &raw(PLAIN.to_vec(), HOST, "nurse@st.example")).await;
    assert!(!found.try_again, "{found:?}");
}

#[tokio::test]
async fn bombs_are_not_worked_on() {
    let many = [
        b"DKIM-Signature: v=1; a=rsa-sha256; d=st.example; s=a; h=from; bh=x; b=y\r\n".repeat(5_000),
        PLAIN.to_vec(),
    ]
    .concat();
    let proof = prove(ProofConfig::default(), &[], &raw(many, HOST, "")).await;
    assert_eq!((proof.authenticity, proof.failed), (Authenticity::None, false));
    for bytes in [&b""[..], b"\0\xff", b"From: a@b, c@d\r\n\r\n", b"From: \r\n\r\nx"] {
        let proof = prove(ProofConfig::default(), &[SPF], &raw(bytes.to_vec(), HOST, "x")).await;
        assert_eq!(proof.authenticity, Authenticity::None);
    }
}
