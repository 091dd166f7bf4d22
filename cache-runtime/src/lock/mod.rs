//! One at a time, in all processes: a lease under a name, with a token that grows.

mod keeper;

use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::blocking::wait;
use crate::cache::Cache;
use crate::entry::Token;
use crate::error::{Error, Fault};
use crate::observe::Event;
use crate::retry::sleep;
use crate::store::{LockKeys, Locking, Store};
use keeper::{Claim, Keeper, Report};

/// Where errors of locks say they come from; a name may be personal data.
const SITE: &str = "Cache::lock";
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Asking again delays the answer by this part of the time waited.
const PAUSES_IN_A_WAIT: u32 = 8;

/// A lock that is held: it is prolonged in the background, and given back when it is dropped.
///
/// **A lock is an optimisation; the fencing token is the safety.** Whoever holds a lock may lose it
/// without noticing at once: if it is stopped for longer than the lease, if Redis is away for as
/// long, or if Redis forgets it, as after a failover to a replica that had not yet heard of it:
/// then two hold it for a while. So give [`fencing_token`](Self::fencing_token) to whatever the
/// lock protects, and let that refuse a token lower than one it has seen. Tokens of one lock grow
/// from holder to holder, and over failovers and restarts as long as the servers' clocks do not go
/// back by more than the time between two holders.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::Cache;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// let cache = Cache::in_memory();
/// let lock = cache.lock("nightly report", Duration::from_secs(10)).await?;
/// assert!(lock.is_held());
/// assert!(cache.try_lock("nightly report", Duration::from_secs(10)).await?.is_none());
/// let first = lock.fencing_token();
/// drop(lock);
/// let next = cache.lock("nightly report", Duration::from_secs(10)).await?;
/// assert!(next.fencing_token() > first);
/// # Ok(())
/// # }
/// ```
#[must_use = "a lock that is dropped is given back"]
pub struct Lock {
    cache: Cache,
    keys: LockKeys,
    token: Token,
    fencing: u64,
    report: watch::Receiver<Report>,
    end: Option<oneshot::Sender<oneshot::Sender<bool>>>,
}

impl Cache {
    /// Waits for a lock, at most for the cache's `wait` (5 s), and holds it.
    ///
    /// `lease` is for how long others wait if this process is killed while it holds the lock; it
    /// is prolonged every third of that. Names are apart from all keys, and the same on every
    /// cache of the same Redis and namespace.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if somebody else held it all the time, [`Error::Unavailable`] while Redis
    /// is away.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, nothing is held: if the lock has just been taken it is given
    /// back, and if the command is still on its way, the lock ends with its lease.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let _alone = cache.lock("import", Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn lock(&self, name: &str, lease: Duration) -> Result<Lock, Error> {
        self.lock_within(name, lease, self.0.wait).await
    }

    /// [`lock`](Self::lock) with a wait of its own.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// use cache_runtime::{Cache, Error};
    ///
    /// let (cache, second) = (Cache::in_memory(), Duration::from_secs(1));
    /// let _alone = cache.lock("import", second).await?;
    /// let late = cache.lock_within("import", second, Duration::from_millis(5)).await;
    /// assert!(matches!(late, Err(Error::Locked)));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn lock_within(
        &self,
        name: &str,
        lease: Duration,
        wait: Duration,
    ) -> Result<Lock, Error> {
        let keys = LockKeys::of(name);
        let began = Instant::now();
        loop {
            let left = match self.try_once(&keys, lease).await? {
                Tried::Taken(lock) => return Ok(lock),
                Tried::Held(left) => left,
            };
            let waited = began.elapsed();
            if waited >= wait {
                return Err(Error::Locked);
            }
            let pause = (waited / PAUSES_IN_A_WAIT).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            // Nobody comes back in step, and nobody sleeps on when it has surely ended.
            let pause = pause.mul_f64(0.5 + rand::random::<f64>() / 2.0).min(left);
            let pause = pause.max(SHORTEST_PAUSE / 2);
            sleep(pause.min(wait.saturating_sub(waited))).await;
        }
    }

    /// Takes a lock if nobody holds it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] while Redis is away.
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let (cache, second) = (cache_runtime::Cache::in_memory(), Duration::from_secs(1));
    /// let lock = cache.try_lock("import", second).await?;
    /// assert!(lock.is_some());
    /// assert!(cache.try_lock("import", second).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn try_lock(&self, name: &str, lease: Duration) -> Result<Option<Lock>, Error> {
        match self.try_once(&LockKeys::of(name), lease).await? {
            Tried::Taken(lock) => Ok(Some(lock)),
            Tried::Held(_) => Ok(None),
        }
    }

    async fn try_once(&self, keys: &LockKeys, lease: Duration) -> Result<Tried, Error> {
        let lease = lease.max(Duration::from_millis(1));
        let mut claim = Claim::new(self.clone(), keys.clone());
        let until = Instant::now() + lease;
        let outcome = self.0.store.lock(keys, claim.token, lease).await;
        let fencing = match outcome {
            Ok(Locking::Taken(fencing)) => fencing,
            Ok(Locking::Held(left)) => {
                claim.is_taken = false;
                return Ok(Tried::Held(left));
            }
            Err(fault) => {
                claim.is_taken = matches!(fault, Fault::Timeout | Fault::Dropped | Fault::Redis(_));
                return Err(self.lock_failed("taking a lock through", fault));
            }
        };
        let token = claim.token;
        let keeper = Keeper {
            claim,
            lease,
            until,
        };
        let Some((report, end)) = keeper.start() else {
            return Err(self.lock_failed("keeping a lock through", Fault::Dropped));
        };
        Ok(Tried::Taken(Lock {
            cache: self.clone(),
            keys: keys.clone(),
            token,
            fencing,
            report,
            end: Some(end),
        }))
    }

    fn lock_failed(&self, act: &'static str, fault: Fault) -> Error {
        self.count(Event::Fault);
        fault.during(act, SITE)
    }
}

