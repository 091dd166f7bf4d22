//! Expansions mean what they say, whatever names there are around them.

use cache_runtime::{Cache, KeyWriter, Stats};

mod bare;
mod hostile;
mod macros;

use crate::support::Runs;

/// What a cache of its own counted while `calls` ran.
async fn counted(calls: impl Future<Output = ()>) -> Stats {
    let cache = Cache::in_memory();
    cache.scope(calls).await;
    cache.stats()
}

#[tokio::test]
async fn hostile_names_change_nothing() {
    let stats = counted(async {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(
                hostile::every_option(7, "a", &runs).await,
                Ok(Some("7 a".to_owned()))
            );
            assert_eq!(hostile::plain(7, &runs).await, 7);
            assert_eq!(
                hostile::Keys::of(7, hostile::Kind::Named(3), &runs).await,
                "7"
            );
        }
        assert_eq!(runs.count(), 3);
        hostile::update(7, "b", &runs).await;
        assert_eq!(
            hostile::every_option(7, "b", &runs).await,
            Ok(Some("updated".to_owned()))
        );
        assert_eq!(runs.count(), 4);
        assert_eq!(hostile::forget(7, "a").await, Ok(7));
        hostile::plain(7, &runs).await;
        assert_eq!(runs.count(), 5);
    })
    .await;
    assert_eq!((stats.hits, stats.loads), (4, 4), "{stats:?}");
}

#[tokio::test]
async fn hostile_names_change_nothing_in_the_background_or_in_batches() {
    counted(async {
        assert!(matches!(hostile::windowed(7).await, Ok(7)));
        let runs = Runs::default();
        for ids in [[1, 2], [2, 3]] {
            let all = hostile::batch(&ids, "a".to_owned(), &runs).await;
            assert_eq!(all, ids.map(|id| (id, "a".to_owned())).into());
        }
        assert_eq!(runs.count(), 3);
        let one = hostile::batch_key(3, "a").get().await;
        assert!(matches!(one, Ok(Some(text)) if text == "a"));
    })
    .await;
}

#[tokio::test]
async fn hostile_names_change_nothing_in_operations() {
    counted(async {
        let runs = Runs::default();
        let text = hostile::again("a".to_owned(), 8, &runs).await;
        assert_eq!((text.as_deref(), runs.count()), (Ok("a 7"), 2));
        let refused = hostile::connected_too("a").await;
        assert!(matches!(refused, Err(cache_runtime::Error::NoRedis)));
    })
    .await;
    let cache = Cache::in_memory();
    let refused = std::thread::spawn(move || hostile::connected(&cache)).join();
    assert!(matches!(refused, Ok(Err(cache_runtime::Error::NoRedis))));
    assert_eq!(macros::retried(7, 1).await, Ok(80));
}

#[test]
fn hostile_names_change_nothing_in_plain_functions() {
    let before = (hostile::blocking(7), hostile::blocking(7));
    hostile::forget_blocking(7);
    assert_eq!((before, hostile::blocking(7)), ((7, 7), 7));
}

#[test]
fn derived_parts_change_nothing_either() {
    let range = hostile::Range {
        from: 1,
        to: Some(2),
    };
    let kind = hostile::Kind::Both {
        number: hostile::Number(3),
        range,
    };
    assert_eq!(KeyWriter::text_of(&kind), "Both(3,(1,2,),)");
}

#[tokio::test]
async fn nothing_of_the_prelude_is_needed() {
    let stats = counted(async {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(bare::optional(7, &runs).await, Ok(None));
            assert_eq!(bare::square(7, &runs).await, 49);
        }
        assert_eq!(runs.count(), 2);
        assert_eq!(bare::forget(7).await, Ok(7));
        bare::optional(7, &runs).await.expect("no error");
        assert_eq!(runs.count(), 3);
    })
    .await;
    assert_eq!((stats.hits, stats.loads), (2, 3), "{stats:?}");
}

#[tokio::test]
async fn macros_may_make_all_of_a_function() {
    let stats = counted(macros::use_all()).await;
    assert_eq!(
        stats.hits, stats.loads,
        "everything is called twice: {stats:?}"
    );
}
