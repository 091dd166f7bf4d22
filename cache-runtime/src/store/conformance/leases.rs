//! Leases: what becomes of them, and of the entries they keep.

use super::before::Before::{self, Beside, BesideNewer, Ended, Leased};
use super::stage::{
    ENTRY, HELD, LEASE, LIFE, LOADED, Made, OURS, Place, SECOND, Seen, Stage, about,
};
use crate::entry::Token;
use crate::store::{Leave, Store, Take};

#[tokio::test]
async fn a_release_leaves_what_it_says() {
    const KINDS: [(Before, [Seen; 3]); 3] = [
        (Leased, [Seen::Nothing, Seen::Nothing, Seen::Nothing]),
        (
            Beside,
            [Seen::Nothing, Seen::Entry(1), Seen::Cooling(Some(1))],
        ),
        (Ended, [Seen::Nothing, Seen::Nothing, Seen::Nothing]),
    ];
    let leaves = [Leave::Nothing, Leave::Kept, Leave::Cooling(HELD)];
    for stage in Stage::all().await {
        for (before, expected) in KINDS {
            for (leave, expected) in leaves.into_iter().zip(expected) {
                let case = format!("{}: {before:?}, {leave:?}", stage.name());
                let place = stage.place(0);
                let token = before.set(&stage, &place).await.unwrap();
                let held = (token, &[][..]);
                assert!(stage.release(&place, held, leave).await, "{case}");
                assert_eq!(stage.see(&place).await, expected, "{case}");
                assert!(!stage.release(&place, held, leave).await, "{case}");
                assert!(!stage.publish(&place, held, LOADED).await, "{case}");
                assert_eq!(stage.see(&place).await, expected, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_release_puts_back_ends_when_it_would_have_ended() {
    for stage in Stage::all().await {
        let place = stage.place(0);
        let token = stage.lease_beside(&place, ENTRY).await;
        stage.advance(LEASE / 2);
        assert!(stage.release(&place, (token, &[]), Leave::Kept).await);
        let left = stage.remaining(&place.key).await;
        assert!(
            about(left, LIFE.saturating_sub(LEASE / 2)),
            "{}: {left:?}",
            stage.name()
        );
        stage.advance(LIFE.saturating_sub(LEASE / 2) + SECOND);
        assert_eq!(stage.see(&place).await, Seen::Nothing, "{}", stage.name());
    }
}

#[tokio::test]
async fn nothing_cools_down_for_longer_than_there_is_an_entry() {
    for stage in Stage::all().await {
        let place = stage.place(0);
        let token = stage.lease_beside(&place, ENTRY).await;
        let cooling = Leave::Cooling(2 * LIFE);
        assert!(stage.release(&place, (token, &[]), cooling).await);
        stage.advance(LIFE.saturating_sub(10 * SECOND));
        assert_eq!(stage.see(&place).await, Seen::Cooling(Some(1)));
        stage.advance(11 * SECOND);
        assert_eq!(stage.see(&place).await, Seen::Nothing, "{}", stage.name());
        stage.lease(&place, Take::Absent).await;
    }
}

#[tokio::test]
async fn an_entry_is_stored_for_its_time() {
    for stage in Stage::all().await {
        let place = stage.place(0);
        let token = stage.lease_beside(&place, ENTRY).await;
        stage.advance(LEASE / 2);
        assert!(stage.publish(&place, (token, &[]), LOADED).await);
        let left = stage.remaining(&place.key).await;
        assert!(about(left, LIFE), "{}: {left:?}", stage.name());
        stage.advance(LIFE.saturating_sub(10 * SECOND));
        assert_eq!(stage.see(&place).await, Seen::Entry(2));
        stage.advance(11 * SECOND);
        assert_eq!(stage.see(&place).await, Seen::Nothing, "{}", stage.name());
    }
}

/// What takes a lease away from who holds it.
async fn lose(stage: &Stage, place: &Place, how: usize) {
    match how {
        0 => drop(stage.invalidate(&place.key).await),
        1 => drop(stage.store.sweep(&place.key).await.unwrap()),
        2 => drop(stage.delete(place).await),
        3 => stage.put(place, ENTRY).await,
        4 => drop(stage.lease(place, Take::Steal { version: OURS }).await),
        5 => drop(stage.lease(place, Take::Refresh { version: OURS }).await),
        _ => stage.fence(place, Token::random(), HELD).await,
    }
}

#[tokio::test]
async fn who_has_lost_a_lease_changes_nothing() {
    for stage in Stage::all().await {
        for how in 0..7 {
            for before in [Leased, Beside, BesideNewer] {
                if before == BesideNewer && (4..6).contains(&how) {
                    continue;
                }
                let case = format!("{}: {before:?}, lost by {how}", stage.name());
                let place = stage.place(0);
                let token = before.set(&stage, &place).await.unwrap();
                lose(&stage, &place, how).await;
                let left = stage.see(&place).await;
                let held = (token, &[][..]);
                assert!(!stage.publish(&place, held, LOADED).await, "{case}");
                for leave in [Leave::Nothing, Leave::Kept, Leave::Cooling(HELD)] {
                    assert!(!stage.release(&place, held, leave).await, "{case}");
                }
                if let Store::Redis(redis) = &stage.store {
                    assert!(!redis.renew(&place.key, token).await.unwrap(), "{case}");
                }
                assert_eq!(stage.see(&place).await, left, "{case}");
            }
        }
    }
}

async fn renew(stage: &Stage, place: &Place, token: Token) -> bool {
    let Store::Redis(redis) = &stage.store else {
        unreachable!("a lease in memory needs no renewal");
    };
    redis.renew(&place.key, token).await.unwrap()
}

#[tokio::test]
async fn a_lease_ends_unless_it_is_renewed() {
    let stage = Stage::redis().await;
    let place = stage.place(0);
    let (token, _) = stage.lease(&place, Take::Absent).await;
    stage.advance(LEASE.saturating_sub(20 * SECOND));
    assert!(renew(&stage, &place, token).await);
    stage.advance(LEASE.saturating_sub(20 * SECOND));
    assert_eq!(stage.see(&place).await, Seen::Lease(None));
    stage.advance(21 * SECOND);
    assert_eq!(stage.see(&place).await, Seen::Nothing);
    assert!(!renew(&stage, &place, token).await);
}

#[tokio::test]
async fn a_lease_with_an_entry_ends_unless_it_is_renewed() {
    let stage = Stage::redis().await;
    let place = stage.place(0);
    let token = stage.lease_beside(&place, ENTRY).await;
    stage.advance(LEASE.saturating_sub(20 * SECOND));
    assert!(renew(&stage, &place, token).await);
    assert!(about(
        Some(stage.end(&place.key)),
        LIFE.saturating_sub(LEASE) + 20 * SECOND
    ));
    stage.advance(LEASE.saturating_sub(20 * SECOND));
    assert_eq!(stage.see(&place).await, Seen::Lease(Some(1)));
    stage.advance(21 * SECOND);
    assert_eq!(stage.see(&place).await, Seen::Abandoned(1));
    // Nobody has taken it over, so it still stands for who holds it.
    assert!(stage.publish(&place, (token, &[]), LOADED).await);
}

#[tokio::test]
async fn a_renewal_does_not_prolong_the_entry() {
    let stage = Stage::redis().await;
    for time in [HELD, 2 * LEASE] {
        let place = stage.place(0);
        let entry = Made {
            life: Some(time),
            ..ENTRY
        };
        let token = stage.lease_beside(&place, entry).await;
        stage.advance(20 * SECOND);
        assert!(renew(&stage, &place, token).await);
        let left = stage.remaining(&place.key).await;
        assert!(about(left, time.saturating_sub(20 * SECOND)), "{left:?}");
        assert!(about(
            Some(stage.end(&place.key)),
            LEASE.max(time.saturating_sub(20 * SECOND))
        ));
        assert!(stage.release(&place, (token, &[]), Leave::Kept).await);
        let left = stage.remaining(&place.key).await;
        assert!(about(left, time.saturating_sub(20 * SECOND)), "{left:?}");
    }
}

#[tokio::test]
async fn a_touch_prolongs_the_very_entry_that_was_read() {
    for stage in Stage::all().await {
        let place = stage.place(0);
        stage.put(&place, ENTRY).await;
        let read = stage.read(&place).await.reading;
        let touch = |time| stage.store.touch(&place.key, &read, time);
        touch(HELD).await.unwrap();
        let left = stage.remaining(&place.key).await;
        assert!(about(left, HELD), "{}: {left:?}", stage.name());
        stage.put(&place, LOADED).await;
        touch(HELD).await.unwrap();
        let left = stage.remaining(&place.key).await;
        assert!(about(left, LIFE), "{}: {left:?}", stage.name());
    }
}

#[tokio::test]
async fn a_touch_leaves_leases_alone() {
    for stage in Stage::all().await {
        let place = stage.place(0);
        let token = stage.lease_beside(&place, ENTRY).await;
        let read = stage.read(&place).await.reading;
        let touched = stage.store.touch(&place.key, &read, SECOND).await;
        touched.unwrap();
        stage.advance(2 * SECOND);
        assert_eq!(
            stage.see(&place).await,
            Seen::Lease(Some(1)),
            "{}",
            stage.name()
        );
        assert!(stage.publish(&place, (token, &[]), LOADED).await);
    }
}
