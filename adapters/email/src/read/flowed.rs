//! format=flowed undone (RFC 3676): soft line breaks joined, quote depth respected, space stuffing
//! taken off, `DelSp` obeyed because Japanese has no blanks between words. Never touches a signature
//! mark.

/// Joins flowed lines. `text` has LF line ends.
pub(crate) fn unflow(text: &str, del_sp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_mark = content == "-- ";
        let continues = open == Some(depth) && !is_mark;
        if !continues {
            if !out.is_empty() || open.is_some() {
                out.push('\n');
            }
            if depth > 0 {
                out.push_str(&">".repeat(depth));
                if !content.is_empty() {
                    out.push(' ');
                }
            }
        }
        let soft = content.ends_with(' ') && !is_mark;
        out.push_str(if soft && del_sp { &content[..content.len() - 1] } else { content });
        open = soft.then_some(depth);
        if out.is_empty() {
            // A leading empty line must stay a line.
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_breaks_join_within_one_depth() {
        assert_eq!(unflow("a \nb\n> c \n> d\n-- \nx", false), "a b\n> c d\n-- \nx");
        assert_eq!(unflow("了 \n解", true), "了解");
        assert_eq!(unflow("> a \nb", false), "> a \nb");
    }

    proptest::proptest! {
        #[test]
        fn total(text in "([> a]{0,4}\n?){0,9}", any in ".*", del in proptest::bool::ANY) {
            let _ = unflow(&text, del);
            let _ = unflow(&any, del);
        }
    }
}