enum Tried {
    Taken(Lock),
    Held(Duration),
}

impl Lock {
    /// A number greater than that of every holder before, for what the lock protects to check.
    pub fn fencing_token(&self) -> u64 {
        self.fencing
    }

    /// Whether it is surely held, by what Redis has confirmed and how long ago.
    ///
    /// It costs no round trip, and says nothing about the next moment.
    pub fn is_held(&self) -> bool {
        self.report.borrow().is_held()
    }

    /// Waits until the lock is lost; for ever, if it is held to the end.
    ///
    /// Beside the work, in a `select!`, it ends the work when somebody else may hold the lock.
    ///
    /// # Cancel safety
    ///
    /// Changes nothing.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let lock = cache.lock("import", Duration::from_secs(10)).await?;
    /// let work = async { 42 };
    /// let done = tokio::select! {
    ///     done = work => Some(done),
    ///     () = lock.lost() => None,
    /// };
    /// assert_eq!(done, Some(42));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn lost(&self) {
        let mut report = self.report.clone();
        // The keeper ends only with this guard.
        let _ = report.wait_for(Report::is_lost).await;
    }

    /// Gives the lock back, and says whether it was held to the end.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if Redis did not answer: then the lock ends with its lease.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives it back all the same.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let lock = cache.lock("import", Duration::from_secs(10)).await?;
    /// assert!(lock.release().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn release(mut self) -> Result<bool, Error> {
        let (tell, told) = oneshot::channel();
        if let Some(end) = self.end.take() {
            // A keeper that is gone has nothing to give back.
            let _ = end.send(tell);
        }
        let failed = |_| {
            self.cache
                .lock_failed("giving a lock back through", Fault::Timeout)
        };
        told.await.map_err(failed)
    }

    /// [`release`](Self::release) for code that does not await.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::WouldBlock`]; then it is given back all the same.
    pub fn release_blocking(self) -> Result<bool, Error> {
        wait("giving a lock back", self.release())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // At once; on Redis it is the keeper that does it, on the process's own runtime.
        if self.end.take().is_some()
            && let Store::Memory(memory) = &self.cache.0.store
        {
            memory.records().unlock(&self.keys.holder, self.token);
        }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lock")
            .field("fencing_token", &self.fencing)
            .field("is_held", &self.is_held())
            .finish_non_exhaustive()
    }
}
