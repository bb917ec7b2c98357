//! What a mail of 50 MB costs in memory, from its first byte over SMTP until it waits for the office: the most
//! resident memory since it came, against what was there before. `load large [MB] [MAILS AT ONCE]`. Prints
//! what it measured and passes no judgement.

use crate::idle::{megabytes, rest};
use crate::messages::{RECIPIENT, SENDER};
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::serve;
use kakehashi_tests::network::Network;
use kakehashi_tests::smtp::Smtp;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Lines of base64 that are written at once.
const LINES: usize = 1_000;

/// Runs it.
pub(crate) fn large(megabytes_each: usize, at_once: usize) -> Result<(), String> {
    let network = Network::new(&Database::Sqlite);
    let mut gateway = serve(&network.config());
    std::thread::sleep(Duration::from_secs(5));
    let before = gateway.resident_bytes();
    // Writing 5 makes the mark of the most memory start anew (proc(5)).
    std::fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5").map_err(|e| e.to_string())?;
    let begun = Instant::now();
    let smtp = gateway.smtp;
    let senders: Vec<_> = (0..at_once)
        .map(|number| std::thread::spawn(move || send(smtp, megabytes_each * 1_000_000, number)))
        .collect();
    for sender in senders {
        let sent = sender.join().map_err(|_| "a sender panicked".to_owned())?;
        sent.map_err(|e| e.to_string())?;
    }
    let answered = begun.elapsed();
    let taken = gateway.peak_resident_bytes();
    rest(&gateway);
    println!(
        "{at_once} mail of {megabytes_each} MB: answered after {:.1} s with {} more than the {} before; \
         {} more until it was read, {} more when all was done",
        answered.as_secs_f64(),
        megabytes(taken.saturating_sub(before)),
        megabytes(before),
        megabytes(gateway.peak_resident_bytes().saturating_sub(before)),
        megabytes(gateway.resident_bytes().saturating_sub(before)),
    );
    gateway.stop();
    Ok(())
}

/// One mail of about `size` bytes with a file in it.
fn send(address: SocketAddr, size: usize, number: usize) -> std::io::Result<()> {
    let mut session = Smtp::connect(address)?;
    for line in [format!("MAIL FROM:<{SENDER}>"), format!("RCPT TO:<{RECIPIENT}>"), "DATA".to_owned()] {
        let reply = session.say(&line)?;
        if !reply.starts_with(['2', '3']) {
            return Err(std::io::Error::other(reply));
        }
    }
    let head = format!(
        "From: {SENDER}\r\nTo: {RECIPIENT}\r\nMessage-ID: <large-{number}@clinic.example>\r\nSubject: scan\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n画像をお送りします。\r\n--x\r\n\
         Content-Type: application/octet-stream; name=scan.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    session.send_raw(head.as_bytes())?;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut sent = 0;
    while sent < size {
        let mut block = Vec::with_capacity(LINES * 78);
        for _ in 0..LINES {
            let line: [u8; 76] = std::array::from_fn(|_| DIGITS[usize::from(rand::random::<u8>() & 63)]);
            block.extend_from_slice(&line);
            block.extend_from_slice(b"\r\n");
        }
        session.send_raw(&block)?;
        sent += block.len();
    }
    session.send_raw(b"--x--\r\n.\r\n")?;
    let reply = session.reply()?;
    if reply.starts_with("250") { Ok(()) } else { Err(std::io::Error::other(reply)) }
}
