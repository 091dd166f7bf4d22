//! Fences: who holds them, until when, and what changes them.

use std::time::Duration;

use super::stage::{ENTRY, HELD, LOADED, Place, SECOND, Seen, Stage};
use crate::entry::Token;
use crate::store::{Leasing, Leave, Take};

const AT_ONCE: Duration = Duration::ZERO;

fn writers() -> (Token, Token) {
    (Token::random(), Token::random())
}

async fn is_fenced(stage: &Stage, place: &Place) -> bool {
    match stage.see(place).await {
        Seen::Fence => true,
        Seen::Nothing => false,
        other => panic!("{}: {other:?}", stage.name()),
    }
}

#[tokio::test]
async fn a_fence_stands_until_its_last_writer_takes_it_away() {
    for stage in Stage::all().await {
        let (place, (one, two)) = (stage.place(0), writers());
        stage.put(&place, ENTRY).await;
        stage.fence(&place, one, HELD).await;
        assert!(is_fenced(&stage, &place).await);
        stage.fence(&place, two, HELD).await;
        stage.unfence(&place, one, AT_ONCE).await;
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        stage.unfence(&place, two, AT_ONCE).await;
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn a_fence_stands_until_the_latest_time_of_its_writers() {
    for stage in Stage::all().await {
        let (place, (one, two)) = (stage.place(0), writers());
        stage.fence(&place, one, 3 * HELD).await;
        stage.fence(&place, two, HELD).await;
        stage.advance(2 * HELD);
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        stage.advance(HELD + SECOND);
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn a_writer_that_has_vanished_does_not_outlast_the_others() {
    for stage in Stage::all().await {
        let (place, (vanished, writer)) = (stage.place(0), writers());
        stage.fence(&place, vanished, HELD).await;
        stage.fence(&place, writer, 3 * HELD).await;
        stage.advance(HELD + SECOND);
        stage.unfence(&place, writer, AT_ONCE).await;
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn a_writer_prolongs_its_fence() {
    for stage in Stage::all().await {
        let (place, (writer, _)) = (stage.place(0), writers());
        stage.fence(&place, writer, HELD).await;
        stage.advance(HELD / 2);
        stage.fence(&place, writer, HELD).await;
        stage.advance(HELD / 2 + SECOND);
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        stage.advance(HELD / 2);
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn a_fence_settles() {
    for stage in Stage::all().await {
        let (place, (one, two)) = (stage.place(0), writers());
        stage.fence(&place, one, 3 * HELD).await;
        stage.unfence(&place, one, HELD / 2).await;
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        stage.advance(HELD / 2 + SECOND);
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
        for writer in [one, two] {
            stage.fence(&place, writer, 3 * HELD).await;
        }
        stage.unfence(&place, one, HELD / 2).await;
        stage.advance(HELD / 2 + SECOND);
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        stage.unfence(&place, two, AT_ONCE).await;
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn whatever_happens_to_a_fenced_key_shows_and_takes_no_fence_away() {
    for stage in Stage::all().await {
        let (place, (one, two)) = (stage.place(0), writers());
        stage.fence(&place, one, HELD).await;
        let mut before = stage.read(&place).await.reading;
        assert!(stage.read(&place).await.reading.is_same(&before));
        for change in 0..7 {
            match change {
                0 => assert_eq!(stage.invalidate(&place.key).await, 0),
                1 => assert_eq!(stage.store.sweep(&place.key).await.unwrap(), 0),
                2 => assert!(!stage.delete(&place).await),
                3 | 4 => stage.fence(&place, two, HELD).await,
                5 => stage.unfence(&place, one, AT_ONCE).await,
                _ => {
                    stage.unfence(&place, two, AT_ONCE).await;
                    stage.fence(&place, two, HELD).await;
                }
            }
            let case = format!("{}: change {change}", stage.name());
            assert!(is_fenced(&stage, &place).await, "{case}");
            let now = stage.read(&place).await.reading;
            assert!(!now.is_same(&before), "{case}");
            before = now;
        }
        stage.advance(HELD + SECOND);
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn an_invalidation_leaves_a_fence_to_its_writers() {
    for stage in Stage::all().await {
        let (place, (one, two)) = (stage.place(0), writers());
        stage.fence(&place, one, HELD).await;
        stage.fence(&place, two, HELD).await;
        stage.invalidate(&place.key).await;
        stage.unfence(&place, one, AT_ONCE).await;
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        stage.unfence(&place, two, AT_ONCE).await;
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn a_fence_voids_leases_for_good() {
    for stage in Stage::all().await {
        for is_beside in [false, true] {
            let (place, (writer, _)) = (stage.place(0), writers());
            let token = if is_beside {
                stage.lease_beside(&place, ENTRY).await
            } else {
                stage.lease(&place, Take::Absent).await.0
            };
            stage.fence(&place, writer, HELD).await;
            assert!(!stage.publish(&place, (token, &[]), LOADED).await);
            assert!(!stage.release(&place, (token, &[]), Leave::Kept).await);
            assert!(is_fenced(&stage, &place).await, "{}", stage.name());
            stage.unfence(&place, writer, AT_ONCE).await;
            assert!(!stage.publish(&place, (token, &[]), LOADED).await);
            assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
        }
    }
}

#[tokio::test]
async fn the_end_of_a_fence_that_was_lost_still_invalidates() {
    for stage in Stage::all().await {
        let (place, (writer, _)) = (stage.place(0), writers());
        stage.fence(&place, writer, HELD).await;
        stage.put(&place, ENTRY).await;
        stage.unfence(&place, writer, AT_ONCE).await;
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
        let (token, _) = stage.lease(&place, Take::Absent).await;
        stage.unfence(&place, writer, HELD).await;
        assert!(is_fenced(&stage, &place).await, "{}", stage.name());
        assert!(!stage.publish(&place, (token, &[]), LOADED).await);
        stage.advance(HELD + SECOND);
        assert!(!is_fenced(&stage, &place).await, "{}", stage.name());
    }
}

#[tokio::test]
async fn another_client_may_delete_a_fence() {
    let stage = Stage::redis().await;
    let (place, (writer, _)) = (stage.place(0), writers());
    stage.fence(&place, writer, HELD).await;
    stage.foreign("DEL", &place.key, &[]);
    assert!(!is_fenced(&stage, &place).await);
    stage.unfence(&place, writer, AT_ONCE).await;
    assert!(!is_fenced(&stage, &place).await);
}

#[tokio::test]
async fn what_is_no_string_needs_no_fence_and_ends_with_the_write() {
    let stage = Stage::redis().await;
    let (place, (writer, _)) = (stage.place(0), writers());
    stage.foreign("LPUSH", &place.key, &["foreign"]);
    stage.fence(&place, writer, HELD).await;
    assert!(matches!(
        stage.take(&place, Take::Absent).await.1,
        Leasing::Unfit
    ));
    stage.unfence(&place, writer, AT_ONCE).await;
    assert_eq!(
        stage.foreign("EXISTS", &place.key, &[]),
        redis::Value::Int(0)
    );
}
