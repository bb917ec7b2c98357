//! Randomness of the pages: keys, tokens, codes. The one place that asks for it.

use crate::views::post::FreshKeys;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::ids::PostId;

/// 128 bits.
pub(crate) fn bits() -> u128 {
    rand::random()
}

/// A token of 256 bits, 64 hexadecimal digits.
pub(crate) fn token() -> String {
    format!("{:032x}{:032x}", bits(), bits())
}

/// Makes keys for forms: the id that the post of a form will have, so that a form sent twice is one post.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FormKeys(pub(crate) UtcMicros);

impl FreshKeys for FormKeys {
    fn next(&self) -> String {
        PostId::fresh(self.0, bits()).to_string()
    }
}
