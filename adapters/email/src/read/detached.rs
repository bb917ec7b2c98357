//! Files taken out of a large mail before its structure is read. A mail of 50 MB is almost all base64: its
//! long runs are decoded while the mail is read from the disk, and a mark stands in their place, so that the
//! mail and its files are never in memory together. The structure is still mail-parser's alone: a run is known
//! by its lines, and where it turns out to be no base64 after all its own bytes come back.

use super::transfer;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::raw_bytes::RawBytes;
use sha2::{Digest as _, Sha256};
use std::io::{self, BufRead, BufReader, Read as _};

/// Runs shorter than this stay where they are.
const RUN_BYTES: usize = 128 * 1024;
/// Longest line that is looked at; a longer one is no base64 of a mailer.
const LINE_BYTES: u64 = 4_096;
/// Bytes of a mark once base64 is undone: of the mail, then of the run. Each is whole groups of base64.
const MARK_BYTES: usize = 2 * HALF;
const HALF: usize = 15;
/// What ends the line of a mark.
const LINE_END: &[u8] = b"\r\n";
/// Most runs that are taken out; the rest stay.
const MAX_RUNS: usize = 200;

/// A run that was taken out.
struct Run {
    mark: [u8; MARK_BYTES],
    /// Its lines decoded; given away once.
    decoded: Vec<u8>,
    start: u64,
    end: u64,
}

/// What was taken out of a mail.
#[derive(Default)]
pub(super) struct Detached {
    raw: RawBytes,
    runs: Vec<Run>,
}

/// The mail with a mark for each long run of base64, and the runs.
///
/// # Errors
/// If the disk does not give the bytes.
pub(super) fn detach(raw: &RawBytes) -> io::Result<(Vec<u8>, Detached)> {
    let Some(file) = raw.file() else { return Ok((raw.whole()?.to_vec(), Detached::default())) };
    let mut source = BufReader::with_capacity(64 * 1024, file.open()?.take(file.len() as u64));
    let mut taken = Taker::new(raw);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without end comes in pieces; none of them is base64 then.
        if source.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        taken.line(&line);
    }
    taken.end_run();
    Ok((taken.rest, Detached { raw: raw.clone(), runs: taken.runs }))
}

struct Taker<'a> {
    hash: &'a ContentHash,
    rest: Vec<u8>,
    runs: Vec<Run>,
    /// Lines of the present run while it is short.
    lines: Vec<u8>,
    /// The present run once it is long.
    long: Option<Run>,
    at: u64,
}

impl<'a> Taker<'a> {
    fn new(raw: &'a RawBytes) -> Self {
        Self {
            hash: raw.content_hash(),
            rest: Vec::new(),
            runs: Vec::new(),
            lines: Vec::new(),
            long: None,
            at: 0,
        }
    }

    fn line(&mut self, line: &[u8]) {
        let kind = kind(line);
        if kind == Line::Other {
            self.end_run();
            self.rest.extend_from_slice(line);
        } else {
            match &mut self.long {
                Some(run) => run.decoded.append(&mut transfer::base64(line).0),
                None => self.lines.extend_from_slice(line),
            }
            if self.long.is_none() && self.lines.len() >= RUN_BYTES && self.runs.len() < MAX_RUNS {
                let start = self.at + line.len() as u64 - self.lines.len() as u64;
                let mark = mark(self.hash, self.runs.len());
                let decoded = transfer::base64(&self.lines).0;
                self.lines.clear();
                self.long = Some(Run { mark, decoded, start, end: start });
            }
        }
        self.at += line.len() as u64;
        if kind == Line::Last {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        if let Some(mut run) = self.long.take() {
            run.end = self.at;
            self.rest.extend_from_slice(&written(&run.mark));
            self.rest.extend_from_slice(LINE_END);
            self.runs.push(run);
        }
        self.rest.append(&mut self.lines);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Whole groups of base64.
    Base64,
    /// The same with padding: nothing of this run follows.
    Last,
    Other,
}

fn kind(line: &[u8]) -> Line {
    let text = line.strip_suffix(b"\n").map_or(&[][..], |l| l.strip_suffix(b"\r").unwrap_or(l));
    let digits = text.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).count();
    let padding = &text[digits..];
    if text.is_empty()
        || !text.len().is_multiple_of(4)
        || padding.len() > 2
        || padding.iter().any(|b| *b != b'=')
    {
        Line::Other
    } else if padding.is_empty() {
        Line::Base64
    } else {
        Line::Last
    }
}

/// Nobody can write it into a mail beforehand: it is made of the hash of the whole mail.
fn half(hash: &ContentHash, what: &[u8]) -> [u8; HALF] {
    let mut hasher = Sha256::new();
    hasher.update(hash.as_str().as_bytes());
    hasher.update(what);
    let digest = hasher.finalize();
    std::array::from_fn(|i| digest[i])
}

fn mark(hash: &ContentHash, index: usize) -> [u8; MARK_BYTES] {
    let (mail, run) = (half(hash, b"detached"), half(hash, &index.to_be_bytes()));
    std::array::from_fn(|i| if i < HALF { mail[i] } else { run[i - HALF] })
}

/// The mark in base64.
fn written(mark: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let value = three.iter().fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| DIGITS[value >> shift & 63])
    };
    mark.chunks_exact(3).flat_map(group).collect()
}

