//! What each way of asking for a lease does to whatever a key holds.

use Before::{
    Abandoned, AbandonedNewer, Beside, BesideNewer, Cooled, Cooling, Counter, Ended, EndedNewer,
    Entry, FenceOver, Fenced, Foreign, Leased, List, Newer, Nothing, Old,
};
use On::{Both, InMemory, InRedis};
use Then::{Instead, Kept, Taken, Unfit};

use super::before::{Before, On};
use super::stage::{LOADED, OURS, Place, Seen, Stage};
use crate::store::{Leasing, Leave, Reading, Take};

/// What comes of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Taken,
    /// And what was there is kept.
    Kept,
    Instead,
    Unfit,
}

/// What comes of `Absent`, `Exactly` and `Keeping` what was read, `Steal` and `Refresh`.
const TABLE: [(Before, On, [Then; 5]); 21] = [
    (Nothing, Both, [Taken, Taken, Taken, Taken, Taken]),
    (Entry, Both, [Instead, Taken, Kept, Taken, Kept]),
    (Old, Both, [Instead, Taken, Kept, Taken, Kept]),
    (Newer, Both, [Instead, Taken, Kept, Unfit, Unfit]),
    // Without an end of its own it is of no use to anybody.
    (Foreign, InRedis, [Instead, Taken, Taken, Taken, Taken]),
    (Counter, InMemory, [Instead, Taken, Kept, Taken, Kept]),
    (List, InRedis, [Unfit, Unfit, Unfit, Unfit, Unfit]),
    (Leased, Both, [Instead, Instead, Instead, Taken, Taken]),
    (Beside, Both, [Instead, Instead, Instead, Taken, Kept]),
    (BesideNewer, Both, [Instead, Instead, Instead, Unfit, Unfit]),
    (
        Abandoned,
        InMemory,
        [Instead, Instead, Instead, Taken, Kept],
    ),
    (Abandoned, InRedis, [Kept, Kept, Kept, Taken, Kept]),
    (AbandonedNewer, InRedis, [Kept, Kept, Kept, Unfit, Unfit]),
    (Ended, Both, [Instead, Instead, Instead, Taken, Taken]),
    (EndedNewer, Both, [Instead, Instead, Instead, Taken, Taken]),
    (Cooling, Both, [Instead, Instead, Kept, Taken, Kept]),
    // In memory what has cooled down is an entry like any other.
    (Cooled, InMemory, [Instead, Taken, Kept, Taken, Kept]),
    (Cooled, InRedis, [Kept, Kept, Kept, Taken, Kept]),
    (Fenced, Both, [Instead, Instead, Instead, Instead, Instead]),
    (FenceOver, Both, [Taken, Taken, Taken, Taken, Taken]),
    (Counter, InRedis, [Instead, Taken, Kept, Taken, Taken]),
];

fn takes(read: &Reading) -> [Take<'_>; 5] {
    [
        Take::Absent,
        Take::Exactly(read),
        Take::Keeping(read),
        Take::Steal { version: OURS },
        Take::Refresh { version: OURS },
    ]
}

#[tokio::test]
async fn whatever_a_key_holds_a_lease_takes_no_more_than_it_may() {
    for stage in Stage::all().await {
        for (before, on, expected) in TABLE {
            if !on.holds(&stage) {
                continue;
            }
            for (way, expected) in expected.into_iter().enumerate() {
                let case = format!("{}: {before:?}, way {way}", stage.name());
                let place = stage.place(0);
                before.set(&stage, &place).await;
                // In memory what is fresh is read as such, whoever may be loading.
                let is_hidden = !stage.is_redis() && matches!(before, Old | Counter);
                check(&stage, &place, (way, expected, is_hidden), &case).await;
            }
        }
    }
}

async fn check(
    stage: &Stage,
    place: &Place,
    (way, expected, is_hidden): (usize, Then, bool),
    case: &str,
) {
    let was = stage.see(place).await;
    let read = stage.read(place).await.reading;
    let (token, leasing) = stage.take(place, takes(&read)[way]).await;
    let held = (token, &[][..]);
    let then = match leasing {
        Leasing::Taken { kept: None, .. } => Taken,
        Leasing::Taken { kept: Some(_), .. } => Kept,
        Leasing::Instead(_) => Instead,
        Leasing::Unfit => Unfit,
    };
    assert_eq!(then, expected, "{case}");
    match then {
        Taken => {
            assert_eq!(stage.see(place).await, Seen::Lease(None), "{case}");
            assert!(stage.publish(place, held, LOADED).await, "{case}");
            assert_eq!(stage.see(place).await, Seen::Entry(2), "{case}");
        }
        Kept => {
            let kept = number(was);
            let now = if is_hidden { was } else { Seen::Lease(kept) };
            assert_eq!(stage.see(place).await, now, "{case}");
            assert!(stage.release(place, held, Leave::Kept).await, "{case}");
            let left = kept.map_or(Seen::Foreign, Seen::Entry);
            assert_eq!(stage.see(place).await, left, "{case}");
        }
        Instead | Unfit => {
            assert!(!stage.publish(place, held, LOADED).await, "{case}");
            assert!(!stage.release(place, held, Leave::Nothing).await, "{case}");
            assert_eq!(stage.see(place).await, was, "{case}");
        }
    }
}

fn number(seen: Seen) -> Option<u32> {
    match seen {
        Seen::Entry(number) | Seen::Abandoned(number) => Some(number),
        Seen::Lease(kept) | Seen::Cooling(kept) => kept,
        _ => None,
    }
}
