//! One newtype per kind of identity, so that a facility can never be passed where a patient group is
//! meant. Ids are opaque text of at most 64 bytes; those we make are ULIDs (time first, 80 random
//! bits), so rows of one table sort by the time of their making. An id never holds patient data.

use crate::clock::UtcMicros;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an id as it stands in the database or in a directory file.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Makes a fresh id from the time and 80 random bits.
            #[must_use]
            pub fn fresh(at: UtcMicros, random: u128) -> Self {
                Self(fresh_text(at, random))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

fn fresh_text(at: UtcMicros, random: u128) -> String {
    let millis = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
    ulid::Ulid::from_parts(millis, random).to_string()
}

id!(
    /// One association's area of operation (ネットワーク). First part of every key.
    NetworkId
);
id!(
    /// A registered organisation (施設).
    FacilityId
);
id!(
    /// A person on a facility's roster (スタッフ).
    StaffId
);
id!(
    /// A staff member with an account (ログイン利用者).
    LoginUserId
);
id!(
    /// One number, address or interface of a facility (宛先番号・アドレス).
    EndpointId
);
id!(
    /// A person cared for (患者).
    PatientId
);
id!(
    /// One patient's team and timeline (患者グループ).
    GroupId
);
id!(
    /// A consent (同意書).
    ConsentId
);
id!(
    /// One received fax, mail or message (取込).
    IntakeId
);
id!(
    /// An entry on a timeline (投稿).
    PostId
);
id!(
    /// A file or page (添付).
    AttachmentId
);
id!(
    /// One post or digest to one endpoint (配信).
    DeliveryId
);
id!(
    /// An intake that a human must place (仕分け待ち).
    TriageId
);
id!(
    /// A change of an endpoint's settings or number.
    ChangeId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_sort_by_time() {
        let early = PostId::fresh(UtcMicros::from_micros(1_000_000), u128::MAX);
        let late = PostId::fresh(UtcMicros::from_micros(2_000_000), 0);
        assert!(early < late);
        assert_eq!(early.as_str().len(), 26);
    }
}
