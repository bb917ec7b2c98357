//! Topics: `kakehashi/<network>/care-notes/<endpoint address>`. The last level is the opaque address of
//! the facility's endpoint; a topic never holds a name, because brokers log topics (care-network.md 8.6).

/// Longest topic that is taken, in bytes.
const TOPIC_BYTES: usize = 300;
/// Longest endpoint address, in bytes.
const ADDRESS_BYTES: usize = 64;

/// The endpoint address that a topic names: its last level. `None` if there is none or it holds anything
/// besides letters, digits, `-`, `_` and `.`.
#[must_use]
pub fn endpoint_address(topic: &str) -> Option<&str> {
    if topic.len() > TOPIC_BYTES {
        return None;
    }
    let (_, last) = topic.rsplit_once('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ok = !last.is_empty() && last.len() <= ADDRESS_BYTES && last.chars().all(plain);
    ok.then_some(last)
}

/// Why a topic filter cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterFault {
    /// No level varies by facility.
    #[error("the topic filter must end in /+ so that its last level is the facility's endpoint address")]
    NoFacility,
    /// It would take topics that are not ours.
    #[error("the topic filter must not hold # and must name at least one fixed level")]
    TooWide,
}

/// Checks a configured topic filter: fixed levels, then `/+`.
///
/// # Errors
/// [`FilterFault`] says what to write instead.
pub fn check_filter(filter: &str) -> Result<(), FilterFault> {
    let Some(fixed) = filter.strip_suffix("/+") else { return Err(FilterFault::NoFacility) };
    let named = fixed.split('/').any(|level| !level.is_empty() && level != "+");
    if fixed.contains('#') || !named {
        return Err(FilterFault::TooWide);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_level_is_the_endpoint() {
        for (topic, address) in [
            ("kakehashi/sakurami/care-notes/t-7q2m", Some("t-7q2m")),
            ("a/b.c_D-9", Some("b.c_D-9")),
            ("t-7q2m", None),
            ("kakehashi/", None),
            ("kakehashi/山本千代", None),
            ("kakehashi/a b", None),
        ] {
            assert_eq!(endpoint_address(topic), address, "{topic}");
        }
        assert_eq!(endpoint_address(&format!("k/{}", "a".repeat(65))), None);
    }

    #[test]
    fn filters() {
        for (filter, result) in [
            ("kakehashi/sakurami/care-notes/+", Ok(())),
            ("kakehashi/+/care-notes/+", Ok(())),
            ("kakehashi/sakurami/care-notes", Err(FilterFault::NoFacility)),
            ("kakehashi/#", Err(FilterFault::NoFacility)),
            ("#/+", Err(FilterFault::TooWide)),
            ("+/+", Err(FilterFault::TooWide)),
        ] {
            assert_eq!(check_filter(filter), result, "{filter}");
        }
    }

    proptest! {
        #[test]
        fn any_topic(topic in ".{0,100}") {
            if let Some(address) = endpoint_address(&topic) {
                prop_assert!(!address.is_empty() && topic.ends_with(address));
            }
            let _ = check_filter(&topic);
        }
    }
}
