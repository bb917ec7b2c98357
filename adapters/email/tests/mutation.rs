//! Mails of the corpora, damaged at random: cut, doubled, spliced, sprinkled with what breaks readers. Every one
//! is read or refused within bounds. Runs two seconds; `KAKEHASHI_MUTATE_SECONDS=600 cargo test -p
//! kakehashi-email --release --test mutation` searches longer, from another seed each time it is told one by
//! `KAKEHASHI_MUTATE_SEED`. The fuzz targets in `fuzz/` do the same with coverage where a nightly is at hand.

use kakehashi_core::port::{HashingSink, Origin};
use kakehashi_email::read::{envelope, parse_mail};
use std::path::Path;
use std::time::{Duration, Instant};

/// Pieces that have meaning to some layer of a mail.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\r\n\r\n",
    b"\r\n--",
    b"--\r\n",
    b"\x1b$B",
    b"\x1b(B",
    b"\x1b(I",
    b"=?ISO-2022-JP?B?",
    b"=?utf-8?Q?=E3?=",
    b"?=",
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: text/html; charset=iso-2022-jp\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n",
    b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nFinal-Recipient: rfc822; a@b\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Type: text/plain; format=flowed; delsp=yes\r\n",
    b"filename*0*=utf-8''%E3%81",
    b"; charset=\"cp932\"",
    b"\r\n> ",
    b"\r\n>>>>>>>>",
    b"\r\n-- \r\n",
    b"-----Original Message-----\r\nFrom: a\r\n",
    "\r\n差出人: a\r\n送信日時: b\r\n件名: c\r\n".as_bytes(),
    "了解しました".as_bytes(),
    "＿＿＿＿＿＿".as_bytes(),
    b"<blockquote>",
    b"</div><style>",
    b"<!--",
    b"&#x1f44d;",
    b"\x78\x9f\x3e\x22",
    b"begin 644 a\r\n",
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:99999999T999999Z\r\n",
    b"PK\x03\x04",
    b"\xff\xd8\xff\xe1",
    b"\xf0\x9f",
    b"\x82",
];

/// xorshift64*: enough to go astray with, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % (end.max(1) as u64)).unwrap_or(0)
    }
}

fn damage(mail: &mut Vec<u8>, all: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(mail.len() + 1);
    match dice.below(8) {
        0 if at < mail.len() => mail[at] = (dice.roll() & 0xff) as u8,
        1 => drop(mail.drain(at..(at + dice.below(200)).min(mail.len()))),
        2 => {
            let piece = mail[at..(at + dice.below(400)).min(mail.len())].to_vec();
            let to = dice.below(mail.len() + 1);
            mail.splice(to..to, piece);
        }
        3 => mail.truncate(at.max(1)),
        4 => {
            let other = &all[dice.below(all.len())];
            let from = dice.below(other.len());
            let until = (from + dice.below(2_000)).min(other.len());
            mail.splice(at..at, other[from..until].iter().copied());
        }
        5 if at < mail.len() => mail[at] ^= 1 << dice.below(8),
        _ => {
            let piece = PIECES[dice.below(PIECES.len())];
            let times = if dice.below(20) == 0 { 500 } else { 1 };
            mail.splice(at..at, piece.repeat(times));
        }
    }
    mail.truncate(1 << 20);
}

#[test]
fn damaged_mails_are_read_or_refused() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all: Vec<Vec<u8>> = Vec::new();
    for folder in ["tests/corpus/email/synthetic-ja", "../shared/corpus/email/public"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
            println!("{folder}: not there");
            continue;
        };
        let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        all.extend(
            paths
                .iter()
                .filter(|p| p.extension().is_some_and(|e| e == "eml"))
                .map(|p| std::fs::read(p).unwrap()),
        );
    }
    assert!(!all.is_empty());
    let end = Instant::now() + Duration::from_secs(number("KAKEHASHI_MUTATE_SECONDS").unwrap_or(2));
    let mut dice = Dice(number("KAKEHASHI_MUTATE_SEED").unwrap_or(0x6b61_6b65) | 1);
    let (mut count, mut slowest) = (0_u64, Duration::ZERO);
    while Instant::now() < end {
        let mut mail = all[dice.below(all.len())].clone();
        for _ in 0..=dice.below(12) {
            damage(&mut mail, &all, &mut dice);
        }
        let begun = Instant::now();
        let read = std::panic::catch_unwind(|| {
            let Ok(parsed) = parse_mail(&mail) else { return };
            let Ok(got) = envelope(&parsed, &Origin::default(), &mut HashingSink) else { return };
            let count = |s: &str| s.chars().filter(|c| !c.is_whitespace()).count();
            let kept: usize =
                [&got.body, &got.quoted, &got.signature].into_iter().flatten().map(|s| count(s)).sum();
            // Only what a program writes around a tapped emoji may go.
            let tapped = got.body.as_deref().is_some_and(|b| count(b) <= 4);
            assert!(kept >= count(&parsed.text) || tapped || !parsed.parts.is_empty(), "words were lost");
        });
        if read.is_err() {
            let kept = std::env::temp_dir().join("kakehashi-mutation.eml");
            std::fs::write(&kept, &mail).unwrap();
            panic!("reading panicked; the mail is kept as {}", kept.display());
        }
        slowest = slowest.max(begun.elapsed());
        count += 1;
    }
    println!("{count} damaged mails, slowest {} ms", slowest.as_millis());
}
