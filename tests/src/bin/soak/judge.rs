//! Which reads were stale.

use std::collections::HashMap;
use std::time::Duration;

use crate::choices::{View, Write};
use crate::record::Read;

/// From some moment on, a view of a row must not answer an older version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) view: View,
    pub(crate) key: u32,
    pub(crate) version: u32,
    pub(crate) from: Duration,
    /// How that version was written.
    pub(crate) write: Write,
}

/// A read that broke a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) read: Read,
    pub(crate) claim: Claim,
}

/// The claims on each view of each row, in order of time; each is as high as all before it.
pub(crate) struct Judge(HashMap<(View, u32), Vec<Claim>>);

impl Judge {
    pub(crate) fn new(mut claims: Vec<Claim>) -> Self {
        claims.sort_by_key(|claim| claim.from);
        let mut rows: HashMap<_, Vec<Claim>> = HashMap::new();
        for claim in claims {
            let row = rows.entry((claim.view, claim.key)).or_default();
            let highest = row.last().filter(|before| before.version > claim.version);
            let highest = *highest.unwrap_or(&claim);
            row.push(Claim {
                from: claim.from,
                ..highest
            });
        }
        Self(rows)
    }

    /// The claim that this read broke, if it did.
    pub(crate) fn stale(&self, read: Read) -> Option<Stale> {
        let claims = self.0.get(&(read.view, read.key))?;
        let before = claims.partition_point(|claim| claim.from < read.start);
        let claim = *claims.get(before.checked_sub(1)?)?;
        (read.version < claim.version).then_some(Stale { read, claim })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(version: u32, from: u64) -> Claim {
        Claim {
            view: View::Plain,
            key: 7,
            version,
            from: Duration::from_nanos(from),
            write: Write::After,
        }
    }

    fn read(version: u32, start: u64) -> Read {
        Read {
            view: View::Plain,
            key: 7,
            version,
            start: Duration::from_nanos(start),
        }
    }

    #[test]
    fn a_read_that_starts_after_an_invalidation_answers_no_older_version() {
        let judge = Judge::new(vec![claim(3, 20), claim(2, 10)]);
        assert_eq!(judge.stale(read(1, 10)), None, "they met");
        assert!(judge.stale(read(1, 11)).is_some());
        assert_eq!(judge.stale(read(2, 20)), None);
        let stale = judge.stale(read(2, 21)).unwrap();
        assert_eq!(stale.claim, claim(3, 20));
        assert_eq!(judge.stale(read(4, 30)), None, "newer is never wrong");
    }

    #[test]
    fn an_invalidation_that_returns_late_does_not_lower_the_claim() {
        let judge = Judge::new(vec![claim(3, 10), claim(2, 20)]);
        assert!(judge.stale(read(2, 21)).is_some());
    }

    #[test]
    fn claims_are_on_one_view_of_one_row() {
        let judge = Judge::new(vec![claim(3, 10)]);
        let other = Read {
            key: 8,
            ..read(1, 20)
        };
        let view = Read {
            view: View::Member,
            ..read(1, 20)
        };
        assert_eq!((judge.stale(other), judge.stale(view)), (None, None));
    }
}
