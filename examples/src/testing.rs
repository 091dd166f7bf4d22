//! How to test cached code: a cache for each test, its counters, and a clock that a test moves.
//!
//! ```sh
//! cargo run --bin testing                       # see it
//! cargo test -p cache-examples --bin testing    # the tests at the end of this file
//! ```
//!
//! The code under test names no cache, so it uses that of the scope it is called in. Nothing is
//! global, so tests run in parallel; nothing sleeps, so they are quick.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cache_runtime::{Cache, Clock, Error, cache_result, invalidate_cache};

/// The code under test: a database, a cached read and a write.
#[derive(Default)]
struct School {
    lessons: Mutex<HashMap<u32, Vec<String>>>,
}

#[derive(Clone, Debug, PartialEq)]
struct NoSuchClass;

#[cache_result(key = "class:timetable:<class>", ttl = "10m", key_ignores(school))]
async fn timetable_of(school: &School, class: u32) -> Result<Vec<String>, NoSuchClass> {
    let lessons = school
        .lessons
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    lessons.get(&class).cloned().ok_or(NoSuchClass)
}

#[invalidate_cache(key = "class:timetable:<class>")]
async fn add_lesson(school: &School, class: u32, lesson: &str) {
    let mut lessons = school
        .lessons
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    lessons.entry(class).or_default().push(lesson.to_owned());
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let clock = Clock::manual();
    let cache = Cache::builder().clock(clock.clone()).build()?;
    let school = School::default();

    let read = async |what: &str| {
        let before = cache.stats();
        let answer = cache.scope(timetable_of(&school, 7)).await;
        let after = cache.stats();
        let (hits, loads) = (after.hits - before.hits, after.loads - before.loads);
        println!("{what:<28} {hits} hit(s), {loads} load(s): {answer:?}");
    };
    read("an error is not kept").await;
    cache.scope(add_lesson(&school, 7, "algebra")).await;
    read("after the write").await;
    read("again").await;
    clock.advance(Duration::from_secs(600));
    read("ten minutes on the clock").await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not by way of `add_lesson`: outside a scope it would invalidate in the global cache.
    fn school_with(lesson: &str) -> School {
        School {
            lessons: Mutex::new(HashMap::from([(7, vec![lesson.to_owned()])])),
        }
    }

    #[tokio::test]
    async fn the_first_read_loads_and_the_second_is_a_hit() {
        let cache = Cache::in_memory();
        let school = school_with("algebra");

        let first = cache.scope(timetable_of(&school, 7)).await;
        assert_eq!((cache.stats().loads, cache.stats().hits), (1, 0));

        let second = cache.scope(timetable_of(&school, 7)).await;
        assert_eq!((cache.stats().loads, cache.stats().hits), (1, 1));
        assert_eq!(first, second);
    }

    #[tokio::test]
    async fn a_write_makes_the_next_read_new() {
        let cache = Cache::in_memory();
        let school = school_with("algebra");

        let found = cache
            .scope(async {
                timetable_of(&school, 7).await?;
                add_lesson(&school, 7, "music").await;
                timetable_of(&school, 7).await
            })
            .await;

        assert_eq!(found.unwrap(), ["algebra", "music"]);
        assert_eq!((cache.stats().loads, cache.stats().invalidations), (2, 1));
    }

    #[tokio::test]
    async fn a_write_to_one_class_leaves_the_others_cached() {
        let cache = Cache::in_memory();
        let school = school_with("algebra");

        let found = cache
            .scope(async {
                timetable_of(&school, 7).await?;
                add_lesson(&school, 8, "music").await;
                timetable_of(&school, 7).await
            })
            .await;

        assert_eq!(found.unwrap(), ["algebra"]);
        assert_eq!((cache.stats().loads, cache.stats().hits), (1, 1));
    }

    #[tokio::test]
    async fn an_entry_ends_after_ten_minutes() {
        let clock = Clock::manual();
        let cache = Cache::builder().clock(clock.clone()).build().unwrap();
        let school = school_with("algebra");

        cache.scope(timetable_of(&school, 7)).await.unwrap();
        clock.advance(Duration::from_secs(599));
        cache.scope(timetable_of(&school, 7)).await.unwrap();
        assert_eq!((cache.stats().loads, cache.stats().hits), (1, 1));

        clock.advance(Duration::from_secs(1));
        cache.scope(timetable_of(&school, 7)).await.unwrap();
        assert_eq!((cache.stats().loads, cache.stats().hits), (2, 1));
    }

    #[tokio::test]
    async fn an_error_is_asked_for_again() {
        let cache = Cache::in_memory();
        let school = School::default();

        for _ in 0..2 {
            let answer = cache.scope(timetable_of(&school, 7)).await;
            assert_eq!(answer, Err(NoSuchClass));
        }

        assert_eq!((cache.stats().loads, cache.stats().unstored), (2, 2));
    }

    /// What a cached function answers can also be set by hand, without a database at all.
    #[tokio::test]
    async fn the_answer_can_be_planted() {
        let cache = Cache::in_memory();
        let planted = vec!["chess".to_owned()];
        let ttl = Duration::from_secs(60);

        let found = cache
            .scope(async {
                timetable_of_key(7).put(&planted, ttl).await.unwrap();
                timetable_of(&School::default(), 7).await
            })
            .await;

        assert_eq!(found, Ok(planted));
        assert_eq!(cache.stats().loads, 0);
    }

    /// No two templates can make one key, and whatever is invalidated is cached by someone.
    #[test]
    fn the_annotations_of_this_crate_agree() {
        cache_runtime::assert_catalogue!(crate);
    }
}
