//! Entries that are loaded before anybody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache_runtime::{Cache, KeyTemplate, Transaction, cache_result};
use tokio::sync::Semaphore;

use crate::support::{Gate, Runs, on_each_store, until};

const MINUTE: Duration = Duration::from_secs(60);
const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("warm:<id>");

#[cache_result(key = "warmed:<id>", key_ignores(runs))]
async fn answer(id: u64, runs: &Runs) -> Result<u64, String> {
    runs.run();
    match id {
        13 => Err("unlucky".to_owned()),
        14 => panic!("worse"),
        id => Ok(id),
    }
}

#[tokio::test]
async fn calls_are_made_once_and_failures_end_nothing() {
    on_each_store(async |fixture| {
        let runs = Runs::default();
        let mut seen = Vec::new();
        let warmed = fixture
            .cache
            .warm()
            .try_calls((0..100).map(|id| answer(id, &runs)))
            .progress(|progress| seen.push((progress.done, progress.failed, progress.total)))
            .run()
            .await;
        assert_eq!((warmed.total, warmed.done, warmed.failed), (100, 98, 2));
        assert_eq!((warmed.skipped, warmed.present), (0, 0));
        assert_eq!((seen.len(), seen[99]), (100, (98, 2, 100)));
        assert_eq!(answer(7, &runs).await, Ok(7));
        assert_eq!(runs.count(), 100, "the hit runs nothing");
    })
    .await;
}

#[tokio::test]
async fn no_more_run_at_once_than_allowed() {
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let call = async || {
        let running = now.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(running, Ordering::SeqCst);
        tokio::task::yield_now().await;
        now.fetch_sub(1, Ordering::SeqCst);
    };
    let calls = (0..50).map(|_| call());
    let warmed = Cache::in_memory()
        .warm()
        .parallel(3)
        .calls(calls)
        .run()
        .await;
    assert_eq!((warmed.done, most.load(Ordering::SeqCst)), (50, 3));
}

#[tokio::test]
async fn keys_with_an_entry_are_left_alone() {
    on_each_store(async |fixture| {
        NAME.key(1)
            .put(&"old".to_owned(), MINUTE)
            .await
            .expect("a store");
        let runs = Runs::default();
        let load = |id: u64| {
            let runs = runs.clone();
            async move {
                runs.run();
                if id == 3 {
                    Err(())
                } else {
                    Ok(format!("new {id}"))
                }
            }
        };
        let keys = (1..=4).map(|id| (NAME.key(id), load(id)));
        let warmed = fixture.cache.warm().keys(keys, MINUTE).run().await;
        assert_eq!((warmed.done, warmed.present, warmed.failed), (3, 1, 1));
        assert_eq!(runs.count(), 3);
        let keys = [1, 2, 3, 4].map(|id| NAME.key(id));
        let names = fixture.cache.get_many(&keys).await.expect("a store");
        let names = names.iter().map(Option::as_deref).collect::<Vec<_>>();
        assert_eq!(names, [Some("old"), Some("new 2"), None, Some("new 4")]);
        let left = NAME.key(2).remaining_ttl().await.expect("a store");
        assert!(left.is_some_and(|left| left <= MINUTE));
    })
    .await;
}

#[tokio::test]
async fn a_value_that_was_invalidated_while_it_was_loaded_is_not_stored() {
    on_each_store(async |fixture| {
        let gate = Gate::new();
        let load = {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                Ok::<_, ()>("stale".to_owned())
            }
        };
        let warming = fixture.cache.warm().keys([(NAME.key(1), load)], MINUTE);
        let warming = tokio::spawn(warming.run());
        gate.was_reached().await;
        let _ = NAME.key(1).invalidate().await.expect("a store");
        gate.open();
        let warmed = warming.await.expect("a task");
        assert_eq!((warmed.done, warmed.failed), (0, 1));
        assert_eq!(NAME.key(1).get().await.expect("a store"), None);
    })
    .await;
}

#[tokio::test]
async fn what_a_transaction_sees_is_not_stored() {
    on_each_store(async |fixture| {
        let value = async { Ok::<_, ()>("uncommitted".to_owned()) };
        let warming = fixture.cache.warm().keys([(NAME.key(1), value)], MINUTE);
        let warmed = Transaction::new().scope(warming.run()).await;
        assert_eq!((warmed.done, warmed.failed), (0, 1));
        assert_eq!(NAME.key(1).get().await.expect("a store"), None);
    })
    .await;
}

#[tokio::test]
async fn it_ends_in_time_and_says_what_is_left() {
    let never = Arc::new(Semaphore::new(0));
    let calls = (0..10).map(|call| {
        let never = never.clone();
        async move {
            if call >= 4 {
                let _ = never.acquire().await;
            }
        }
    });
    let time = Duration::from_millis(50);
    let warming = Cache::in_memory()
        .warm()
        .parallel(2)
        .calls(calls)
        .within(time);
    let warmed = warming.run().await;
    assert_eq!((warmed.done, warmed.skipped, warmed.total), (4, 6, 10));
    assert!(warmed.time >= time);
}

#[tokio::test]
async fn dropped_it_begins_no_other_and_leaves_no_lease() {
    on_each_store(async |fixture| {
        let (runs, gate) = (Runs::default(), Gate::new());
        let keys = (0..10).map(|id| {
            let (runs, gate) = (runs.clone(), gate.clone());
            let load = async move {
                runs.run();
                gate.pass().await;
                Ok::<_, ()>(String::new())
            };
            (NAME.key(id), load)
        });
        let keys: Vec<_> = keys.collect();
        let warming = fixture.cache.warm().parallel(2).keys(keys, MINUTE);
        let warming = tokio::spawn(warming.run());
        gate.was_reached().await;
        gate.was_reached().await;
        warming.abort();
        assert!(warming.await.expect_err("dropped").is_cancelled());
        assert_eq!(runs.count(), 2);
        if let Some(server) = &fixture.server {
            until(async || server.command::<u64>("DBSIZE").await == 0).await;
        }
        let again = (0..10).map(|id| (NAME.key(id), async { Ok::<_, ()>(String::new()) }));
        let warmed = fixture.cache.warm().keys(again, MINUTE).run().await;
        assert_eq!((warmed.done, warmed.present), (10, 0));
    })
    .await;
}
