//! Authentication-Results (RFC 8601) as another server wrote them: who says it, and what passed for which
//! domain. Total; what is not understood is not said.

/// What a server says to have found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// The authserv-id.
    pub(super) by: String,
    /// `header.from` of a DMARC pass.
    pub(super) dmarc_domain: Option<String>,
    /// DMARC passed without naming its domain.
    pub(super) dmarc_passed: bool,
    /// DMARC failed.
    pub(super) dmarc_failed: bool,
    /// `header.d` (or the domain of `header.i`) of each DKIM pass.
    pub(super) dkim_domains: Vec<String>,
    /// Domain of `smtp.mailfrom` of an SPF pass.
    pub(super) spf_domain: Option<String>,
    /// SPF says that this host may not send.
    pub(super) spf_failed: bool,
}

impl Claims {
    /// Whether DMARC passed for this author's domain.
    pub(super) fn dmarc_passes(&self, author: &str) -> bool {
        self.dmarc_passed && self.dmarc_domain.as_deref().is_none_or(|d| d.eq_ignore_ascii_case(author))
    }
}

/// Reads the value of one header field.
pub(super) fn parse(value: &str) -> Option<Claims> {
    let plain = without_comments(value.get(..value.len().min(16 * 1024)).unwrap_or(""));
    let mut parts = plain.split(';');
    let by = parts.next()?.split_ascii_whitespace().next()?.to_ascii_lowercase();
    let mut claims = Claims { by, ..Claims::default() };
    for part in parts.take(50) {
        let mut words = part.split_ascii_whitespace().filter_map(|w| w.split_once('='));
        let Some((method, result)) = words.next() else { continue };
        let passed = result.eq_ignore_ascii_case("pass");
        let failed = result.eq_ignore_ascii_case("fail");
        let values: Vec<(String, String)> =
            words.map(|(k, v)| (k.to_ascii_lowercase(), v.trim_matches('"').to_ascii_lowercase())).collect();
        let value = |key: &str| values.iter().find(|(k, _)| k == key).map(|(_, v)| domain(v));
        match method.to_ascii_lowercase().as_str() {
            "dmarc" => {
                claims.dmarc_passed |= passed;
                claims.dmarc_failed |= failed;
                claims.dmarc_domain = value("header.from").or(claims.dmarc_domain);
            }
            "dkim" if passed => claims.dkim_domains.extend(value("header.d").or_else(|| value("header.i"))),
            "spf" => {
                claims.spf_failed |= failed;
                if passed {
                    claims.spf_domain = value("smtp.mailfrom");
                }
            }
            _ => {}
        }
    }
    Some(claims)
}

fn domain(value: &str) -> String {
    value.rsplit_once('@').map_or(value, |(_, d)| d).trim_matches(['<', '>', '.']).to_owned()
}

/// Comments nest and may hold anything (RFC 5322 3.2.2).
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if depth == 0 => {
                quoted = !quoted;
                out.push(c);
            }
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                out.push(' ');
            }
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_relay_says() {
        let claims = parse(
            " MX.Office.example 1; spf=pass (sender; (is) ok) smtp.mailfrom=nurse@st.example;\r\n\
             \tdkim=pass header.d=st.example header.s=a; dkim=fail header.d=evil.example;\r\n\
             \tdmarc=pass (p=none) header.from=st.example",
        )
        .unwrap();
        assert_eq!(claims.by, "mx.office.example");
        assert_eq!(claims.spf_domain.as_deref(), Some("st.example"));
        assert_eq!(claims.dkim_domains, ["st.example"]);
        assert!(claims.dmarc_passes("ST.example"));
        assert!(!claims.dmarc_passes("other.example"));
        let failed = parse("mx; dmarc=fail header.from=st.example; spf=fail").unwrap();
        assert!(failed.dmarc_failed && failed.spf_failed && !failed.dmarc_passes("st.example"));
        // A comment cannot say what the server does not.
        assert!(!parse("mx; spf=none (; dmarc=pass)").unwrap().dmarc_passed);
        assert_eq!(parse(""), None);
    }

    proptest::proptest! {
        #[test]
        fn total(value: String, like in "(mx|;| |dmarc=|spf=|pass|\\(|\\)|\"|header.from=|a@b){0,20}") {
            let _ = parse(&value);
            let _ = parse(&like);
        }
    }
}
