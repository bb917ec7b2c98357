//! The SMTP listener against clients that others wrote: swaks and Postfix's smtp-source, over a real socket.
//! Each says so and ends where it is not installed.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kakehashi_core::clock::{FixedClock, UtcMicros};
use kakehashi_core::ids::IntakeId;
use kakehashi_core::port::{BoxFuture, IntakeAnswer, IntakeDesk, Origin, RawIntake, RecipientAnswer};
use kakehashi_core::vocabulary::Intent;
use kakehashi_email::listen::{SmtpConfig, run_session};
use kakehashi_email::read::{envelope, parse_mail};
use std::process::Output;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Desk(Mutex<Vec<RawIntake>>);

impl IntakeDesk for Desk {
    fn hand_in(&self, intake: RawIntake) -> BoxFuture<'_, IntakeAnswer> {
        Box::pin(async move {
            self.0.lock().unwrap().push(intake);
            IntakeAnswer::Accepted(IntakeId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        })
    }

    fn accepts_recipient<'a>(&'a self, address: &'a str) -> BoxFuture<'a, RecipientAnswer> {
        Box::pin(async move {
            if address.ends_with("@in.example") { RecipientAnswer::Ours } else { RecipientAnswer::NotOurs }
        })
    }
}

/// A listener on a free port that serves until the test ends.
async fn listener() -> (Arc<Desk>, u16) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let desk = Arc::new(Desk::default());
    let taking = Arc::clone(&desk);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let desk = Arc::clone(&taking);
            tokio::spawn(async move {
                let config = SmtpConfig { hostname: "in.example".to_owned(), ..SmtpConfig::default() };
                let clock = FixedClock::at(UtcMicros::from_micros(1));
                run_session(stream, None, &config, desk.as_ref(), &clock, CancellationToken::new()).await;
            });
        }
    });
    (desk, port)
}

/// What a program says; `None` where it is not installed.
async fn run(program: &str, args: &[&str]) -> Option<Output> {
    match tokio::process::Command::new(program).args(args).output().await {
        Ok(output) => Some(output),
        Err(_) => {
            println!("{program} is not installed: not tried");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaks_hands_in_a_japanese_mail() {
    let (desk, port) = listener().await;
    let server = format!("127.0.0.1:{port}");
    let send = async |to: &str, body: &str| {
        let subject = "Subject: =?UTF-8?B?44Gk44Gw44GNMDE=?=";
        let utf8 = "Content-Type: text/plain; charset=utf-8";
        run(
            "swaks",
            &[
                "--server",
                &server,
                "--from",
                "nurse@st.example",
                "--to",
                to,
                "--header",
                subject,
                "--add-header",
                utf8,
                "--body",
                body,
                "--hide-all",
            ],
        )
        .await
    };
    let Some(taken) = send("reply@in.example", "了解しました").await else { return };
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let refused = send("somebody@else.example", "x").await.unwrap();
    assert!(!refused.status.success());
    let taken = desk.0.lock().unwrap();
    assert_eq!(taken.len(), 1);
    let got = envelope(
        &parse_mail(&taken[0].bytes.whole().unwrap()).unwrap(),
        &Origin::default(),
        &mut kakehashi_core::port::HashingSink,
    );
    let got = got.unwrap();
    assert_eq!((got.title.as_deref(), got.body.as_deref()), (Some("つばき01"), Some("了解しました")));
    assert_eq!(got.intent, Intent::Acknowledgement);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smtp_source_hands_in_a_hundred() {
    let (desk, port) = listener().await;
    let server = format!("127.0.0.1:{port}");
    let args =
        ["-s", "8", "-m", "100", "-l", "4096", "-f", "n@st.example", "-t", "intake@in.example", &server];
    let program = ["/usr/sbin/smtp-source", "/usr/bin/smtp-source"];
    let program = program.into_iter().find(|p| std::path::Path::new(p).exists()).unwrap_or("smtp-source");
    let Some(sent) = run(program, &args).await else { return };
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(desk.0.lock().unwrap().len(), 100);
}
