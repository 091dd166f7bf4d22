//! Writes that become visible together: what they invalidate waits for their commit.

mod deferred;
#[cfg(feature = "sqlx")]
mod sqlx;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::call::scope;
use crate::call::{Ending, Phase, report};

pub(crate) use deferred::Deferred;
#[cfg(feature = "sqlx")]
pub use sqlx::SqlxTransaction;

/// Where errors and log lines of a transaction say they come from.
const SITE: &str = "Transaction";

/// Holds invalidations back until a database transaction is committed.
///
/// An invalidation inside an open transaction comes too early: whoever reads before the commit
/// caches the old value anew. So run all that belongs to the transaction in its
/// [`scope`](Self::scope), and commit through [`commit`](Self::commit):
///
/// ```
/// use cache_runtime::{Cache, Transaction, cache_result, invalidate_cache};
/// # struct Database;
/// # impl Database { async fn begin(&self) -> Self { Self } async fn commit(self) -> Result<(), std::io::Error> { Ok(()) } }
///
/// #[cache_result(key = "account:<id>", ttl = 60, key_ignores(database))]
/// async fn balance(database: &Database, id: u64) -> u64 {
///     100 // a query, in earnest
/// }
///
/// #[invalidate_cache(key = "account:<id>")]
/// async fn book(database: &mut Database, id: u64, amount: i64) -> Result<(), std::io::Error> {
///     Ok(())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), std::io::Error> {
/// # let database = Database;
/// let cache = Cache::in_memory();
/// cache.scope(async {
///     balance(&database, 1).await;
///
///     let mut tx = database.begin().await;
///     let transaction = Transaction::new();
///     transaction.scope(async {
///         book(&mut tx, 1, -10).await?;
///         book(&mut tx, 2, 10).await
///     }).await?;
///     assert_eq!(cache.stats().invalidations, 0);
///     transaction.commit(tx.commit()).await?;
///     assert_eq!(cache.stats().invalidations, 2);
///     Ok(())
/// }).await
/// # }
/// ```
///
/// Inside the scope
///
/// - what `#[invalidate_cache]`, `#[update_cache]`, [`Key::invalidate`](crate::Key) and
///   [`Key::put`](crate::Key::put) would do becomes an invalidation at the commit; by hand it
///   answers [`Invalidation::Queued`](crate::Invalidation::Queued),
/// - the keys of a write with `when = around` are fenced until the transaction is over,
/// - cached functions may answer from the cache, but never with what the transaction is to
///   invalidate, and store nothing: what is not committed is nobody else's.
///
/// Dropped without a commit it invalidates nothing, as after a rollback. So never commit the
/// database's transaction past it. If the commit fails, or its future is dropped, nobody knows
/// whether it has happened: then all is invalidated, and stays fenced for the cache's lease time.
///
/// One that begins inside the scope of another stands for a savepoint: its invalidations wait for
/// the commit of the outermost.
#[must_use = "dropped without a commit it invalidates nothing"]
pub struct Transaction {
    deferred: Arc<Deferred>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nobody knows what has become of it.
    Committing,
    /// The transaction around it decides.
    Savepoint,
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Transaction {
    /// A transaction that has written nothing; inside the scope of another, a part of that.
    ///
    /// ```
    /// let transaction = cache_runtime::Transaction::new();
    /// drop(transaction); // rolled back
    /// ```
    pub fn new() -> Self {
        match scope::transaction() {
            Some(deferred) => Self {
                deferred,
                state: State::Savepoint,
            },
            None => Self::outermost(),
        }
    }

    pub(crate) fn outermost() -> Self {
        Self {
            deferred: Arc::new(Deferred::new()),
            state: State::Open,
        }
    }

    /// Runs a future whose writes belong to this transaction; as often as needed.
    ///
    /// # Cancel safety
    ///
    /// As the future's own. What it has written by then still belongs to the transaction, which
    /// may be committed or dropped.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Invalidation, KeyTemplate, Transaction};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// let transaction = Transaction::new();
    /// let outcome = transaction.scope(USER.key(7).invalidate()).await?;
    /// assert_eq!(outcome, Invalidation::Queued);
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let deferred = self.deferred.clone();
        scope::with(|context| context.set_transaction(deferred), future)
    }

    /// [`scope`](Self::scope) for code that does not await.
    ///
    /// ```
    /// let transaction = cache_runtime::Transaction::new();
    /// assert_eq!(transaction.scope_blocking(|| 42), 42);
    /// ```
    pub fn scope_blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        let deferred = self.deferred.clone();
        scope::with_blocking(|context| context.set_transaction(deferred), work)
    }

    /// Commits the database's transaction by the future, then invalidates.
    ///
    /// # Errors
    ///
    /// Those of the future. The cache adds none: what Redis does not take is queued.
    ///
    /// # Cancel safety
    ///
    /// Dropped before the future has ended, the commit may still happen: all is invalidated, and
    /// stays fenced for the cache's lease time. Dropped later, no invalidation is lost.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate, Transaction};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// let cache = Cache::in_memory();
    /// let transaction = Transaction::new();
    /// let _ = cache.scope(transaction.scope(USER.key(7).invalidate())).await?;
    /// transaction.commit(async { Ok::<_, std::io::Error>(()) }).await.unwrap();
    /// assert_eq!(cache.stats().invalidations, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn commit<T, E>(
        mut self,
        commit: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.begin_commit();
        let result = commit.await;
        if let Some(mut ending) = self.close() {
            ending.learn(&result);
            // The database has committed, whatever becomes of this.
            report(Box::pin(ending.run()).await);
        }
        result
    }

    /// [`commit`](Self::commit) for code that does not await.
    ///
    /// On a runtime's thread it does not wait for Redis: then the invalidations may come a moment
    /// after it has returned, and this process bypasses the keys until they do.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    ///
    /// ```
    /// let transaction = cache_runtime::Transaction::new();
    /// let committed: Result<(), std::io::Error> = transaction.commit_blocking(|| Ok(()));
    /// assert!(committed.is_ok());
    /// ```
    pub fn commit_blocking<T, E>(mut self, commit: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.begin_commit();
        let result = commit();
        if let Some(mut ending) = self.close() {
            ending.learn(&result);
            ending.run_blocking();
        }
        result
    }

    /// From now on, what ends early may have been committed.
    fn begin_commit(&mut self) {
        if self.state == State::Open {
            self.state = State::Committing;
        }
    }

    /// What is to be done, if that is decided here; nothing the second time.
    fn close(&mut self) -> Option<Ending> {
        let phase = match self.state {
            State::Open => Phase::Before,
            State::Committing => Phase::Begun,
            State::Savepoint => return None,
        };
        Some(Ending {
            affected: self.deferred.close(),
            phase,
            site: SITE,
        })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        drop(self.close());
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Transaction").finish_non_exhaustive()
    }
}
