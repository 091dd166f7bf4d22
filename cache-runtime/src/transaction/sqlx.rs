//! Transactions of `sqlx`, on any of its databases.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::{Database, Pool};

use super::Transaction;
use crate::cache::Cache;

type Open<DB> = sqlx::Transaction<'static, DB>;

impl Cache {
    /// Runs a closure in a transaction of the database and in the scope of a [`Transaction`]:
    /// commits if it answers `Ok`, rolls back if it answers `Err`.
    ///
    /// Cached functions inside use this cache, as in [`scope`](Self::scope).
    ///
    /// The pool gives it a connection of its own, so inside another transaction it is one that
    /// commits by itself. For a savepoint begin one on the connection, and a [`Transaction`] with
    /// it.
    ///
    /// # Errors
    ///
    /// Those of the closure, and those of beginning and committing.
    ///
    /// # Cancel safety
    ///
    /// As [`Transaction::commit`]; before that it is rolled back, and invalidates nothing.
    ///
    /// ```
    /// use cache_runtime::{Cache, SqlxTransaction, invalidate_cache};
    ///
    /// #[invalidate_cache(key = "account:<id>")]
    /// async fn book<DB: sqlx::Database>(
    ///     tx: &mut sqlx::Transaction<'_, DB>,
    ///     id: u64,
    ///     amount: i64,
    /// ) -> Result<(), sqlx::Error> {
    ///     Ok(()) // an `UPDATE`, in earnest: `.execute(&mut **tx)`
    /// }
    ///
    /// async fn transfer<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Result<(), sqlx::Error> {
    ///     Cache::current().transaction(pool, async |mut tx| {
    ///         book(&mut tx, 1, -10).await?;
    ///         book(&mut tx, 2, 10).await
    ///     }).await
    /// }
    /// ```
    pub async fn transaction<DB, T, E, W, F>(&self, pool: &Pool<DB>, work: W) -> Result<T, E>
    where
        DB: Database,
        E: From<sqlx::Error>,
        W: FnOnce(SqlxTransaction<DB>) -> F,
        F: Future<Output = Result<T, E>>,
    {
        let back = Arc::new(Mutex::new(None));
        let lent = SqlxTransaction {
            open: Some(pool.begin().await?),
            back: back.clone(),
        };
        let transaction = Transaction::outermost();
        let result = self
            .scope(transaction.scope(async { work(lent).await }))
            .await;
        let open = back.lock().take();
        match (result, open) {
            (Ok(value), Some(open)) => {
                transaction.commit(open.commit()).await?;
                Ok(value)
            }
            (Ok(_), None) => Err(still_in_use().into()),
            (Err(error), open) => {
                if let Some(open) = open {
                    // What failed before matters more; the connection rolls back when it is used.
                    let _ = open.rollback().await;
                }
                Err(error)
            }
        }
    }
}

fn still_in_use() -> sqlx::Error {
    let what = "the transaction was moved out of its closure, so it can't be committed";
    sqlx::Error::Protocol(what.to_owned())
}

/// An open transaction of `sqlx`, lent to the closure of [`Cache::transaction`].
///
/// It derefs to a [`sqlx::Transaction`], so `&mut tx` is one, and `&mut **tx` executes queries.
///
/// ```
/// use cache_runtime::SqlxTransaction;
///
/// fn connection<DB: sqlx::Database>(tx: &mut SqlxTransaction<DB>) -> &mut DB::Connection {
///     &mut **tx
/// }
/// ```
pub struct SqlxTransaction<DB: Database> {
    /// Taken by the drop, and not before.
    open: Option<Open<DB>>,
    back: Arc<Mutex<Option<Open<DB>>>>,
}

impl<DB: Database> Drop for SqlxTransaction<DB> {
    /// Gives the transaction back; nobody takes it if its closure has ended.
    fn drop(&mut self) {
        *self.back.lock() = self.open.take();
    }
}

impl<DB: Database> Deref for SqlxTransaction<DB> {
    type Target = sqlx::Transaction<'static, DB>;

    fn deref(&self) -> &Self::Target {
        self.open.as_ref().unwrap_or_else(|| dropped())
    }
}

impl<DB: Database> DerefMut for SqlxTransaction<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.open.as_mut().unwrap_or_else(|| dropped())
    }
}

fn dropped() -> ! {
    unreachable!("only its drop takes the transaction out")
}

impl<DB: Database> fmt::Debug for SqlxTransaction<DB> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SqlxTransaction").finish_non_exhaustive()
    }
}
