//! The attributes of a tag, read as browsers read them: names at the start of words only, so that `data-href`
//! is no `href` and a value is no attribute.

/// Most attributes of one tag that are looked at.
const MAX_ATTRIBUTES: usize = 100;

/// Name and value as written, of the tag's text after `<` and without `>`.
pub(super) fn each(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let name_end = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
    let mut rest = &tag[name_end..];
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        // A name has at least one sign, so that a stray `=` is passed.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..]
            .find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/')
            .map_or(rest.len(), |at| at + first);
        let name = &rest[..end];
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(after) = rest.strip_prefix('=') else { return Some((name, "")) };
        let after = after.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let value = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = &after[1..];
                let end = inner.find(quote).unwrap_or(inner.len());
                rest = inner.get(end + 1..).unwrap_or("");
                &inner[..end]
            }
            _ => {
                let end = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
                rest = &after[end..];
                &after[..end]
            }
        };
        Some((name, value))
    })
    .take(MAX_ATTRIBUTES)
}

/// The value of the first attribute of this name, as written.
pub(super) fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    each(tag).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_alone() {
        let tag = "a data-href='x' title=\"href=y\" HREF = z hidden/";
        assert_eq!(value(tag, "href"), Some("z"));
        assert_eq!(value(tag, "hidden"), Some(""));
        assert_eq!(value("a", "href"), None);
        assert_eq!(value("a href='open", "href"), Some("open"));
        assert_eq!(each("p = ==x あ=い").collect::<Vec<_>>(), [("=", "=x"), ("あ", "い")]);
    }

    proptest::proptest! {
        #[test]
        fn total(tag in ".*", like in "[a-c='\" /あ]{0,40}") {
            for text in [tag, like] {
                proptest::prop_assert!(each(&text).count() <= MAX_ATTRIBUTES);
            }
        }
    }
}
