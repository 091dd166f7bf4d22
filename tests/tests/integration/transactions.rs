//! Transactions: nothing of them is cached before the commit, and nothing old after it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_runtime::{
    Cache, Invalidation, KeyTemplate, Transaction, cache_keys, cache_many, cache_result,
    invalidate_cache, spawn, update_cache,
};
use cache_tests::RedisServer;

use crate::support::{Fixture, Gate, on, on_each_store, until};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const BALANCE: KeyTemplate<(u64,), i64> = KeyTemplate::new("account:<id>:balance");
}

const MINUTE: Duration = Duration::from_secs(60);
/// The lease time of a cache, for which a commit of unknown outcome is waited for.
const LEASE: Duration = Duration::from_secs(10);

/// What one connection sees: the bank itself, or a transaction that is not committed yet.
#[derive(Clone, Default)]
struct View(Arc<Mutex<BTreeMap<u64, i64>>>);

impl View {
    fn rows(&self) -> BTreeMap<u64, i64> {
        self.0.lock().expect("no panic while it is locked").clone()
    }

    fn balance(&self, id: u64) -> i64 {
        self.rows().get(&id).copied().unwrap_or(0)
    }

    fn set(&self, id: u64, balance: i64) {
        self.0
            .lock()
            .expect("no panic while it is locked")
            .insert(id, balance);
    }

    fn begin(&self) -> Self {
        Self(Arc::new(Mutex::new(self.rows())))
    }

    fn commit_to(&self, bank: &Self) {
        let rows = self.rows();
        *bank.0.lock().expect("no panic while it is locked") = rows;
    }
}

#[cache_result(key = CacheKeys::BALANCE.key(id), ttl = 60, key_ignores(view))]
async fn balance(id: u64, view: &View) -> i64 {
    view.balance(id)
}

#[invalidate_cache(key = CacheKeys::BALANCE.key(id))]
async fn book(id: u64, amount: i64, view: &View) -> Result<(), io::Error> {
    view.set(id, view.balance(id) + amount);
    Ok(())
}

#[invalidate_cache(key = CacheKeys::BALANCE.key(id), when = around)]
async fn book_around(id: u64, amount: i64, view: &View) {
    view.set(id, view.balance(id) + amount);
}

#[invalidate_cache(pattern = "account:*")]
async fn close_all(view: &View) {
    view.0.lock().expect("no panic while it is locked").clear();
}

/// A commit whose reply was lost.
fn lost() -> io::Result<()> {
    Err(io::ErrorKind::ConnectionReset.into())
}

/// What is cached of account 1, and whether a load outside of any transaction stores it.
async fn is_stored_after(bank: &View, balance_now: i64) -> bool {
    assert_eq!(balance(1, bank).await, balance_now);
    CacheKeys::BALANCE.key(1).exists().await.expect("a store")
}

async fn committed(transaction: Transaction, tx: &View, bank: &View) {
    let commit = async {
        tx.commit_to(bank);
        io::Result::Ok(())
    };
    transaction.commit(commit).await.expect("a commit");
}

/// A bank whose account 1 has 100, and is cached.
async fn bank() -> View {
    let bank = View::default();
    bank.set(1, 100);
    assert_eq!(balance(1, &bank).await, 100);
    bank
}

#[tokio::test]
async fn invalidations_wait_for_the_commit() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let booking = transaction.scope(async {
            book(1, -10, &tx).await?;
            book(2, 10, &tx).await
        });
        booking.await.expect("a booking");
        let stats = fixture.cache.stats();
        assert_eq!((stats.deferred, stats.invalidations), (2, 0));
        assert_eq!(balance(1, &bank).await, 100, "a hit: nothing is committed");

        let committed = transaction.commit(async {
            tx.commit_to(&bank);
            io::Result::Ok(7)
        });
        assert_eq!(committed.await.expect("a commit"), 7);
        assert_eq!(fixture.cache.stats().invalidations, 2);
        assert_eq!((balance(1, &bank).await, balance(2, &bank).await), (90, 10));
    })
    .await;
}

