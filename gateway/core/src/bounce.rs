//! What a returned mail says about the address it was meant for. A hard bounce (RFC 3463 class 5 with a
//! subject of addressing, or the words that systems without codes use) means that nobody reads there; a full
//! mailbox, a filter or a passing fault does not. After the second hard one the address is suspended.

/// Earlier hard bounces at which the next one suspends the endpoint.
pub const HARD_BEFORE_SUSPENSION: u32 = 1;
/// Earlier bounces count for this long.
pub const COUNTS_FOR_SECONDS: i64 = 60 * 24 * 3600;

/// Whether the status or words of a failure mean that the address does not exist any more.
#[must_use]
pub fn is_hard(status: &str) -> bool {
    let lower = status.to_lowercase();
    const LIVING: &[&str] = &[
        "full",
        "quota",
        "exceeded",
        "一杯",
        "いっぱい",
        "spam",
        "blocked",
        "policy",
        "blacklist",
        "dnsbl",
        "too large",
        "size",
        "dmarc",
        "spf",
        "拒否",
        "greylist",
        "rate limit",
    ];
    if LIVING.iter().any(|w| lower.contains(w)) {
        return false;
    }
    // The enhanced code speaks first: x.1.y is addressing, 5.2.1 a mailbox that was closed.
    for word in lower.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let mut parts = word.trim_matches('.').split('.');
        if let (Some("5"), Some(subject), Some(detail), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            match (subject, detail) {
                ("1", "0" | "1" | "2" | "3" | "6" | "10") | ("2", "1") => return true,
                // Some say 5.2.0, 5.3.0 or 5.5.0 for an unknown user: the words tell.
                ("0" | "2" | "3" | "4" | "5", _) => {}
                _ => return false,
            }
        }
    }
    const GONE: &[&str] = &[
        "user unknown",
        "unknown user",
        "unknown recipient",
        "unknown e-mail address",
        "unknown address",
        "addresses were unknown",
        "no such user",
        "no such recipient",
        "no such mailbox",
        "no mailbox",
        "mailbox not found",
        "mailbox unavailable",
        "does not exist",
        "doesn't exist",
        "not found",
        "not listed",
        "invalid recipient",
        "recipient address rejected",
        "address rejected",
        "account disabled",
        "account is disabled",
        "host unknown",
        "宛先不明",
        "存在しない",
        "見つかりません",
    ];
    GONE.iter().any(|w| lower.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gone_and_living() {
        for status in [
            "5.1.1 550 Unknown user kaigo..musume.@docomo.example",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            "5.2.0 550 Unknown user a@docomo.example",
            "550 Unknown user a@b.example (#5.5.0)",
            "User some.name (a@b.example) not listed in Domino Directory",
            "宛先不明",
            "入力したメール アドレスが見つかりませんでした。",
            "The following destination addresses were unknown (please check",
            "5.1.2 Host unknown",
        ] {
            assert!(is_hard(status), "{status}");
        }
        for status in [
            "",
            "5.2.2 552 Mailbox full",
            "4.2.2 mailbox full",
            "5.7.1 550 Message content rejected",
            "送信先のメールボックスが一杯のため、送信できませんでした。",
            "550 5.7.26 DMARC policy",
            "4.4.1 connection timed out",
            "5.1.8 553 5.1.8 Domain of sender address root@x does not exist",
        ] {
            assert!(!is_hard(status), "{status}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(status in ".*", like in "[45. 0-9a-z]{0,30}") {
            let _ = is_hard(&status);
            let _ = is_hard(&like);
        }
    }
}
