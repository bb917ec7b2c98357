//! Files that old mailers write into the text itself (uuencode, and yEnc is not one of them). Takes them
//! out of the text; a block that is not closed or not well-formed stays in the text as it came.

const MAX_FILES: usize = 20;

/// A text without its uuencoded files, and the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    pub(crate) text: String,
    /// Name and bytes.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

/// Takes the files out; `None` if there are none.
pub(crate) fn part(text: &str) -> Option<Parted> {
    if !text.contains("begin ") {
        return None;
    }
    let mut out = Parted::default();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        if out.files.len() < MAX_FILES
            && let Some(name) = opening(lines[at])
            && let Some((bytes, next)) = block(&lines[at + 1..])
        {
            out.files.push((name.to_owned(), bytes));
            at += 1 + next;
            continue;
        }
        out.text.push_str(lines[at]);
        out.text.push('\n');
        at += 1;
    }
    (!out.files.is_empty()).then_some(out)
}

/// `begin 644 name`.
fn opening(line: &str) -> Option<&str> {
    let (mode, name) = line.trim_end().strip_prefix("begin ")?.split_once(' ')?;
    let octal = (3..=4).contains(&mode.len()) && mode.bytes().all(|b| matches!(b, b'0'..=b'7'));
    (octal && !name.trim().is_empty()).then(|| name.trim())
}

/// The decoded lines up to `end` and how many lines they take.
fn block(lines: &[&str]) -> Option<(Vec<u8>, usize)> {
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        // Blanks at the end stand for zeros and get lost on the way; a grave accent is one too.
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim_end() == "end" {
            return Some((out, at + 1));
        }
        let bytes = line.as_bytes();
        let Some(first) = bytes.first() else {
            // An empty line is the empty last line whose blank was cut.
            if lines.get(at + 1).is_some_and(|l| l.trim_end() == "end") {
                continue;
            }
            return None;
        };
        let count = value(*first)?;
        let needed = count.div_ceil(3) * 4;
        let body = &bytes[1..];
        // One sign more is a check sum that some programs add.
        if body.len() > needed + 1 {
            return None;
        }
        let mut line_bytes = Vec::with_capacity(count + 2);
        for group in 0..count.div_ceil(3) {
            let mut word = 0_usize;
            for place in 0..4 {
                let sign = body.get(group * 4 + place).copied().unwrap_or(b' ');
                word = word << 6 | value(sign)?;
            }
            line_bytes.extend([(word >> 16) as u8, (word >> 8) as u8, word as u8]);
        }
        line_bytes.truncate(count);
        out.extend(line_bytes);
    }
    None
}

fn value(sign: u8) -> Option<usize> {
    (0x20..=0x60).contains(&sign).then(|| usize::from(sign - 0x20) & 0x3f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_leave_the_text() {
        let text = "前\nbegin 644 cat.txt\n#0V%T\n`\nend\n後\n";
        let got = part(text).unwrap();
        assert_eq!(got.text, "前\n後\n");
        assert_eq!(got.files, [("cat.txt".to_owned(), b"Cat".to_vec())]);
        assert_eq!(part("begin 644 cat.txt\n#0V%T\n"), None);
        assert_eq!(part("we begin 10 minutes later\nend"), None);
        assert_eq!(part("begin 644 x\nこれは文です\nend"), None);
    }

    proptest::proptest! {
        #[test]
        fn total(text in "(begin 644 a\n|end\n|[ -`]{0,8}\n|あ\n){0,20}") {
            if let Some(got) = part(&text) {
                proptest::prop_assert!(got.files.len() <= MAX_FILES && got.text.len() <= text.len() + 1);
            }
        }
    }
}
