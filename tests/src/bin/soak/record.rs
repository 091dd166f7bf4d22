//! What a worker tells its parent, in as few bytes as it takes: 16 each.

use std::time::Duration;

use crate::choices::View;

pub(crate) const LENGTH: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Read(Read),
    Tally(Tally),
}

/// A read, and what it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) view: View,
    pub(crate) key: u32,
    pub(crate) version: u32,
    pub(crate) start: Duration,
}

/// One of a worker's counters, since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) counter: u8,
    pub(crate) count: u64,
}

const TALLY: u8 = u8::MAX;

impl Record {
    pub(crate) fn to_bytes(self) -> [u8; LENGTH] {
        let (kind, key, version, number) = match self {
            Self::Read(read) => {
                let start = u64::try_from(read.start.as_nanos()).unwrap_or(u64::MAX);
                (read.view as u8, read.key, read.version, start)
            }
            Self::Tally(Tally { counter, count }) => (TALLY, counter.into(), 0, count),
        };
        let [low, middle, high, _] = key.to_le_bytes();
        let mut bytes = [kind, low, middle, high, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes[4..8].copy_from_slice(&version.to_le_bytes());
        bytes[8..].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    /// Nothing for bytes that are no record.
    pub(crate) fn from_bytes(bytes: [u8; LENGTH]) -> Option<Self> {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let (key, version) = (word(0) >> 8, word(4));
        let number = u64::from(word(8)) | u64::from(word(12)) << 32;
        if bytes[0] == TALLY {
            let counter = u8::try_from(key).ok()?;
            return Some(Self::Tally(Tally {
                counter,
                count: number,
            }));
        }
        let view = View::ALL.into_iter().find(|view| *view as u8 == bytes[0])?;
        let start = Duration::from_nanos(number);
        Some(Self::Read(Read {
            view,
            key,
            version,
            start,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let read = Record::Read(Read {
            view: View::Member,
            key: 70_000,
            version: 3_000_000_000,
            start: Duration::from_nanos(1 << 50),
        });
        let tally = Record::Tally(Tally {
            counter: 5,
            count: 1 << 50,
        });
        for record in [read, tally] {
            assert_eq!(Record::from_bytes(record.to_bytes()), Some(record));
        }
        assert_eq!(Record::from_bytes([100; LENGTH]), None);
    }
}
