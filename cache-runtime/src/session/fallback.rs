//! Copies of sessions in this process, for reads while Redis is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::lifetimes::millis;
use super::token::SessionToken;
use crate::store::{Digest, Locator, SessionField, StoredSession};

/// What a copy costs beside its bytes.
const OVERHEAD: u64 = 200;
/// Copies of one user; the oldest makes way.
const MOST_OF_A_USER: usize = 16;
/// Places whose changes are counted together.
const PARTS: usize = 256;
/// Users that the table is first laid out for.
const TYPICAL: usize = 256;

/// Whether this process may answer reads of sessions while Redis is away, and how.
///
/// | question | answer |
/// | --- | --- |
/// | what is answered | A copy of what Redis said of exactly this token, by this process alone, and only to [`get`](crate::Sessions::get). It says so: [`is_fallback`](crate::Session::is_fallback). |
/// | what is not | A token that this process has not read from Redis; one that a rotation has replaced. Everything that writes is [`Unavailable`](crate::SessionError::Unavailable). |
/// | for how long | For the time given here since Redis last confirmed the session to this process, and never past its own end. |
/// | a revocation elsewhere | Is not seen while Redis is away, so a session that was revoked in another process can be read here for as long as that. |
/// | a revocation here | Drops the copies before anything is sent, whether Redis takes it or not. So does a change. |
/// | Redis is back | Its answer counts from the first one on. Nothing is merged, as nothing was written; a copy of what Redis does not know any more is dropped when it is asked for. |
/// | how many | As many as [`bytes`](Self::bytes) hold, 16 MiB; those used least recently make way. Sealed sessions stay sealed. |
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{Cache, SessionFallback, Sessions};
///
/// # fn main() -> Result<(), cache_runtime::ConfigError> {
/// let sessions = Sessions::<u32>::builder(&Cache::in_memory())
///     .fallback(SessionFallback::for_at_most(Duration::from_secs(60)).bytes(1 << 20))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct SessionFallback {
    time: Duration,
    bytes: u64,
}

impl SessionFallback {
    /// For so long after Redis has last confirmed a session. It is for how long a session that was
    /// revoked elsewhere can still be read here.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let fallback = cache_runtime::SessionFallback::for_at_most(Duration::from_secs(60));
    /// ```
    pub const fn for_at_most(time: Duration) -> Self {
        Self {
            time,
            bytes: 16 << 20,
        }
    }

    /// How many bytes the copies may take: 16 MiB if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::SessionFallback;
    /// let fallback = SessionFallback::for_at_most(Duration::from_secs(60)).bytes(1 << 20);
    /// ```
    pub const fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }
}

/// The copies of one process.
pub(super) struct Copies {
    time: Duration,
    /// Counts of what may have changed sessions, by place: a read that began before such a change
    /// leaves no copy.
    changes: [AtomicU64; PARTS],
    of_users: Mutex<Cache<Locator, Vec<Copy>, ByWeight>>,
}

struct Copy {
    /// Of the whole token.
    token: Digest,
    id: SessionField,
    stored: Arc<StoredSession>,
    confirmed: Moment,
}

/// A moment on two clocks: the store's may be set, and tests move it; this process's never goes
/// back.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    store: u64,
    process: Instant,
}

impl Moment {
    pub(super) fn new(store: u64) -> Self {
        let process = Instant::now();
        Self { store, process }
    }
}

/// What a read has seen of the changes when it began.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    changes: u64,
    began: Moment,
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<Locator, Vec<Copy>> for ByWeight {
    fn weight(&self, _: &Locator, copies: &Vec<Copy>) -> u64 {
        let weight = |copy: &Copy| {
            let bytes = copy.stored.head.body.len() + copy.stored.data.len();
            bytes as u64 + OVERHEAD
        };
        copies.iter().map(weight).sum()
    }
}

impl Copies {
    pub(super) fn new(settings: SessionFallback) -> Self {
        Self {
            time: settings.time,
            changes: std::array::from_fn(|_| AtomicU64::new(0)),
            of_users: Mutex::new(Cache::with_weighter(TYPICAL, settings.bytes, ByWeight)),
        }
    }

    /// Before a read is sent.
    pub(super) fn mark(&self, locator: &Locator, now: u64) -> Mark {
        Mark {
            changes: self.changes(locator).load(Ordering::Acquire),
            began: Moment::new(now),
        }
    }

    /// After Redis has confirmed a session, unless it may have been changed meanwhile.
    pub(super) fn keep(&self, token: &SessionToken, stored: &Arc<StoredSession>, mark: Mark) {
        let locator = token.locator();
        let mut of_users = self.of_users.lock();
        if self.changes(&locator).load(Ordering::Acquire) != mark.changes {
            return;
        }
        let mut copies = of_users
            .remove(&locator)
            .map_or_else(Vec::new, |(_, copies)| copies);
        copies.retain(|copy| copy.id != token.id().0);
        if copies.len() >= MOST_OF_A_USER {
            copies.remove(0);
        }
        copies.push(Copy {
            token: token.fingerprint(),
            id: token.id().0,
            stored: stored.clone(),
            confirmed: mark.began,
        });
        of_users.insert(locator, copies);
    }

