//! Input meant to harm: bombs, deep nesting, thousands of recipients, injected headers, script in every
//! shown field, smuggled mails, slow and foreign clients. Each is refused or made harmless, and the gateway
//! goes on serving everybody else.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kakehashi_tests::database::Database;
use kakehashi_tests::gateway::{Gateway, Start, run};
use kakehashi_tests::mllp::{Mllp, admission};
use kakehashi_tests::office::{self, Office, links};
use kakehashi_tests::smtp::Smtp;
use kakehashi_tests::wait;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const INTAKE: &str = "intake@in.kakehashi.example";
const FAX: &str = "fax@in.kakehashi.example";
const PROVIDER: &str = "receiver@fax.kakehashi.example";
const GROUP: &str = "g-7k2m9q@in.kakehashi.example";
const MEMORY: u64 = 250 * 1024 * 1024;

fn started() -> (tempfile::TempDir, Gateway) {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Start::new(folder.path(), &Database::Sqlite).start();
    (folder, gateway)
}

/// Rows of `intake list`: state and identity.
fn list(data_dir: &Path) -> Vec<(String, String)> {
    let output = run(&["intake", "list", "--data-dir", &data_dir.display().to_string()]);
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    rows.map(|r| (r[3].to_owned(), r[5].to_owned())).collect()
}

/// Waits until everything is settled, and returns the state of this intake.
fn state_of(data_dir: &Path, id: &str) -> String {
    let rows = wait::until("every intake to be settled", Duration::from_secs(60), || {
        Some(list(data_dir)).filter(|rows| rows.iter().all(|(state, _)| state != "accepted"))
    });
    let found: Vec<_> = rows.into_iter().filter(|(_, name)| name == id).collect();
    assert_eq!(found.len(), 1, "{id}");
    found[0].0.clone()
}

fn mail(gateway: &Gateway, from: &str, to: &str, message: &str) -> String {
    Smtp::connect(gateway.smtp).unwrap().mail(from, to, message.as_bytes()).unwrap()
}

/// Somebody else's ordinary messages are taken at once.
fn others_are_served(gateway: &Gateway, name: &str) {
    let begun = Instant::now();
    let message = format!("Message-ID: <{name}@ok.example>\nFrom: a@ok.example\nSubject: x\n\nx\n");
    let reply = mail(gateway, "a@ok.example", INTAKE, &message);
    assert!(reply.starts_with("250"), "{name}: {reply}");
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(&admission(name)).unwrap();
    assert!(answer.is_some_and(|a| a.contains("MSA|AA")), "{name}");
    let alive = office::agent().get(gateway.url("/healthz")).call().unwrap();
    assert_eq!(alive.status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{name}: others waited {:?}", begun.elapsed());
}

#[test]
fn bombs_are_refused_or_harmless() {
    let (folder, mut gateway) = started();
    let bombs = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/fax/broken"));
    for name in
        ["b04_bomb_65535x65535_white_g4.tif", "b05_bomb_header_2147483647x2147483647.tif", "b06_ifd-loop.tif"]
    {
        let bytes = std::fs::read(bombs.join(name)).unwrap();
        let message = with_file(name, name, "image/tiff", &bytes);
        assert!(mail(&gateway, PROVIDER, FAX, &message).starts_with("250"), "{name}");
    }
    // A PDF whose content is a gigabyte of zeros when unpacked is a few kilobytes here.
    let message = with_file("page-bomb", "bomb.pdf", "application/pdf", &pdf_with_a_huge_page());
    assert!(mail(&gateway, PROVIDER, FAX, &message).starts_with("250"));
    let nested = nested(1_000);
    assert!(mail(&gateway, "deep@a.example", INTAKE, &nested).starts_with("250"));
    let parts: String = (0..5_000)
        .map(|n| {
            format!(
                "--=_b\nContent-Type: text/plain; name=\"{n}.txt\"\nContent-Disposition: attachment\n\n{n}\n"
            )
        })
        .collect();
    let many = format!(
        "Message-ID: <many-parts@a.example>\nFrom: many@a.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_b\"\n\n{parts}--=_b--\n"
    );
    assert!(mail(&gateway, "many@a.example", INTAKE, &many).starts_with("250"));
    let everybody: String = (0..10_000).map(|n| format!("p{n}@a.example,\n ")).collect();
    let long = format!(
        "Message-ID: <long-to@a.example>\nFrom: a@a.example\nTo: {everybody}z@a.example\nSubject: x\n\nx\n"
    );
    assert!(mail(&gateway, "a@a.example", INTAKE, &long).starts_with("250"));
    others_are_served(&gateway, "BOMBS");
    for id in ["deep@a.example", "many-parts@a.example", "long-to@a.example", "page-bomb@t.example"] {
        println!("{id}: {}", state_of(folder.path(), id));
    }
    let peak = gateway.peak_resident_bytes();
    println!("resident memory: {} MB, at most {} MB", gateway.resident_bytes() >> 20, peak >> 20);
    assert!(gateway.resident_bytes() < MEMORY);
    gateway.stop();
}

fn with_file(id: &str, name: &str, media_type: &str, bytes: &[u8]) -> String {
    let encoded = BASE64.encode(bytes);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!(
        "Message-ID: <{id}@t.example>\nFrom: {PROVIDER}\nTo: {FAX}\nSubject: FAX 0300000104\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\nContent-Type: text/plain\n\nFAX\n\
         --=_b\nContent-Type: {media_type}; name=\"{name}\"\nContent-Transfer-Encoding: base64\n\
         Content-Disposition: attachment; filename=\"{name}\"\n\n{}\n--=_b--\n",
        lines.join("\n")
    )
}

/// A page of 200 by 200 inches with an image of 60,000 by 60,000 dots that holds nothing.
fn pdf_with_a_huge_page() -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for object in [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 14400 14400] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
        "<< /Length 30 >>\nstream\n14400 0 0 14400 0 0 cm /I Do \nendstream",
        "<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream",
    ] {
        places.push(pdf.len());
        pdf.extend(format!("{} 0 obj\n{object}\nendobj\n", places.len()).bytes());
    }
    let xref = pdf.len();
    pdf.extend(b"xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    pdf.extend(format!("trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n").bytes());
    pdf
}