impl Detached {
    /// Puts the runs back into the decoded bytes of a part that was carried as base64; `body` is that part
    /// before it was decoded.
    ///
    /// # Errors
    /// If the disk does not give them.
    pub(super) fn put_back_decoded(&mut self, body: &[u8], bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let found = self.find(&bytes, <[u8]>::to_vec);
        if found.len() != self.find(body, written).len() {
            // Damage between the runs has moved what follows it, as it would have without us.
            return Ok(self.put_back_sent(body)?.map_or(bytes, |sent| transfer::base64(&sent).0));
        }
        let mut out = Vec::new();
        let mut from = 0;
        for (at, index) in found {
            let mut decoded = std::mem::take(&mut self.runs[index].decoded);
            if decoded.is_empty() {
                // Given away already.
                decoded = transfer::base64(&self.sent(index)?).0;
            }
            out.extend_from_slice(&bytes[from..at]);
            if out.is_empty() {
                out = decoded;
            } else {
                out.append(&mut decoded);
            }
            from = at + MARK_BYTES;
        }
        if from == 0 {
            return Ok(bytes);
        }
        out.extend_from_slice(&bytes[from..]);
        Ok(out)
    }

    /// The bytes of a part as they were sent, where it was no base64 after all; `None` if nothing was taken
    /// out of it.
    ///
    /// # Errors
    /// If the disk does not give them.
    pub(super) fn put_back_sent(&mut self, body: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let found = self.find(body, written);
        let mut out = Vec::new();
        let mut from = 0;
        for (at, index) in found {
            self.runs[index].decoded = Vec::new();
            out.extend_from_slice(&body[from..at]);
            out.append(&mut self.sent(index)?);
            from = at + MARK_BYTES / 3 * 4 + LINE_END.len();
        }
        if from == 0 {
            return Ok(None);
        }
        out.extend_from_slice(body.get(from..).unwrap_or_default());
        Ok(Some(out))
    }

    /// Where marks stand in these bytes, and whose, in this form.
    fn find(&self, bytes: &[u8], form: fn(&[u8]) -> Vec<u8>) -> Vec<(usize, usize)> {
        let Some(first) = self.runs.first() else { return Vec::new() };
        let of_mail = form(&first.mark[..HALF]);
        let marks: Vec<Vec<u8>> = self.runs.iter().map(|run| form(&run.mark)).collect();
        memchr::memmem::find_iter(bytes, &of_mail)
            .filter_map(|at| marks.iter().position(|mark| bytes[at..].starts_with(mark)).map(|run| (at, run)))
            .collect()
    }

    /// The lines of a run as they came.
    fn sent(&self, index: usize) -> io::Result<Vec<u8>> {
        let (Some(run), Some(file)) = (self.runs.get(index), self.raw.file()) else { return Ok(Vec::new()) };
        let mut source = file.open()?;
        io::copy(&mut source.by_ref().take(run.start), &mut io::sink())?;
        let mut lines = Vec::new();
        source.take(run.end - run.start).read_to_end(&mut lines)?;
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse_mail, parse_raw};
    use super::*;
    use base64::Engine as _;
    use kakehashi_core::raw_bytes::FiledBytes;
    use std::path::Path;
    use std::sync::Arc;

    struct OnDisk(Vec<u8>);

    impl FiledBytes for OnDisk {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn path(&self) -> &Path {
            Path::new("mail")
        }

        fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
            Ok(Box::new(io::Cursor::new(self.0.clone())))
        }
    }

    fn filed(bytes: &[u8]) -> RawBytes {
        RawBytes::filed(Arc::new(OnDisk(bytes.to_vec())), ContentHash::of(bytes))
    }

    fn base64_lines(bytes: &[u8], width: usize) -> String {
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        let lines = text.as_bytes().chunks(width).map(|l| String::from_utf8_lossy(l).into_owned() + "\r\n");
        lines.collect()
    }

    fn noise(len: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        std::iter::repeat_with(next).take(len).collect()
    }

    fn mail(parts: &[&str]) -> Vec<u8> {
        let mut text = "From: a@b.example\r\nSubject: files\r\nMIME-Version: 1.0\r\n\
                        Content-Type: multipart/mixed; boundary=x\r\n\r\n"
            .to_owned();
        for part in parts {
            text.push_str(&format!("--x\r\n{part}"));
        }
        text.push_str("\r\n--x--\r\n");
        text.into_bytes()
    }

    fn file(name: &str, encoding: &str, body: &str) -> String {
        format!(
            "Content-Type: application/octet-stream; name={name}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        )
    }

    /// A mail reads the same from the disk as from memory.
    fn same(bytes: &[u8], runs: usize) {
        let (rest, detached) = detach(&filed(bytes)).unwrap();
        assert_eq!(detached.runs.len(), runs);
        assert!(runs == 0 || rest.len() < bytes.len() / 2, "{} of {} stay", rest.len(), bytes.len());
        let (held, read) = (parse_mail(bytes).unwrap(), parse_raw(&filed(bytes)).unwrap());
        assert_eq!((&held.text, &held.content_hash), (&read.text, &read.content_hash));
        assert_eq!(format!("{:?}", held.warnings), format!("{:?}", read.warnings));
        assert_eq!(held.parts.len(), read.parts.len());
        for (held, read) in held.parts.iter().zip(&read.parts) {
            assert_eq!((&held.name, &held.media_type), (&read.name, &read.media_type));
            assert!(
                held.bytes == read.bytes,
                "{:?}: {} and {}",
                held.name,
                held.bytes.len(),
                read.bytes.len()
            );
        }
    }

    #[test]
    fn files_come_back_whole() {
        let (one, two) = (base64_lines(&noise(300_001, 1), 76), base64_lines(&noise(200_000, 2), 60));
        let text = "Content-Type: text/plain\r\n\r\nsee files\r\n";
        same(&mail(&[text, &file("one", "base64", &one), &file("two", "base64", &two)]), 2);
    }

    #[test]
    fn what_only_looks_like_base64_stays_as_it_was_sent() {
        let lines = "ABCD".repeat(18) + "\r\n";
        let many = lines.repeat(4_000);
        let text = format!("Content-Type: text/plain\r\n\r\n{many}");
        same(&mail(&[&text]), 1);
        let odd = format!("begin\r\n{many}an end\r\n");
        same(&mail(&["Content-Type: text/plain\r\n\r\nx\r\n", &file("a", "7bit", &odd)]), 1);
        same(&mail(&["Content-Type: text/plain\r\n\r\nx\r\n", &file("a", "quoted-printable", &odd)]), 1);
        let nested = String::from_utf8(mail(&[&file("in", "base64", &many)])).unwrap();
        same(
            &mail(&[&format!(
                "Content-Type: message/rfc822\r\n\r\n{}",
                nested.replace("=x", "=y").replace("--x", "--y")
            )]),
            1,
        );
    }

    #[test]
    fn damaged_and_joined_base64_is_read_as_before() {
        let run = base64_lines(&noise(200_000, 3), 76);
        let joined = format!("{run}*damage*\r\n{run}QUJD\r\n\r\n{run}");
        same(&mail(&[&file("a", "base64", &joined)]), 3);
        let unaligned = base64_lines(&noise(200_000, 4), 75);
        same(&mail(&[&file("a", "base64", &unaligned)]), 0);
        let short = base64_lines(&noise(50_000, 5), 76);
        same(&mail(&[&file("a", "base64", &short)]), 0);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(24))]
        #[test]
        fn any_order_of_lines_reads_the_same(
            pieces in proptest::collection::vec((0..5_usize, 0..4_u64), 1..6),
            encoding in proptest::sample::select(vec!["base64", "7bit", "quoted-printable", "x-unknown"]),
        ) {
            let body: String = pieces.iter().map(|(kind, seed)| match kind {
                0 | 1 => base64_lines(&noise(130_000 + *seed as usize, *seed), 76),
                2 => "\r\n".to_owned(),
                3 => "a line of text, and = signs =3D\r\n".to_owned(),
                _ => base64_lines(&noise(30, *seed), 76),
            }).collect();
            let bytes = mail(&["Content-Type: text/plain\r\n\r\nx\r\n", &file("a", encoding, &body)]);
            let (held, read) = (parse_mail(&bytes).unwrap(), parse_raw(&filed(&bytes)).unwrap());
            proptest::prop_assert_eq!(&held.text, &read.text);
            let parts: Vec<Vec<u8>> = held.parts.into_iter().map(|p| p.bytes).collect();
            let again: Vec<Vec<u8>> = read.parts.into_iter().map(|p| p.bytes).collect();
            proptest::prop_assert!(parts == again);
        }
    }
}
