//! Signatures of RSA and Ed25519 keys on what the outlet builds; they are verified in `proof.rs`.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::SystemClock;
use kakehashi_core::rendered::RenderedMail;
use kakehashi_email::send::{DkimKey, EmailOutlet, RelayConfig, RelayTls, SenderConfig};
use std::process::Command;
use std::sync::Arc;

fn outlet(key: DkimKey) -> EmailOutlet {
    let sender = SenderConfig {
        from_address: "office@in.example".to_owned(),
        from_name: Some("つばき連携事務局".to_owned()),
        return_path: None,
    };
    let relay = RelayConfig {
        host: "localhost".to_owned(),
        port: 25,
        tls: RelayTls::Plain,
        credentials: None,
        hostname: "in.example".to_owned(),
        pool_size: 1,
        max_connections: 1,
        mails_per_minute: None,
        root_certificate: None,
    };
    EmailOutlet::new(sender, vec![relay], Some(Arc::new(key)), Arc::new(SystemClock)).unwrap()
}

fn mail() -> RenderedMail {
    RenderedMail {
        to: "nurse@st.example".to_owned(),
        subject: "【至急・了解希望】つばき01 退院".to_owned(),
        text: "本文です。\n.\n終わり".to_owned(),
        html: Some("<p>本文です。</p>".to_owned()),
        message_id: "x.1@in.example".to_owned(),
        references: vec!["a@in.example".to_owned()],
        list_id: Some("deliveries.in.example".to_owned()),
        ..RenderedMail::default()
    }
}

fn signed_header(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let header: String = text.split("\r\n\r\n").next().unwrap().replace("\r\n\t", "").replace("\r\n ", "");
    let line = header.lines().find(|l| l.starts_with("DKIM-Signature:")).unwrap().to_owned();
    line.replace([' ', '\t'], "")
}

#[test]
fn an_ed25519_key_signs() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let key = DkimKey::from_pem("in.example", "s1", &pair.serialize_pem()).unwrap();
    assert_eq!(key.record_name(), "s1._domainkey.in.example");
    assert!(!format!("{key:?}").contains("PRIVATE"));
    let bytes = outlet(key).preview(&mail()).unwrap();
    let header = signed_header(&bytes);
    assert!(header.contains("a=ed25519-sha256") && header.contains("d=in.example"), "{header}");
    for name in ["From", "To", "Subject", "Message-ID", "References", "List-Id"] {
        assert!(header.to_lowercase().contains(&name.to_lowercase()), "{name}: {header}");
    }
}

#[test]
fn an_rsa_key_signs() {
    let made = Command::new("openssl").args(["genrsa", "2048"]).output();
    let Some(pem) = made.ok().filter(|o| o.status.success()).map(|o| String::from_utf8(o.stdout).unwrap())
    else {
        println!("openssl is not installed: no RSA key to sign with");
        return;
    };
    let key = DkimKey::from_pem("in.example", "s2", &pem).unwrap();
    let header = signed_header(&outlet(key).preview(&mail()).unwrap());
    assert!(header.contains("a=rsa-sha256") && header.contains("s=s2"), "{header}");
}

#[test]
fn what_is_no_key_is_named() {
    for pem in ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        let fault = DkimKey::from_pem("in.example", "s", pem).unwrap_err();
        assert!(fault.to_string().contains("PEM"), "{fault}");
    }
}
