//! What the scripts answer.

use ::redis::Value;

use super::endings::Ended;
use crate::store::sessions::{Change, Creation, Found, Head, SessionField, StoredSession};

/// Where the body of a head begins.
const BODY: usize = 114;

/// By which of its tokens a session was found, as the scripts say it.
const BY_FORMER: i64 = 2;

pub(super) fn created(answer: Option<Value>) -> Creation {
    match answer {
        Some(Value::Int(1)) => Creation::Collision,
        Some(Value::Int(2)) => Creation::Revoked,
        Some(Value::Int(3)) => Creation::Full,
        Some(Value::Array(parts)) => match &parts[..] {
            [head, evicted] => head_of(1, head).zip(counted(evicted)).map_or(
                Creation::Corrupt,
                |(head, evicted)| Creation::Created {
                    head,
                    evicted: u32::try_from(evicted).unwrap_or(u32::MAX),
                },
            ),
            _ => Creation::Corrupt,
        },
        _ => Creation::Corrupt,
    }
}

pub(super) fn found(answer: Option<Value>) -> Found {
    match answer {
        Some(Value::Int(0)) => Found::Absent,
        Some(Value::Int(4)) => Found::Expired,
        Some(Value::Array(parts)) => match <[Value; 3]>::try_from(parts) {
            Ok([Value::Int(by), head, data]) => {
                stored(by, &head, data).map_or(Found::Corrupt, Found::Session)
            }
            _ => Found::Corrupt,
        },
        _ => Found::Corrupt,
    }
}

/// What came of a change; `done` reads what is answered if it was made.
pub(super) fn saved<T>(
    answer: Option<Value>,
    done: impl Fn(i64, &Value) -> Option<T>,
) -> Change<T> {
    let parts = match answer {
        Some(Value::Int(0 | 4)) => return Change::Gone,
        Some(Value::Int(BY_FORMER)) => return Change::Former,
        Some(Value::Array(parts)) => parts,
        _ => return Change::Corrupt,
    };
    let change = match &parts[..] {
        [Value::Int(5), head, data, Value::Int(by)] => {
            stored(*by, head, data.clone()).map(Change::Conflict)
        }
        [Value::Int(by), answer] => done(*by, answer).map(Change::Done),
        _ => None,
    };
    change.unwrap_or(Change::Corrupt)
}

pub(super) fn listed(answer: Value) -> Vec<(SessionField, Head)> {
    let Value::Array(parts) = answer else {
        return Vec::new();
    };
    let mut parts = parts.into_iter();
    let pairs = std::iter::from_fn(|| parts.next().zip(parts.next()));
    let session = |(id, head): (Value, Value)| match id {
        // After what tells heads from data.
        Value::BulkString(field) => {
            let id = field.get(1..)?.try_into().ok()?;
            Some((id, head_of(1, &head)?))
        }
        _ => None,
    };
    pairs.filter_map(session).collect()
}

/// How many were live, and what has ended.
pub(super) fn ended(answer: &Value) -> Option<(u64, Ended)> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let (live, rest) = parts.split_first()?;
    let mut rest = rest.iter().map(|part| match part {
        Value::BulkString(bytes) => Some(bytes.clone()),
        _ => None,
    });
    let ended = Ended {
        generation: rest.next()??,
        heads: rest.collect::<Option<_>>()?,
    };
    Some((counted(live)?, ended))
}

pub(super) fn counted(answer: &Value) -> Option<u64> {
    match answer {
        Value::Int(count) => u64::try_from(*count).ok(),
        _ => None,
    }
}

fn stored(by: i64, head: &Value, data: Value) -> Option<StoredSession> {
    let Value::BulkString(data) = data else {
        return None;
    };
    let head = head_of(by, head)?;
    Some(StoredSession { head, data })
}

pub(super) fn head_of(by: i64, answer: &Value) -> Option<Head> {
    let Value::BulkString(bytes) = answer else {
        return None;
    };
    let number = |at: usize| {
        let number = bytes.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(number))
    };
    Some(Head {
        flags: *bytes.get(1)?,
        created: number(2)?,
        accessed: number(10)?,
        deadline: number(18)?,
        end: number(26)?,
        revision: number(34)?,
        is_former: by == BY_FORMER,
        body: bytes.get(BODY..)?.to_vec(),
    })
}
