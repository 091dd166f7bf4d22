//! What a key can hold.

use Before::{
    Abandoned, AbandonedNewer, Beside, BesideNewer, Cooled, Cooling, Counter, Ended, EndedNewer,
    Entry, FenceOver, Fenced, Foreign, Leased, List, Newer, Nothing, Old,
};

use super::stage::{ENTRY, HELD, LEASE, Made, NEWER, Place, SECOND, Stage};
use crate::entry::Token;
use crate::store::{Leave, Take};

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    Entry,
    /// An entry from before entries had an age.
    Old,
    Newer,
    Foreign,
    Counter,
    List,
    Leased,
    /// A lease with an entry.
    Beside,
    BesideNewer,
    /// The same, and the time of the lease is over; in memory it has none.
    Abandoned,
    AbandonedNewer,
    /// A lease that stands beside an entry that has ended meanwhile.
    Ended,
    EndedNewer,
    Cooling,
    Cooled,
    Fenced,
    FenceOver,
}

/// Where a row of a table holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum On {
    Both,
    InMemory,
    InRedis,
}

impl On {
    pub(super) fn holds(self, stage: &Stage) -> bool {
        match self {
            Self::Both => true,
            Self::InMemory => !stage.is_redis(),
            Self::InRedis => stage.is_redis(),
        }
    }
}

const AGELESS: Made = Made {
    life: None,
    ..ENTRY
};
const NEW: Made = Made {
    version: NEWER,
    ..ENTRY
};
/// Ends before a lease does.
const SHORT: Made = Made {
    life: Some(HELD),
    ..ENTRY
};
const SHORT_AND_NEW: Made = Made {
    version: NEWER,
    ..SHORT
};

impl Before {
    /// Puts it there, and gives the token of the lease that still stands.
    pub(super) async fn set(self, stage: &Stage, place: &Place) -> Option<Token> {
        let token = self.put(stage, place).await;
        match self {
            Abandoned | AbandonedNewer => stage.advance(LEASE + SECOND),
            Ended | EndedNewer | Cooled | FenceOver => stage.advance(HELD + SECOND),
            _ => {}
        }
        token
    }

    async fn put(self, stage: &Stage, place: &Place) -> Option<Token> {
        match self {
            Nothing => {}
            Entry => stage.put(place, ENTRY).await,
            Old => stage.put(place, AGELESS).await,
            Newer => stage.put(place, NEW).await,
            Foreign => drop(stage.foreign("SET", &place.key, &["foreign"])),
            Counter => assert!(stage.count(place).await),
            List => drop(stage.foreign("LPUSH", &place.key, &["foreign"])),
            Leased => return Some(stage.lease(place, Take::Absent).await.0),
            Beside | Abandoned => return Some(stage.lease_beside(place, ENTRY).await),
            BesideNewer | AbandonedNewer => return Some(stage.lease_beside(place, NEW).await),
            Ended => return Some(stage.lease_beside(place, SHORT).await),
            EndedNewer => return Some(stage.lease_beside(place, SHORT_AND_NEW).await),
            Cooling | Cooled => {
                let token = stage.lease_beside(place, ENTRY).await;
                let cooling = Leave::Cooling(HELD);
                assert!(stage.release(place, (token, &[]), cooling).await);
            }
            Fenced | FenceOver => stage.fence(place, Token::random(), HELD).await,
        }
        None
    }
}
