//! What users do to a key by hand, whatever it holds.

use super::before::{
    Before::{
        self, Abandoned, Beside, Cooled, Cooling, Counter, Ended, Entry, FenceOver, Fenced,
        Foreign, Leased, List, Newer, Nothing, Old,
    },
    On::{self, Both, InRedis},
};
use super::stage::{LIFE, LOADED, SECOND, Seen, Stage, about};

/// Whether there is an entry, and whether it can be counted.
const TABLE: [(Before, On, bool, bool); 16] = [
    (Nothing, Both, false, true),
    (Entry, Both, true, false),
    (Old, Both, true, false),
    (Newer, Both, true, false),
    (Foreign, InRedis, true, false),
    (Counter, Both, true, true),
    (List, InRedis, true, false),
    (Leased, Both, false, false),
    (Beside, Both, true, false),
    (Abandoned, Both, true, false),
    (Ended, Both, false, false),
    (Before::EndedNewer, Both, false, false),
    (Cooling, Both, true, false),
    (Cooled, Both, true, false),
    (Fenced, Both, false, false),
    (FenceOver, Both, false, true),
];

#[tokio::test]
async fn an_entry_has_an_end_wherever_it_is_kept() {
    for stage in Stage::all().await {
        for (before, on, is_entry, _) in TABLE {
            if !on.holds(&stage) {
                continue;
            }
            let case = format!("{}: {before:?}", stage.name());
            let place = stage.place(0);
            before.set(&stage, &place).await;
            let was = stage.see(&place).await;
            let left = stage.remaining(&place.key).await;
            assert_eq!(left.is_some(), is_entry, "{case}");
            assert_eq!(stage.expire(&place, 2 * LIFE).await, is_entry, "{case}");
            let left = stage.remaining(&place.key).await;
            if !is_entry {
                assert_eq!(left, None, "{case}");
                assert_eq!(stage.see(&place).await, was, "{case}");
                continue;
            }
            assert!(about(left, 2 * LIFE), "{case}: {left:?}");
            assert!(stage.expire(&place, 10 * SECOND).await, "{case}");
            let left = stage.remaining(&place.key).await;
            assert!(about(left, 10 * SECOND), "{case}: {left:?}");
            stage.advance(11 * SECOND);
            assert_eq!(stage.remaining(&place.key).await, None, "{case}");
        }
    }
}

#[tokio::test]
async fn a_deletion_tells_of_entries_and_spares_fences() {
    for stage in Stage::all().await {
        for (before, on, is_entry, _) in TABLE {
            if !on.holds(&stage) {
                continue;
            }
            let case = format!("{}: {before:?}", stage.name());
            let place = stage.place(0);
            before.set(&stage, &place).await;
            assert_eq!(stage.delete(&place).await, is_entry, "{case}");
            let left = if before == Fenced {
                Seen::Fence
            } else {
                Seen::Nothing
            };
            assert_eq!(stage.see(&place).await, left, "{case}");
            assert!(!stage.delete(&place).await, "{case}");
        }
    }
}

#[tokio::test]
async fn an_invalidation_leaves_nothing_but_fences() {
    for stage in Stage::all().await {
        for (before, on, is_entry, _) in TABLE {
            if !on.holds(&stage) {
                continue;
            }
            for is_sweep in [false, true] {
                let case = format!("{}: {before:?}, sweep {is_sweep}", stage.name());
                let place = stage.place(0);
                before.set(&stage, &place).await;
                let count = if is_sweep {
                    stage.store.sweep(&place.key).await.unwrap()
                } else {
                    stage.invalidate(&place.key).await
                };
                // In Redis a lease is a key like any other.
                assert!(count >= u64::from(is_entry), "{case}");
                let left = if before == Fenced {
                    Seen::Fence
                } else {
                    Seen::Nothing
                };
                assert_eq!(stage.see(&place).await, left, "{case}");
                assert_eq!(stage.invalidate(&place.key).await, 0, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn only_counters_are_counted() {
    for stage in Stage::all().await {
        for (before, on, _, is_counted) in TABLE {
            if !on.holds(&stage) {
                continue;
            }
            let case = format!("{}: {before:?}", stage.name());
            let place = stage.place(0);
            before.set(&stage, &place).await;
            let was = stage.see(&place).await;
            assert_eq!(stage.count(&place).await, is_counted, "{case}");
            if !is_counted {
                assert_eq!(stage.see(&place).await, was, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_put_takes_the_place_of_anything() {
    for stage in Stage::all().await {
        for (before, on, ..) in TABLE {
            if !on.holds(&stage) {
                continue;
            }
            let case = format!("{}: {before:?}", stage.name());
            let place = stage.place(0);
            let token = before.set(&stage, &place).await;
            stage.put(&place, LOADED).await;
            assert_eq!(stage.see(&place).await, Seen::Entry(2), "{case}");
            if let Some(token) = token {
                let other = super::stage::ENTRY;
                assert!(!stage.publish(&place, (token, &[]), other).await, "{case}");
            }
            assert_eq!(stage.see(&place).await, Seen::Entry(2), "{case}");
        }
    }
}
