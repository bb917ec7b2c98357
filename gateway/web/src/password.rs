//! Passwords: argon2id in PHC form. Verifying takes as long for a name that does not exist.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;

/// Verified against when there is no such login name, so that time tells nothing.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_password("nobody has this password"));

/// Hashes a password with argon2id and a fresh salt, in PHC form. Takes some ten milliseconds and 19 MiB.
///
/// An empty text is returned if the system gives no randomness; it verifies nothing.
#[must_use]
pub fn hash_password(password: &str) -> String {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).unwrap_or_default()
}

/// Whether the password fits; slow, call on a blocking thread.
pub(crate) fn fits(password: &str, hash: Option<&str>) -> bool {
    let known = hash.filter(|h| !h.is_empty());
    let fits = Argon2::default().verify_password(password.as_bytes(), known.unwrap_or(&NOBODY)).is_ok();
    fits && known.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_somebody_fits() {
        let hash = hash_password("つばき 2026");
        assert!(hash.starts_with("$argon2id$"));
        assert!(fits("つばき 2026", Some(&hash)));
        assert!(!fits("つばき 2027", Some(&hash)));
        assert!(!fits("nobody has this password", None));
        assert!(!fits("", Some("")));
    }
}
