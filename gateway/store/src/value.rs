//! What is bound to a statement, the same for both databases. Only the few types that both know: text,
//! whole numbers, truth, bytes and lists of text. Never a time type, JSON type or number of a driver.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::{
    AttachmentId, ChangeId, ConsentId, DeliveryId, EndpointId, FacilityId, GroupId, IntakeId, LoginUserId,
    NetworkId, PatientId, PostId, StaffId, TriageId,
};
use std::sync::Arc;

/// One bound value. Shared text and bytes, so that a statement can be repeated without copies.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// TEXT.
    Text(Option<String>),
    /// INTEGER or BIGINT.
    Int(Option<i64>),
    /// INTEGER 0/1 or BOOLEAN.
    Bool(bool),
    /// BLOB or BYTEA.
    Bytes(Option<Arc<[u8]>>),
    /// For `{in $n}`.
    List(Vec<String>),
    /// For UNNEST on PostgreSQL: columns of a whole batch.
    Columns(Column),
}

/// A column of many rows.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    /// TEXT[].
    Text(Vec<Option<String>>),
    /// BIGINT[].
    Int(Vec<i64>),
    /// BYTEA[].
    Bytes(Vec<Option<Arc<[u8]>>>),
}

macro_rules! from {
    ($($from:ty => |$v:ident| $made:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($v: $from) -> Self { $made }
        })+
    };
}

from! {
    &str => |v| Self::Text(Some(v.to_owned()));
    String => |v| Self::Text(Some(v));
    &String => |v| Self::Text(Some(v.clone()));
    Option<String> => |v| Self::Text(v);
    &Option<String> => |v| Self::Text(v.clone());
    Option<&str> => |v| Self::Text(v.map(str::to_owned));
    &ContentHash => |v| Self::Text(Some(v.as_str().to_owned()));
    i64 => |v| Self::Int(Some(v));
    u32 => |v| Self::Int(Some(i64::from(v)));
    u64 => |v| Self::Int(Some(i64::try_from(v).unwrap_or(i64::MAX)));
    Option<u32> => |v| Self::Int(v.map(i64::from));
    UtcMicros => |v| Self::Int(Some(v.as_micros()));
    Option<UtcMicros> => |v| Self::Int(v.map(UtcMicros::as_micros));
    bool => |v| Self::Bool(v);
    Vec<String> => |v| Self::List(v);
    Option<Arc<[u8]>> => |v| Self::Bytes(v);
}

macro_rules! from_ids {
    ($($id:ty),+ $(,)?) => {
        $(impl From<&$id> for Value {
            fn from(id: &$id) -> Self { Self::Text(Some(id.as_str().to_owned())) }
        }
        impl From<&Option<$id>> for Value {
            fn from(id: &Option<$id>) -> Self { Self::Text(id.as_ref().map(|id| id.as_str().to_owned())) }
        })+
    };
}

from_ids!(
    AttachmentId,
    ChangeId,
    ConsentId,
    DeliveryId,
    EndpointId,
    FacilityId,
    GroupId,
    IntakeId,
    LoginUserId,
    NetworkId,
    PatientId,
    PostId,
    StaffId,
    TriageId,
);

/// Values of a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use args;

/// Ids as a list for `{in $n}`.
pub(crate) fn list<'a, T: AsText + 'a>(ids: impl IntoIterator<Item = &'a T>) -> Value {
    let mut texts: Vec<String> = ids.into_iter().map(|id| id.as_text().to_owned()).collect();
    texts.sort_unstable();
    texts.dedup();
    Value::List(texts)
}

/// Anything that is a key in text.
pub(crate) trait AsText {
    /// The text.
    fn as_text(&self) -> &str;
}

macro_rules! as_text {
    ($($id:ty),+ $(,)?) => { $(impl AsText for $id { fn as_text(&self) -> &str { self.as_str() } })+ };
}
as_text!(
    AttachmentId,
    ConsentId,
    DeliveryId,
    EndpointId,
    FacilityId,
    GroupId,
    IntakeId,
    LoginUserId,
    NetworkId,
    PatientId,
    PostId,
    StaffId,
    TriageId,
    String,
);
