//! What clients cost that are slow on purpose, and whether others are served meanwhile: a third says nothing, a
//! third stops within a command, a third sends a mail a byte at a time. `load slow [N]`; first with a place for
//! each, then with the places that a network has by default. Prints what it measured and passes no judgement.

use crate::idle::megabytes;
use crate::messages::{RECIPIENT, SENDER};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, serve};
use kakehashi_tests::network::Network;
use kakehashi_tests::smtp::Smtp;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Runs it.
pub(crate) fn slow(count: usize) -> Result<(), String> {
    for places in [count + 100, 1_000] {
        let network = Network::new(&Database::Sqlite);
        network.configure(&format!("[intake]\nmax_connections = {places}\nmax_per_peer = {places}\n"));
        let mut gateway = serve(&network.config());
        std::thread::sleep(Duration::from_secs(5));
        let before = gateway.resident_bytes();
        let alone = answered(&gateway, "alone")?;
        let begun = Instant::now();
        let mut open = Vec::with_capacity(count);
        for number in 0..count {
            open.push(begin(&gateway, number).map_err(|e| format!("client {number}: {e}"))?);
        }
        let opened = begun.elapsed();
        let (mut longest, mut rounds) = (Duration::ZERO, 0);
        // Half a minute long each drips a byte a second while others come with their mails.
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            let round = Instant::now();
            for stream in open.iter_mut().skip(2).step_by(3) {
                // Those that were asked to go are gone.
                let _ = stream.write_all(b"x");
            }
            longest = longest.max(answered(&gateway, &format!("round-{rounds}"))?);
            rounds += 1;
            std::thread::sleep(Duration::from_secs(1).saturating_sub(round.elapsed()));
        }
        println!(
            "{count} slow SMTP clients for {places} places ({:.1} s to open): {} before, {} with them; a mail of \
             somebody else is answered in {:.0} ms alone, of {rounds} meanwhile the longest took {:.0} ms",
            opened.as_secs_f64(),
            megabytes(before),
            megabytes(gateway.resident_bytes()),
            alone.as_secs_f64() * 1_000.0,
            longest.as_secs_f64() * 1_000.0,
        );
        drop(open);
        gateway.stop();
    }
    Ok(())
}

fn begin(gateway: &Gateway, number: usize) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(gateway.smtp)?;
    let whole = format!("EHLO slow\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\nSubject: s");
    stream.write_all(match number % 3 {
        0 => b"",
        1 => b"EHLO sl",
        _ => whole.as_bytes(),
    })?;
    Ok(stream)
}

/// How long a whole mail takes, from the connection to the 250.
fn answered(gateway: &Gateway, name: &str) -> Result<Duration, String> {
    let begun = Instant::now();
    let mail = format!("Message-ID: <{name}@clinic.example>\nFrom: {SENDER}\nSubject: x\n\nx\n");
    let reply = Smtp::connect(gateway.smtp)
        .and_then(|mut session| session.mail(SENDER, RECIPIENT, mail.as_bytes()))
        .map_err(|e| format!("{name}: {e} after {:?}", begun.elapsed()))?;
    if reply.starts_with("250") { Ok(begun.elapsed()) } else { Err(reply) }
}