#[tokio::test]
async fn a_rollback_invalidates_nothing() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        transaction
            .scope(book(1, -10, &tx))
            .await
            .expect("a booking");
        let outcome = transaction
            .scope(CacheKeys::BALANCE.key(1).invalidate())
            .await;
        assert_eq!(outcome.expect("a store"), Invalidation::Queued);
        drop(transaction);
        assert!(fixture.cache.drained(MINUTE).await);
        assert_eq!(fixture.cache.stats().invalidations, 0);
        let hits = fixture.cache.stats().hits;
        assert_eq!(balance(1, &bank).await, 100);
        assert_eq!(fixture.cache.stats().hits, hits + 1);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_scope_still_belongs_to_its_transaction() {
    #[invalidate_cache(key = CacheKeys::BALANCE.key(id))]
    async fn hang(id: u64) {
        std::future::pending::<()>().await;
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        for commits in [false, true] {
            bank().await;
            let transaction = Transaction::new();
            let hanging = transaction.scope(hang(1));
            let hung = tokio::time::timeout(Duration::from_millis(5), hanging).await;
            assert!(hung.is_err());
            assert!(fixture.cache.drained(MINUTE).await);
            assert!(CacheKeys::BALANCE.key(1).exists().await.expect("a store"));
            if commits {
                transaction
                    .commit(async { io::Result::Ok(()) })
                    .await
                    .expect("a commit");
            } else {
                drop(transaction);
            }
            let is_left = CacheKeys::BALANCE.key(1).exists().await.expect("a store");
            assert_eq!(is_left, !commits);
        }
    })
    .await;
}

#[tokio::test]
async fn reads_inside_see_the_transaction_and_store_nothing() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let before = fixture.cache.stats();
        let inside = transaction.scope(async {
            assert_eq!(balance(1, &tx).await, 100, "a hit");
            book(1, -10, &tx).await?;
            assert_eq!(balance(1, &tx).await, 90, "its own write");
            assert_eq!(balance(2, &tx).await, 0, "a miss");
            assert_eq!(
                CacheKeys::BALANCE.key(1).get().await.expect("a store"),
                None
            );
            cache_runtime::refresh(balance(2, &tx)).await;
            io::Result::Ok(())
        });
        inside.await.expect("a booking");
        let stats = fixture.cache.stats().since(&before);
        assert_eq!((stats.hits, stats.loads, stats.published), (1, 3, 0));
        assert_eq!(balance(1, &bank).await, 100, "outside it is not known");
        assert!(!CacheKeys::BALANCE.key(2).exists().await.expect("a store"));
    })
    .await;
}

#[cache_result(key = CacheKeys::BALANCE.key(id), ttl = 60, key_ignores(view, gate))]
async fn slow(id: u64, view: &View, gate: &Gate) -> i64 {
    let balance = view.balance(id);
    gate.pass().await;
    balance
}

/// Loads inside a transaction, and outside while that is under way.
async fn loads_at_once(cache: &Cache) -> (i64, i64) {
    let (transaction, tx) = (Transaction::new(), View::default());
    tx.set(1, 50);
    let [inner, outer] = [Gate::new(), Gate::new()];
    let inside = cache.scope(transaction.scope(slow(1, &tx, &inner)));
    let outside = async {
        inner.was_reached().await;
        outer.open();
        let balance = cache.scope(slow(1, &View::default(), &outer)).await;
        inner.open();
        balance
    };
    tokio::join!(inside, outside)
}

#[tokio::test]
async fn nobody_outside_gets_a_load_from_inside() {
    on_each_store(async |fixture: Arc<Fixture>| {
        assert_eq!(loads_at_once(&fixture.cache).await, (50, 0));
        let stored = CacheKeys::BALANCE.key(1).get().await;
        assert_eq!(stored.expect("a store"), Some(0));
    })
    .await;
}

#[tokio::test]
async fn nor_does_anybody_without_redis() {
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    server.kill();
    assert_eq!(loads_at_once(&cache).await, (50, 0));
    assert_eq!((cache.stats().joined, cache.stats().wait_timeouts), (0, 0));
}

