//! Hostile mail clients against the running program: a header of 100,000 lines, NUL, commands poured in
//! without waiting, and hundreds of clients that are slow on purpose. Others are served meanwhile.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start};
use kakehashi_tests::smtp::Smtp;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const INTAKE: &str = "intake@in.kakehashi.example";

fn others_are_served(gateway: &Gateway, name: &str) {
    let begun = Instant::now();
    let message = format!("Message-ID: <{name}@ok.example>\nFrom: a@ok.example\nSubject: x\n\nx\n");
    let reply =
        Smtp::connect(gateway.smtp).unwrap().mail("a@ok.example", INTAKE, message.as_bytes()).unwrap();
    assert!(reply.starts_with("250"), "{name}: {reply}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{name}: others waited {:?}", begun.elapsed());
}

fn read_all(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut out, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(n) = stream.read(&mut buffer) {
        if n == 0 || out.len() > 1 << 22 {
            break;
        }
        out.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn headers_nul_and_garbage() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut gateway = Start::new(folder.path(), &Database::Sqlite).start();
    let mail =
        |message: &[u8]| Smtp::connect(gateway.smtp).unwrap().mail("a@a.example", INTAKE, message).unwrap();
    // 100,000 header lines: refused in the protocol's words while they are small, and where they are not.
    let many = |line: &str| [line.repeat(100_000).as_bytes(), b"\nx\n"].concat();
    let refused = mail(&many("X-A: 1\n"));
    assert!(refused.starts_with("552-5.3.4") && refused.contains("\n552 5.3.4"), "{refused}");
    let empty = mail(&many("X:\n"));
    assert!(empty.starts_with("250") || empty.starts_with("552"), "{empty}");
    // NUL in header, body and as all there is.
    for message in [
        &b"From: a@a.example\nSubject: a\0b\nMessage-ID: <nul1@a.example>\n\nx\n"[..],
        b"From: a@a.example\nMessage-ID: <nul2@a.example>\n\na\0b\0\0\n",
        b"\0\n",
    ] {
        assert!(mail(message).starts_with("250"));
    }
    others_are_served(&gateway, "NUL");
    // Nobody waits for answers: ten thousand commands in one piece, half of them nonsense.
    let mut stream = TcpStream::connect(gateway.smtp).unwrap();
    let garbage = "NOOP\r\n\0\x01\x02\r\nRCPT TO:<a@b>\r\nMAIL\r\n".repeat(2_500);
    let _ = stream.write_all(garbage.as_bytes());
    let answer = read_all(&mut stream);
    assert!(answer.contains("421 4.7.0 too many errors") || answer.lines().count() < 100, "{answer:.500}");
    // A whole dialogue at once is one mail and no more.
    let mut stream = TcpStream::connect(gateway.smtp).unwrap();
    let piped = format!(
        "EHLO a\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<{INTAKE}>\r\nDATA\r\nMessage-ID: <piped@a.example>\r\n\r\nx\r\n.\r\nQUIT\r\n"
    );
    stream.write_all(piped.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    assert_eq!(answer.matches("250 2.0.0 accepted").count(), 1, "{answer}");
    others_are_served(&gateway, "GARBAGE");
    assert!(gateway.is_alive());
    gateway.stop();
}

#[test]
fn slow_clients_by_the_hundred_cost_their_own_connection() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut gateway = Start::new(folder.path(), &Database::Sqlite).start();
    let before = gateway.resident_bytes();
    let begin = format!("EHLO slow\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<{INTAKE}>\r\nDATA\r\nSubject: s");
    let slow: Vec<TcpStream> = (0..900)
        .map_while(|n| {
            let mut stream = TcpStream::connect(gateway.smtp).ok()?;
            // A third says nothing, a third stops within a command, a third within a mail.
            let part: &[u8] = match n % 3 {
                0 => b"",
                1 => b"EHLO sl",
                _ => begin.as_bytes(),
            };
            let _ = stream.write_all(part);
            Some(stream)
        })
        .collect();
    assert!(slow.len() >= 400, "only {} connections could be opened here", slow.len());
    others_are_served(&gateway, "SLOW");
    let each = gateway.resident_bytes().saturating_sub(before) / slow.len() as u64;
    println!("{} slow clients, {each} bytes of memory each", slow.len());
    assert!(each < 256 * 1024);
    drop(slow);
    others_are_served(&gateway, "AFTER");
    gateway.stop();
}
