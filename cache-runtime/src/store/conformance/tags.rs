//! Tags: generations are captured with a lease, and what has moved meanwhile shows.

use super::stage::{ENTRY, HELD, LOADED, Place, SECOND, Seen, Stage, TAG_LIFE, about};
use crate::entry::{Generation, Token};
use crate::store::{Leasing, Leave, Reading, Store, Take};

/// The same tags, and a key of its own.
fn sibling(stage: &Stage, of: &Place) -> Place {
    let tags = of.tags.clone();
    Place {
        tags,
        ..stage.place(0)
    }
}

async fn fence_tag(stage: &Stage, tag: &std::sync::Arc<str>) {
    let tags = std::slice::from_ref(tag);
    let fenced = stage.store.fence(tags, Token::random(), HELD).await;
    fenced.unwrap();
}

async fn generations(stage: &Stage, place: &Place) -> Vec<Option<Generation>> {
    stage.read(place).await.generations
}

#[tokio::test]
async fn a_lease_gives_generations_to_tags_that_have_none() {
    for stage in Stage::all().await {
        let place = stage.place(8);
        assert_eq!(generations(&stage, &place).await, [None; 8]);
        let (token, captured) = stage.lease(&place, Take::Absent).await;
        let all: Vec<_> = captured.iter().copied().map(Some).collect();
        assert_eq!(generations(&stage, &place).await, all);
        let mut different = captured.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 8);
        let other = sibling(&stage, &place);
        assert_eq!(stage.lease(&other, Take::Absent).await.1, captured);
        let (_, instead) = stage.take(&place, Take::Absent).await;
        let Leasing::Instead(read) = instead else {
            panic!("{}: the lease is taken", stage.name());
        };
        assert_eq!(read.generations, all);
        assert!(stage.publish(&place, (token, &captured), LOADED).await);
        let read = stage.read(&place).await;
        let entry = read.reading;
        assert_eq!(read.generations, all);
        assert!(matches!(entry, Reading::Entry(_) | Reading::Bytes(_)));
        assert_eq!(stage.see(&place).await, Seen::Entry(2));
    }
}

/// What happens to a tag between taking a lease and giving it back.
async fn happen(stage: &Stage, place: &Place, what: usize) -> bool {
    let tag = &place.tags[1];
    match what {
        0 => drop(stage.invalidate(tag).await),
        1 => fence_tag(stage, tag).await,
        2 => {
            stage.invalidate(tag).await;
            stage.lease(&sibling(stage, place), Take::Absent).await;
        }
        _ if !stage.is_redis() => return false,
        3 => drop(stage.foreign("SET", tag, &["foreign"])),
        _ => {
            stage.foreign("DEL", tag, &[]);
            stage.foreign("LPUSH", tag, &["foreign"]);
        }
    }
    true
}