#[tokio::test]
async fn whatever_writes_inside_invalidates_at_the_commit() {
    #[update_cache(key = CacheKeys::BALANCE.key(id), ttl = 60)]
    async fn set(id: u64, balance: i64, view: &View) -> i64 {
        view.set(id, balance);
        balance
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let cache = &fixture.cache;
        let bank = bank().await;
        let other = [2, 3, 4, 5].map(|id| CacheKeys::BALANCE.key(id));
        for key in &other {
            key.put(&0, MINUTE).await.expect("a store");
        }
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let inside = transaction.scope(async {
            set(1, 1, &tx).await;
            other[0].put(&1, MINUTE).await.expect("a store");
            let outcome = other[1].invalidate().await.expect("a store");
            assert_eq!(outcome, Invalidation::Queued);
            let outcome = cache.invalidate_many([&other[2], &other[3]]).await;
            assert_eq!(outcome.expect("a store"), Invalidation::Queued);
        });
        inside.await;
        assert_eq!(cache.stats().deferred, 5);
        assert_eq!(balance(1, &bank).await, 100);
        assert_eq!(cache.get_many(&other).await.expect("a store"), [Some(0); 4]);
        transaction
            .commit(async { io::Result::Ok(()) })
            .await
            .expect("a commit");
        assert_eq!(cache.get_many(&other).await.expect("a store"), [None; 4]);
        assert!(!CacheKeys::BALANCE.key(1).exists().await.expect("a store"));
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_inside_is_deleted_again_at_the_commit() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        let key = CacheKeys::BALANCE.key(1);
        for clears in [false, true] {
            let transaction = Transaction::new();
            let inside = transaction.scope(async {
                if clears {
                    assert_eq!(
                        fixture.cache.clear("account:1:*").await.expect("a store"),
                        1
                    );
                } else {
                    assert!(key.delete().await.expect("a store"));
                }
            });
            inside.await;
            assert_eq!(balance(1, &bank).await, 100, "read again before the commit");
            transaction
                .commit(async { io::Result::Ok(()) })
                .await
                .expect("a commit");
            assert!(!key.exists().await.expect("a store"));
            balance(1, &bank).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_pattern_is_pending_for_all_that_it_matches() {
    on_each_store(async |_| {
        let bank = bank().await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let inside = transaction.scope(async {
            close_all(&tx).await;
            assert_eq!(balance(1, &tx).await, 0);
        });
        inside.await;
        assert_eq!(balance(1, &bank).await, 100);
        committed(transaction, &tx, &bank).await;
        assert_eq!(balance(1, &bank).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_waits_for_the_outermost_commit() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        for commits in [false, true] {
            let (outer, tx) = (Transaction::new(), bank.begin());
            let inside = outer.scope(async {
                let savepoint = Transaction::new();
                savepoint.scope(book(1, -10, &tx)).await?;
                savepoint.commit(async { io::Result::Ok(()) }).await?;
                assert_eq!(balance(1, &tx).await, 90, "still pending");
                io::Result::Ok(())
            });
            inside.await.expect("a booking");
            assert_eq!(fixture.cache.stats().invalidations, 0);
            if commits {
                committed(outer, &tx, &bank).await;
            } else {
                drop(outer);
            }
            assert_eq!(balance(1, &bank).await, if commits { 90 } else { 100 });
        }
        assert_eq!(fixture.cache.stats().invalidations, 1);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_outlives_its_transaction_invalidates_for_itself() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        let transaction = Transaction::new();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let late = {
            let bank = bank.clone();
            async move {
                gone.await.expect("a sign");
                book(1, -10, &bank).await.expect("a booking");
                assert_eq!(balance(1, &bank).await, 90);
            }
        };
        let late = transaction.scope(async { spawn(late) }).await;
        drop(transaction);
        go.send(()).expect("a listener");
        late.await.expect("a task");
        assert_eq!(fixture.cache.stats().deferred, 0);
        let hits = fixture.cache.stats().hits;
        assert_eq!(balance(1, &bank).await, 90);
        assert_eq!(fixture.cache.stats().hits, hits + 1, "stored again");
    })
    .await;
}

#[tokio::test]
async fn a_commit_whose_outcome_nobody_knows_invalidates_and_fences() {
    on_each_store(async |fixture: Arc<Fixture>| {
        for outcome in ["failed", "dropped", "panicked"] {
            let bank = bank().await;
            let (transaction, tx) = (Transaction::new(), bank.begin());
            let booking = transaction.scope(book(1, -10, &tx));
            booking.await.expect("a booking");
            let commit = async move {
                match outcome {
                    "failed" => lost(),
                    "dropped" => std::future::pending().await,
                    _ => std::panic::resume_unwind(Box::new("on purpose")),
                }
            };
            let commit = spawn(transaction.commit(commit));
            if outcome == "dropped" {
                tokio::task::yield_now().await;
                commit.abort();
            }
            assert!(
                !commit.await.is_ok_and(|commit| commit.is_ok()),
                "{outcome}"
            );
            assert!(fixture.cache.drained(MINUTE).await);

            assert!(!is_stored_after(&bank, 100).await, "read before it arrives");
            tx.commit_to(&bank);
            assert!(!is_stored_after(&bank, 90).await, "{outcome}");
            fixture.pass("account:1:balance", LEASE).await;
            assert!(is_stored_after(&bank, 90).await, "{outcome}");
            book(1, 0, &bank).await.expect("a booking");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_written_around_stays_fenced_until_the_transaction_is_over() {
    on_each_store(async |fixture: Arc<Fixture>| {
        for ends_by in ["a commit", "a rollback"] {
            let bank = bank().await;
            let (transaction, tx) = (Transaction::new(), bank.begin());
            transaction.scope(book_around(1, -10, &tx)).await;
            assert!(!is_stored_after(&bank, 100).await, "{ends_by}");
            if ends_by == "a commit" {
                committed(transaction, &tx, &bank).await;
            } else {
                drop(transaction);
                until(async || is_stored_after(&bank, 100).await).await;
            }
            assert!(is_stored_after(&bank, bank.balance(1)).await, "{ends_by}");
            book(1, 0, &bank).await.expect("a booking");
        }
        assert_eq!(fixture.cache.stats().deferred, 2);
    })
    .await;
}

#[tokio::test]
async fn a_fence_that_is_lost_ends_with_the_transaction_all_the_same() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let test = async {
        let bank = bank().await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        transaction.scope(book_around(1, -10, &tx)).await;
        let () = server.command(("DEL", "account:1:balance")).await;
        assert!(is_stored_after(&bank, 100).await);
        assert_eq!(
            transaction.scope(balance(1, &tx)).await,
            90,
            "its own write"
        );
        committed(transaction, &tx, &bank).await;
        assert!(is_stored_after(&bank, 90).await);
    };
    fixture.cache.scope(test).await;
}

#[tokio::test]
async fn keys_settle_after_the_commit() {
    #[invalidate_cache(key = CacheKeys::BALANCE.key(id), settle = "2s")]
    async fn book_and_settle(id: u64, amount: i64, view: &View) {
        view.set(id, view.balance(id) + amount);
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let inside = transaction.scope(async {
            book_and_settle(1, -10, &tx).await;
            // A plain one, which must not shorten it.
            book(1, 0, &tx).await
        });
        inside.await.expect("a booking");
        committed(transaction, &tx, &bank).await;
        assert!(!is_stored_after(&bank, 90).await);
        fixture
            .pass("account:1:balance", Duration::from_secs(2))
            .await;
        assert!(is_stored_after(&bank, 90).await);
    })
    .await;
}

#[tokio::test]
async fn a_tag_is_pending_for_all_that_carry_it() {
    #[cache_result(key = "tagged:<id>", ttl = 60, tags = ["customer:<id>"], key_ignores(view))]
    async fn tagged(id: u64, view: &View) -> i64 {
        view.balance(id)
    }
    #[invalidate_cache(tags = ["customer:<id>"])]
    async fn charge(id: u64, view: &View) {
        view.set(id, view.balance(id) - 10);
    }
    on_each_store(async |_| {
        let bank = bank().await;
        assert_eq!(tagged(1, &bank).await, 100);
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let inside = transaction.scope(async {
            charge(1, &tx).await;
            assert_eq!(tagged(1, &tx).await, 90);
            assert_eq!(tagged_key(1).get().await.expect("a store"), None);
        });
        inside.await;
        assert_eq!(tagged(1, &bank).await, 100);
        committed(transaction, &tx, &bank).await;
        assert_eq!(tagged(1, &bank).await, 90);
    })
    .await;
}

#[tokio::test]
async fn batches_inside_see_the_transaction_and_store_nothing() {
    #[cache_many(key = "account:<id>:balance", by = id in ids, ttl = 60, key_ignores(view))]
    async fn balances(ids: &[u64], view: &View) -> HashMap<u64, i64> {
        ids.iter().map(|id| (*id, view.balance(*id))).collect()
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        bank.set(2, 200);
        balance(2, &bank).await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let published = fixture.cache.stats().published;
        let inside = transaction.scope(async {
            book(1, -10, &tx).await?;
            io::Result::Ok(balances(&[1, 2, 3], &tx).await)
        });
        let inside = inside.await.expect("a booking");
        assert_eq!(inside, HashMap::from([(1, 90), (2, 200), (3, 0)]));
        assert_eq!(fixture.cache.stats().published, published);
        assert_eq!(balances(&[1], &bank).await, HashMap::from([(1, 100)]));
    })
    .await;
}

#[tokio::test]
async fn what_a_transaction_reads_is_not_held_against_the_entry() {
    #[cache_result(key = "verified:<id>", ttl = 60, verify = 1.0, key_ignores(view))]
    async fn verified(id: u64, view: &View) -> i64 {
        view.balance(id)
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let bank = bank().await;
        verified(1, &bank).await;
        let tx = bank.begin();
        tx.set(1, 5);
        let inside = Transaction::new();
        assert_eq!(inside.scope(verified(1, &tx)).await, 100);
        assert_eq!(fixture.cache.stats().mismatches, 0);
    })
    .await;
}

#[tokio::test]
async fn each_cache_is_invalidated_where_it_is() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let other = Cache::in_memory();
        let bank = bank().await;
        other.scope(balance(1, &bank)).await;
        let (transaction, tx) = (Transaction::new(), bank.begin());
        let inside = transaction.scope(async {
            other.scope(book(1, -10, &tx)).await?;
            assert_eq!(balance(1, &tx).await, 100, "pending elsewhere only");
            assert_eq!(other.scope(balance(1, &tx)).await, 90);
            io::Result::Ok(())
        });
        inside.await.expect("a booking");
        transaction
            .commit(async { io::Result::Ok(()) })
            .await
            .expect("a commit");
        assert_eq!(
            (other.stats().deferred, other.stats().invalidations),
            (1, 1)
        );
        assert_eq!(fixture.cache.stats().deferred, 0);
    })
    .await;
}

#[test]
fn transactions_of_blocking_code_do_the_same() {
    #[invalidate_cache(key = CacheKeys::BALANCE.key(id))]
    fn set(id: u64, balance: i64, view: &View) {
        view.set(id, balance);
    }
    #[cache_result(key = CacheKeys::BALANCE.key(id), ttl = 60, key_ignores(view))]
    fn balance(id: u64, view: &View) -> i64 {
        view.balance(id)
    }
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    for fixture in [Fixture::in_memory(), servers.block_on(Fixture::on_redis())] {
        fixture.cache.scope_blocking(|| {
            let bank = View::default();
            assert_eq!(balance(1, &bank), 0);
            for commit in [lost(), Ok(())] {
                let (transaction, tx) = (Transaction::new(), bank.begin());
                transaction.scope_blocking(|| {
                    set(1, 5, &tx);
                    assert_eq!(balance(1, &tx), 5);
                });
                assert_eq!(balance(1, &bank), 0);
                let fails = commit.is_err();
                let committed = transaction.commit_blocking(|| {
                    tx.commit_to(&bank);
                    commit
                });
                assert_eq!(committed.is_err(), fails);
                assert_eq!(balance(1, &bank), 5, "it may have been committed");
                bank.set(1, 0);
                set(1, 0, &bank);
            }
        });
    }
}
