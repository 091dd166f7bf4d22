//! Locks, limits and sessions in this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};

use super::sessions::Users;
use crate::clock::Clock;
use crate::entry::Token;
use crate::store::records::{Locking, Taken, Window};

/// From how many on those that are over are looked for.
const MANY: usize = 1024;

pub(crate) struct Records {
    clock: Clock,
    locks: Mutex<HashMap<Arc<str>, Holder>>,
    last_fencing: AtomicU64,
    limits: Mutex<HashMap<Arc<str>, Counts>>,
    sessions: Mutex<Users>,
}

struct Holder {
    token: Token,
    until: Duration,
}

/// What was taken, by part of the time.
struct Counts {
    parts: BTreeMap<u64, u64>,
    /// When none of it counts any more.
    over: u64,
}

impl Records {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            locks: Mutex::default(),
            last_fencing: AtomicU64::new(0),
            limits: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    pub(in crate::store) fn sessions(&self) -> MutexGuard<'_, Users> {
        self.sessions.lock()
    }

    pub(in crate::store) fn lock(&self, key: &Arc<str>, token: Token, lease: Duration) -> Locking {
        let now = self.clock.now();
        let mut locks = self.locks.lock();
        if let Some(holder) = locks.get(key).filter(|holder| holder.until > now) {
            return Locking::Held(holder.until.saturating_sub(now));
        }
        if locks.len() >= MANY {
            locks.retain(|_, holder| holder.until > now);
        }
        let fencing = self.next_fencing();
        let until = now.saturating_add(lease);
        locks.insert(key.clone(), Holder { token, until });
        Locking::Taken(fencing)
    }

    /// Greater than all before it, also before a restart, as on a server.
    fn next_fencing(&self) -> u64 {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = u64::try_from(time.unwrap_or_default().as_micros()).unwrap_or(0);
        let next = |last: u64| Some(time.max(last + 1));
        let before = self
            .last_fencing
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        time.max(before.unwrap_or_else(|last| last) + 1)
    }

    pub(in crate::store) fn prolong(&self, key: &str, token: Token, lease: Duration) -> bool {
        let now = self.clock.now();
        let mut locks = self.locks.lock();
        let holder = locks.get_mut(key).filter(|holder| holder.until > now);
        let holder = holder.filter(|holder| holder.token == token);
        holder.is_some_and(|holder| {
            holder.until = now.saturating_add(lease);
            true
        })
    }

    pub(crate) fn unlock(&self, key: &str, token: Token) -> bool {
        let now = self.clock.now();
        let mut locks = self.locks.lock();
        if locks.get(key).is_none_or(|holder| holder.token != token) {
            return false;
        }
        locks.remove(key).is_some_and(|holder| holder.until > now)
    }

    pub(in crate::store) fn take(&self, window: &Window, amount: u64, now: u64) -> Taken {
        let mut limits = self.limits.lock();
        if limits.len() >= MANY && !limits.contains_key(&window.key) {
            limits.retain(|_, counts| counts.over > now);
        }
        let counts = limits.entry(window.key.clone()).or_insert(Counts {
            parts: BTreeMap::new(),
            over: 0,
        });
        counts.take(window, amount, now)
    }
}

impl Counts {
    /// As the script does it.
    fn take(&mut self, window: &Window, amount: u64, now: u64) -> Taken {
        let Window {
            most, per, part, ..
        } = *window;
        let oldest = now.saturating_sub(per) / part;
        self.parts.retain(|at, _| *at >= oldest);
        let count: u64 = self.parts.values().sum();
        let free = most.saturating_sub(count);
        if amount <= free {
            if amount > 0 {
                *self.parts.entry(now / part).or_default() += amount;
                self.over = now + per + 2 * part;
            }
            return Taken {
                is_allowed: true,
                remaining: free - amount,
                retry_after: Some(0),
            };
        }
        let mut left = count;
        let enough = self.parts.iter().find(|(_, count)| {
            left -= **count;
            left.saturating_add(amount) <= most
        });
        Taken {
            is_allowed: false,
            remaining: free,
            retry_after: enough.map(|(at, _)| ((at + 1) * part + per).saturating_sub(now)),
        }
    }
}