    /// The copy of exactly this token, if it may still be answered.
    pub(super) fn answer(&self, token: &SessionToken, now: Moment) -> Option<Arc<StoredSession>> {
        let fingerprint = token.fingerprint();
        let of_users = self.of_users.lock();
        let copies = of_users.get(&token.locator())?;
        let copy = copies.iter().find(|copy| copy.token == fingerprint)?;
        let by_store = now.store.saturating_sub(copy.confirmed.store);
        let by_process = now
            .process
            .saturating_duration_since(copy.confirmed.process);
        let is_recent = by_store <= millis(self.time) && by_process <= self.time;
        let is_live = copy.stored.head.deadline > now.store;
        (is_recent && is_live).then(|| copy.stored.clone())
    }

    /// Redis knows no such session.
    pub(super) fn drop_one(&self, token: &SessionToken) {
        let locator = token.locator();
        let mut of_users = self.of_users.lock();
        if let Some((_, mut copies)) = of_users.remove(&locator) {
            copies.retain(|copy| copy.id != token.id().0);
            if !copies.is_empty() {
                of_users.insert(locator, copies);
            }
        }
    }

    /// Drops all copies of a user's sessions, now and when what is about to change them is over or
    /// has been dropped: a read that meets them in between leaves none.
    pub(super) fn change(&self, locator: Locator) -> Changing<'_> {
        self.drop_all(&locator);
        Changing {
            copies: self,
            locator,
        }
    }

    fn drop_all(&self, locator: &Locator) {
        let mut of_users = self.of_users.lock();
        self.changes(locator).fetch_add(1, Ordering::AcqRel);
        of_users.remove(locator);
    }

    fn changes(&self, locator: &Locator) -> &AtomicU64 {
        &self.changes[usize::from(locator[0])]
    }
}

/// A change of a user's sessions is under way.
pub(super) struct Changing<'a> {
    copies: &'a Copies,
    locator: Locator,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.copies.drop_all(&self.locator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Head;

    const MINUTE: Duration = Duration::from_secs(60);

    fn copies() -> Copies {
        Copies::new(SessionFallback::for_at_most(MINUTE).bytes(100_000))
    }

    fn stored(deadline: u64, bytes: usize) -> Arc<StoredSession> {
        Arc::new(StoredSession {
            head: Head {
                created: 0,
                accessed: 0,
                deadline,
                end: deadline,
                revision: 0,
                flags: 0,
                is_former: false,
                body: Vec::new(),
            },
            data: vec![0; bytes],
        })
    }

    fn token(user: u8) -> SessionToken {
        SessionToken::generate([user; 16]).unwrap()
    }

    fn keep(copies: &Copies, token: &SessionToken) {
        let mark = copies.mark(&token.locator(), 0);
        copies.keep(token, &stored(1_000_000, 10), mark);
    }

    fn is_answered(copies: &Copies, token: &SessionToken, now: u64) -> bool {
        copies.answer(token, Moment::new(now)).is_some()
    }

    #[test]
    fn only_the_very_token_is_answered() {
        let (copies, token) = (copies(), token(1));
        keep(&copies, &token);
        assert!(is_answered(&copies, &token, 0));
        assert!(!is_answered(&copies, &token.renewed().unwrap(), 0));
        let of_the_same_user = SessionToken::generate([1; 16]).unwrap();
        assert!(!is_answered(&copies, &of_the_same_user, 0));
    }

    #[test]
    fn not_for_longer_than_was_said_nor_than_it_lives() {
        let (copies, token) = (copies(), token(1));
        keep(&copies, &token);
        assert!(is_answered(&copies, &token, 60_000));
        assert!(!is_answered(&copies, &token, 60_001));
        let mark = copies.mark(&token.locator(), 0);
        copies.keep(&token, &stored(5_000, 10), mark);
        assert!(is_answered(&copies, &token, 4_999));
        assert!(!is_answered(&copies, &token, 5_000));
    }

    #[test]
    fn a_read_that_meets_a_change_leaves_no_copy() {
        let (copies, token) = (copies(), token(1));
        let before = copies.mark(&token.locator(), 0);
        let changing = copies.change(token.locator());
        let during = copies.mark(&token.locator(), 0);
        copies.keep(&token, &stored(9, 1), before);
        assert!(!is_answered(&copies, &token, 0));
        copies.keep(&token, &stored(9, 1), during);
        drop(changing);
        assert!(!is_answered(&copies, &token, 0));
        copies.keep(&token, &stored(9, 1), during);
        assert!(!is_answered(&copies, &token, 0));
        keep(&copies, &token);
        assert!(is_answered(&copies, &token, 0));
    }

    #[test]
    fn a_change_drops_all_of_a_user_and_of_no_other() {
        let copies = copies();
        let (one, two, other) = (token(1), token(1), token(2));
        for token in [&one, &two, &other] {
            keep(&copies, token);
        }
        drop(copies.change(one.locator()));
        assert!(!is_answered(&copies, &one, 0) && !is_answered(&copies, &two, 0));
        assert!(is_answered(&copies, &other, 0));
        copies.drop_one(&other);
        assert!(!is_answered(&copies, &other, 0));
    }

    #[test]
    fn they_are_bounded() {
        let copies = copies();
        let all: Vec<_> = (0..=u8::MAX).map(token).collect();
        for token in &all {
            let mark = copies.mark(&token.locator(), 0);
            copies.keep(token, &stored(9, 800), mark);
        }
        let kept = all.iter().filter(|token| is_answered(&copies, token, 0));
        assert!((50..=100).contains(&kept.count()));
        let of_one_user: Vec<_> = (0..40).map(|_| token(7)).collect();
        for token in &of_one_user {
            keep(&copies, token);
        }
        let kept = of_one_user
            .iter()
            .filter(|token| is_answered(&copies, token, 0));
        assert_eq!(kept.count(), MOST_OF_A_USER);
    }
}