#[tokio::test]
async fn a_tag_that_moves_voids_leases_for_good() {
    let leaves = [Leave::Nothing, Leave::Kept, Leave::Cooling(HELD)];
    for stage in Stage::all().await {
        for what in 0..5 {
            for leave in [None].into_iter().chain(leaves.map(Some)) {
                let case = format!("{}: {what}, {leave:?}", stage.name());
                let place = stage.place(2);
                stage.put(&place, ENTRY).await;
                let read = stage.read(&place).await.reading;
                let (token, captured) = stage.lease(&place, Take::Keeping(&read)).await;
                if !happen(&stage, &place, what).await {
                    continue;
                }
                let held = (token, &captured[..]);
                let stood = match leave {
                    None => stage.publish(&place, held, LOADED).await,
                    Some(leave) => stage.release(&place, held, leave).await,
                };
                assert!(!stood, "{case}");
                assert_eq!(stage.see(&place).await, Seen::Nothing, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_stands_is_published_and_released_under_its_tags() {
    let leaves = [Leave::Nothing, Leave::Kept, Leave::Cooling(HELD)];
    for stage in Stage::all().await {
        for leave in leaves {
            let place = stage.place(2);
            stage.put(&place, ENTRY).await;
            let read = stage.read(&place).await.reading;
            let (token, captured) = stage.lease(&place, Take::Keeping(&read)).await;
            assert!(stage.release(&place, (token, &captured), leave).await);
        }
    }
}

/// Takes the lease on a place whose second tag is being written.
async fn lease_while_written(stage: &Stage, place: &Place) -> (Token, Vec<Generation>) {
    let (token, leasing) = stage.take(place, Take::Absent).await;
    let Leasing::Taken {
        generations,
        is_written,
        ..
    } = leasing
    else {
        panic!("{}: not to be had", stage.name());
    };
    assert!(is_written, "{}", stage.name());
    (token, generations)
}

#[tokio::test]
async fn nothing_is_published_under_a_tag_that_is_being_written() {
    for stage in Stage::all().await {
        for is_over in [false, true] {
            let place = stage.place(2);
            fence_tag(&stage, &place.tags[1]).await;
            let (token, captured) = lease_while_written(&stage, &place).await;
            assert_eq!(generations(&stage, &place).await[1], None);
            if is_over {
                stage.advance(HELD + SECOND);
            }
            assert!(!stage.publish(&place, (token, &captured), LOADED).await);
            assert_eq!(stage.see(&place).await, Seen::Nothing, "{}", stage.name());
        }
    }
}

#[tokio::test]
async fn a_release_tells_whether_anything_has_happened_while_a_tag_is_written() {
    for stage in Stage::all().await {
        for what in 0..4 {
            let place = stage.place(2);
            let tag = &place.tags[1];
            fence_tag(&stage, tag).await;
            let (token, captured) = lease_while_written(&stage, &place).await;
            match what {
                0 => {}
                1 => drop(stage.invalidate(tag).await),
                2 => fence_tag(&stage, tag).await,
                _ => stage.advance(HELD + SECOND),
            }
            let held = (token, &captured[..]);
            let stood = stage.release(&place, held, Leave::Nothing).await;
            assert_eq!(stood, what == 0, "{}: {what}", stage.name());
            assert_eq!(stage.see(&place).await, Seen::Nothing);
        }
    }
}

#[tokio::test]
async fn what_is_no_generation_makes_way_for_one() {
    for stage in Stage::all().await {
        let place = stage.place(1);
        let tag = Place {
            key: place.tags[0].clone(),
            tags: Vec::new(),
        };
        stage.put(&tag, ENTRY).await;
        assert_eq!(generations(&stage, &place).await, [None]);
        let (token, captured) = stage.lease(&place, Take::Absent).await;
        assert_eq!(generations(&stage, &place).await, [Some(captured[0])]);
        assert!(stage.publish(&place, (token, &captured), LOADED).await);
    }
}

#[tokio::test]
async fn a_tag_that_is_no_string_is_under_no_entry() {
    let stage = Stage::redis().await;
    let place = stage.place(1);
    stage.foreign("LPUSH", &place.tags[0], &["foreign"]);
    assert!(matches!(
        stage.take(&place, Take::Absent).await.1,
        Leasing::Unfit
    ));
    assert_eq!(stage.see(&place).await, Seen::Nothing);
}

#[tokio::test]
async fn a_generation_outlives_what_is_stored_under_it() {
    for stage in Stage::all().await {
        let place = stage.place(1);
        let tag = place.tags[0].clone();
        let (_, first) = stage.lease(&place, Take::Absent).await;
        stage.advance((TAG_LIFE / 2).saturating_sub(20 * SECOND));
        stage.lease(&sibling(&stage, &place), Take::Absent).await;
        let left = left(&stage, &tag).await;
        assert!(about(left, TAG_LIFE / 2 + 20 * SECOND), "{left:?}");
        stage.advance(40 * SECOND);
        let other = sibling(&stage, &place);
        assert_eq!(stage.lease(&other, Take::Absent).await.1, first);
        assert!(about(self::left(&stage, &tag).await, TAG_LIFE));
    }
}

/// What is left of a tag; in memory a tag is no entry for users to ask about.
async fn left(stage: &Stage, tag: &std::sync::Arc<str>) -> Option<std::time::Duration> {
    match &stage.store {
        Store::Memory(_) => stage.remaining(tag).await,
        _ => Some(stage.end(tag)),
    }
}

#[tokio::test]
async fn a_generation_without_an_end_keeps_none() {
    let stage = Stage::redis().await;
    let place = stage.place(1);
    stage.lease(&place, Take::Absent).await;
    stage.foreign("PERSIST", &place.tags[0], &[]);
    stage.lease(&sibling(&stage, &place), Take::Absent).await;
    assert_eq!(
        stage.foreign("PTTL", &place.tags[0], &[]),
        redis::Value::Int(-1)
    );
}

#[tokio::test]
async fn a_lease_given_back_blindly_leaves_the_entry() {
    for stage in Stage::all().await {
        let place = stage.place(2);
        stage.put(&place, ENTRY).await;
        let read = stage.read(&place).await.reading;
        let (token, _) = stage.lease(&place, Take::Keeping(&read)).await;
        let key = Place {
            key: place.key.clone(),
            tags: Vec::new(),
        };
        assert!(stage.release(&key, (token, &[]), Leave::Kept).await);
        assert_eq!(stage.see(&place).await, Seen::Entry(1), "{}", stage.name());
    }
}