fn nested(depth: usize) -> String {
    let mut text =
        "Message-ID: <deep@a.example>\nFrom: deep@a.example\nSubject: deep\nMIME-Version: 1.0\n".to_owned();
    for n in 0..depth {
        text.push_str(&format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\n\n--b{n}\n"));
    }
    text.push_str("Content-Type: text/plain\n\nthe bottom\n");
    for n in (0..depth).rev() {
        text.push_str(&format!("--b{n}--\n"));
    }
    text
}

#[test]
fn ten_thousand_recipients_are_too_many() {
    let (_folder, mut gateway) = started();
    let mut session = Smtp::connect(gateway.smtp).unwrap();
    session.say("MAIL FROM:<a@a.example>").unwrap();
    assert!(session.say(&format!("RCPT TO:<{INTAKE}>")).unwrap().starts_with("250"));
    let mut refused = 0;
    for n in 0..10_000 {
        // Addresses of ours that differ: a mail address may be written in many ways.
        let spelled: String = INTAKE
            .chars()
            .enumerate()
            .map(|(i, c)| if i < 16 && n >> i & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        match session.say(&format!("RCPT TO:<{spelled}>")) {
            Ok(reply) if reply.starts_with("250") => {}
            Ok(reply) => {
                assert!(reply.starts_with("452") || reply.starts_with("421"), "{reply}");
                refused += 1;
            }
            Err(_) => break,
        }
    }
    println!("{refused} recipients were refused");
    assert!(refused >= 1);
    others_are_served(&gateway, "CROWD");
    gateway.stop();
}

#[test]
fn script_is_text_and_headers_stay_one_line() {
    let (folder, mut gateway) = started();
    let script = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let encoded = format!("=?utf-8?B?{}?=", BASE64.encode(script));
    let broken = format!("=?utf-8?B?{}?=", BASE64.encode("件名\r\nBcc: evil@evil.example\r\nX-Evil: yes"));
    for (id, subject, to) in [
        ("script1", &encoded, INTAKE),
        ("script2", &encoded, GROUP),
        ("inject1", &broken, GROUP),
        ("inject2", &broken, INTAKE),
    ] {
        let message = format!(
            "Message-ID: <{id}@st.example>\nFrom: {subject} <hinata@st.example>\nTo: {to}\nSubject: {subject}\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\nContent-Type: text/plain; charset=utf-8\n\n[至急] {script}\n\
             --=_b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=\"{subject}\"\n\n{script}\n\
             --=_b\nContent-Type: text/html\nContent-Disposition: attachment; filename=\"{script}.html\"\n\n{script}\n--=_b--\n"
        );
        let reply = mail(&gateway, "hinata@st.example", to, &message);
        assert!(reply.starts_with("250"), "{id}: {reply}");
    }
    let hl7 = format!(
        "MSH|^~\\&|HIS|SAKURAMI_CH|GW|CARENET|20260609102000||ADT^A01^ADT_A01|SCRIPT01|P|2.5||||||UNICODE UTF-8\r\
         EVN||20260609102000\rPID|0001||0041{script}^^^^PI||{script}^{script}^^^^^L^I||19400101|F\r\
         PV1|0001|I|{script}^{script}^{script}||||{script}^{script}\r"
    );
    let answer = Mllp::connect(gateway.mllp).unwrap().exchange(hl7.as_bytes()).unwrap();
    assert!(answer.is_some_and(|a| a.contains("MSA|AA")));
    let evil = format!("{script}\r\nBcc: evil@evil.example");
    let note = serde_json::json!({
        "note_id": "evil-note", "group": "つばき01", "title": evil, "body": script, "urgency": "urgent", "staff_name": evil,
        "application": evil,
        "attachments": [{ "name": format!("{evil}.png"), "media_type": "image/png", "data": BASE64.encode(tiny_png()) }]
    });
    let request = office::agent()
        .post(gateway.url("/api/v1/care-notes"))
        .header("Authorization", "Bearer demo-key-hidamari");
    let answer = request.header("Content-Type", "application/json").send(note.to_string()).unwrap();
    println!("care note with control characters in its title: {}", answer.status());
    let plain = serde_json::json!({ "note_id": "script-note", "group": "つばき01", "title": script, "body": script, "urgency": "urgent", "staff_name": script });
    let request = office::agent()
        .post(gateway.url("/api/v1/care-notes"))
        .header("Authorization", "Bearer demo-key-hidamari");
    assert_eq!(
        request.header("Content-Type", "application/json").send(plain.to_string()).unwrap().status(),
        201
    );

    println!("group mail: {}", state_of(folder.path(), "script2@st.example"));
    assert_eq!(state_of(folder.path(), "script-note"), "posted");
    pages_show_it_as_text(&gateway);
    wait::until("the mail about the notes", Duration::from_secs(30), || {
        caught(folder.path()).iter().any(|m| m.contains("hinata@st.example")).then_some(())
    });
    for message in caught(folder.path()) {
        let header = message.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        assert!(!header.contains("\r\nbcc:") && !header.contains("\r\nx-evil"), "{header}");
    }
    gateway.stop();
}

/// Raw mails that left.
fn caught(data_dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(data_dir.join("caught")).unwrap().flatten().map(|e| e.path());
    let mails =
        files.filter(|p| p.extension().is_some_and(|e| e == "eml") && p.with_extension("json").exists());
    mails.map(|p| String::from_utf8_lossy(&std::fs::read(p).unwrap()).into_owned()).collect()
}

/// Follows every link of the office from page to page.
fn pages_show_it_as_text(gateway: &Gateway) {
    let mut office = Office::log_in(gateway);
    let mut open: Vec<String> =
        ["/", "/triage", "/intakes", "/outbox", "/rules", "/facilities", "/audit"].map(str::to_owned).into();
    let (mut seen, mut shown) = (Vec::new(), 0);
    while let Some(path) = open.pop() {
        if seen.contains(&path) || seen.len() > 400 {
            continue;
        }
        seen.push(path.clone());
        let (status, page) = office.get(&path);
        assert_eq!(status, 200, "{path}");
        let lower = page.to_ascii_lowercase();
        for bad in ["<script>alert", "<img src=x", "onerror=alert(2)>", "javascript:"] {
            assert!(!lower.contains(bad), "{path} shows {bad}");
        }
        shown += usize::from(page.contains("&lt;script&gt;alert"));
        for beginning in ["/groups/", "/triage/", "/intakes/"] {
            open.extend(
                links(&page, beginning).into_iter().filter(|l| !l.ends_with("/raw") && !l.contains('#')),
            );
        }
    }
    println!("{} pages were looked at, {shown} of them show the script as text", seen.len());
    assert!(shown >= 4, "the script was hardly shown anywhere");
    // What is saved is not shown, and no page runs script of its own text.
    let raw = office::agent().get(gateway.url("/login")).call().unwrap();
    let policy = raw.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

fn tiny_png() -> Vec<u8> {
    let data =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    BASE64.decode(data).unwrap()
}

#[test]
fn a_mail_cannot_carry_another_one() {
    let (folder, mut gateway) = started();
    for (n, end) in
        ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r\n\0.\r\n", "\r\n.\0\r\n", "\n\n.\r\n"]
            .iter()
            .enumerate()
    {
        let mut session = Smtp::connect(gateway.smtp).unwrap();
        for line in ["MAIL FROM:<a@a.example>".to_owned(), format!("RCPT TO:<{INTAKE}>"), "DATA".to_owned()] {
            session.say(&line).unwrap();
        }
        let hidden = format!(
            "MAIL FROM:<boss@a.example>\r\nRCPT TO:<{INTAKE}>\r\nDATA\r\nMessage-ID: <hidden{n}@a.example>\r\nFrom: boss@a.example\r\n\r\nx"
        );
        let whole = format!(
            "Message-ID: <outer{n}@a.example>\r\nFrom: a@a.example\r\n\r\nouter{end}{hidden}\r\n.\r\n"
        );
        session.send_raw(whole.as_bytes()).unwrap();
        let reply = session.reply().unwrap();
        println!("{end:?}: {reply}");
        assert!(session.say("NOOP").unwrap().starts_with("250"), "{end:?}: more than one answer was given");
    }
    others_are_served(&gateway, "SMUGGLE");
    let rows = list(folder.path());
    assert!(!rows.iter().any(|(_, id)| id.starts_with("hidden")), "{rows:?}");
    gateway.stop();
}

#[test]
fn too_large_is_said_early_and_late() {
    let (_folder, mut gateway) = started();
    let mut session = Smtp::connect(gateway.smtp).unwrap();
    assert!(session.say("MAIL FROM:<a@a.example> SIZE=99999999999").unwrap().starts_with("552"));
    for line in ["MAIL FROM:<a@a.example>".to_owned(), format!("RCPT TO:<{INTAKE}>"), "DATA".to_owned()] {
        session.say(&line).unwrap();
    }
    session.send_raw(b"Message-ID: <large@a.example>\r\n\r\n").unwrap();
    let line = [&[b'x'; 998][..], b"\r\n"].concat().repeat(1024);
    for _ in 0..70 {
        session.send_raw(&line).unwrap();
    }
    session.send_raw(b".\r\n").unwrap();
    let reply = session.reply().unwrap();
    assert!(reply.starts_with("552"), "{reply}");
    let mut connection = Mllp::connect(gateway.mllp).unwrap();
    let _ = connection.send_raw(b"\x0b");
    let _ = connection.send_raw(&admission("LARGE"));
    for _ in 0..70 {
        if connection.send_raw(&line).is_err() {
            break;
        }
    }
    let answer = connection.answer();
    println!("an MLLP frame over the limit: {answer:?}");
    assert!(!matches!(&answer, Ok(Some(text)) if text.contains("MSA|AA")));
    others_are_served(&gateway, "AFTERWARDS");
    println!(
        "resident memory: {} MB, at most {} MB",
        gateway.resident_bytes() >> 20,
        gateway.peak_resident_bytes() >> 20
    );
    assert!(gateway.resident_bytes() < MEMORY);
    gateway.stop();
}

/// Sends bytes to a port and reads until the other side closes or says nothing for two seconds.
fn poke(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n) = stream.read(&mut buffer) {
        if n == 0 || answer.len() > 1 << 20 {
            break;
        }
        answer.extend_from_slice(&buffer[..n]);
    }
    answer
}

#[test]
fn slow_and_foreign_clients_harm_nobody() {
    let (folder, mut gateway) = started();
    let before = list(folder.path()).len();
    let addresses = [gateway.smtp, gateway.mllp, gateway.http];
    let mut idle: Vec<TcpStream> = Vec::new();
    for address in addresses {
        for n in 0..200 {
            let mut stream = TcpStream::connect(address).expect("a connection is taken");
            // A third of them begins something and never ends it.
            if n % 3 == 0 {
                let begun: &[u8] =
                    if address == gateway.mllp { b"\x0bMSH|^~\\&|" } else { b"GET / HTTP/1.1\r\nHos" };
                let _ = stream.write_all(begun);
            }
            idle.push(stream);
        }
    }
    others_are_served(&gateway, "SLOW");

    let mut noise = vec![0_u8; 200_000];
    rand::fill(&mut noise[..]);
    let hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &noise[..500]].concat();
    let request = b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".as_slice();
    let zeros = vec![0_u8; 100_000];
    for address in addresses {
        for bytes in
            [noise.as_slice(), &hello, request, b"\x0b\x1c\r", b"\r\n\r\n\r\n", b"EHLO a\r\n", &zeros]
        {
            let answer = String::from_utf8_lossy(&poke(address, bytes)).into_owned();
            assert!(!answer.contains("MSA|AA"), "{answer}");
            assert!(gateway.is_alive());
        }
    }
    others_are_served(&gateway, "NOISE");
    drop(idle);
    let taken: Vec<_> = list(folder.path()).into_iter().skip(before).collect();
    let foreign = taken.iter().filter(|(_, id)| !["SLOW", "NOISE"].iter().any(|n| id.starts_with(n))).count();
    println!("{foreign} of these became intakes");
    gateway.stop();
}
