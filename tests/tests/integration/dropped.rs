//! Readers that are dropped at each of their awaits: whoever comes next is not held up.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cache_runtime::{cache_many, cache_result, spawn};

use crate::support::{Fixture, Runs, on_each_store};

/// More awaits than a read has.
const AWAITS: usize = 50;
/// Far less than a lease lasts, or than anybody waits.
const SOON: Duration = Duration::from_secs(2);

#[cache_result(key = "plain:<id>", ttl = 60, key_ignores(runs))]
async fn plain(id: usize, runs: &Runs) -> usize {
    load(id, runs).await
}

#[cache_result(key = "tagged:<id>", ttl = 60, tags = ["all"], key_ignores(runs))]
async fn tagged(id: usize, runs: &Runs) -> usize {
    load(id, runs).await
}

#[cache_result(
    key = "aged:<id>",
    ttl = 60,
    stale = "10m",
    soft_timeout = "1m",
    key_ignores(runs)
)]
async fn aged(id: usize, runs: Runs) -> usize {
    load(id, &runs).await
}

#[cache_many(key = "many:<id>", by = id in ids, ttl = 60, key_ignores(runs))]
async fn many(ids: &[usize], runs: &Runs) -> HashMap<usize, usize> {
    load(0, runs).await;
    ids.iter().map(|id| (*id, *id)).collect()
}

async fn load(id: usize, runs: &Runs) -> usize {
    runs.run();
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    id
}

/// Polls a call until it has been left waiting so often, drops it, and says whether it had ended.
async fn drop_at(stop: usize, call: impl Future) -> bool {
    let (mut call, mut waited) = (pin!(call), 0);
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => {
            waited += 1;
            if waited == stop {
                Poll::Ready(false)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}

/// Drops the call of a key at each await, with another call waiting for it; both that one and one
/// that comes later are answered soon.
async fn drop_everywhere<F, T>(call: impl Fn(usize) -> F)
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    for stop in 1..AWAITS {
        let dropped = call(stop);
        let waiting = async {
            tokio::task::yield_now().await;
            spawn(call(stop))
        };
        let (has_ended, waiting) = tokio::join!(drop_at(stop, dropped), waiting);
        let context = format!("dropped at await {stop}");
        let waiting = tokio::time::timeout(SOON, waiting).await;
        waiting.expect(&context).expect("a task");
        let later = tokio::time::timeout(SOON, call(stop)).await;
        drop(later.expect(&context));
        if has_ended {
            assert!(stop > 3, "the body alone has as many");
            return;
        }
    }
    panic!("it never came to its end");
}

#[tokio::test]
async fn a_reader_dropped_at_any_await_holds_nobody_up() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        let with = || runs.clone();
        drop_everywhere(|id| {
            let runs = with();
            async move { plain(id, &runs).await }
        })
        .await;
        drop_everywhere(|id| {
            let runs = with();
            async move { tagged(id, &runs).await }
        })
        .await;
        drop_everywhere(|id| aged(id, with())).await;
        drop_everywhere(|id| {
            let runs = with();
            async move { many(&[id, 1_000 + id], &runs).await }
        })
        .await;
        assert_eq!(fixture.cache.stats().wait_timeouts, 0);
    })
    .await;
}
