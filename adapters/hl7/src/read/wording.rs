//! The sentences that posts from hospitals consist of: templates/hl7, filled in. `{field}` is replaced;
//! a part in `[…]` is left out if one of its fields is absent. Values are never read as templates.

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../../../templates/hl7/", $name, ".txt"))
    };
}
pub(crate) use template;

/// Fills a template. A field that is absent outside of brackets becomes nothing.
#[must_use]
pub fn fill(template: &str, fields: &[(&str, Option<&str>)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('[') {
        plain(before, fields, &mut out);
        let (optional, after) = tail.split_once(']').unwrap_or((tail, ""));
        let mut part = String::new();
        if plain(optional, fields, &mut part) {
            out.push_str(&part);
        }
        rest = after;
    }
    plain(rest, fields, &mut out);
    out.trim().to_owned()
}

/// Writes a part without brackets; whether every field of it was there.
fn plain(part: &str, fields: &[(&str, Option<&str>)], out: &mut String) -> bool {
    let mut complete = true;
    let mut rest = part;
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
        let value = fields.iter().find(|(field, _)| *field == name).and_then(|(_, value)| *value);
        match value.filter(|v| !v.is_empty()) {
            Some(value) => out.push_str(value),
            None => complete = false,
        }
        rest = after;
    }
    out.push_str(rest);
    complete
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn parts_with_absent_fields_are_left_out() {
        let template = "{who}様が[{at}に]{place}へ入院されました。[\n理由: {why}]\n";
        let all =
            [("who", Some("山本千代")), ("at", Some("6月5日")), ("place", Some("[5E]{who}")), ("why", None)];
        assert_eq!(fill(template, &all), "山本千代様が6月5日に[5E]{who}へ入院されました。");
        assert_eq!(
            fill(template, &[("who", Some("A")), ("why", Some("検査"))]),
            "A様がへ入院されました。\n理由: 検査"
        );
    }

    proptest::proptest! {
        #[test]
        fn filling_is_total(template in "[\\[\\]{}a-b山]{0,40}", value in ".{0,20}") {
            let _ = fill(&template, &[("a", Some(&value)), ("b", None)]);
        }
    }
}
