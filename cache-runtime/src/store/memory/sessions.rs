//! Sessions in this process, as the scripts keep them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::entry::Generation;
use crate::store::sessions::{
    ANONYMOUS, Change, Creation, Digest, Found, Head, Idle, LOGIN, MOST, NewSession, Place,
    Rotation, Saving, SessionAt, SessionCursor, SessionField, SessionTally, StoredSession,
    before_locator,
};

/// Users a step of a sweep.
const STEP: usize = 256;
/// Users that are looked at whenever one is new: those whose time is over go.
const PRUNED: usize = 2;

/// All users. The keys of one kind of sessions are beside each other.
#[derive(Default)]
#[cfg_attr(test, derive(Clone))]
pub(in crate::store) struct Users {
    by_key: BTreeMap<Arc<str>, User>,
    /// How far the pruning has come.
    pruned: Option<Arc<str>>,
}

/// What a hash holds on Redis.
#[derive(Default)]
#[cfg_attr(test, derive(Clone))]
struct User {
    generation: Option<Generation>,
    sessions: BTreeMap<SessionField, Kept>,
    /// When all of it ends.
    until: u64,
}

#[cfg_attr(test, derive(Clone))]
struct Kept {
    digest: Digest,
    /// The digest that a rotation has replaced, and until when it is good.
    former: Option<(Digest, u64)>,
    head: Head,
    data: Vec<u8>,
}

/// By which of its tokens a session was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Current,
    Former,
}

impl Users {
    pub(in crate::store) fn open(
        &mut self,
        key: &Arc<str>,
        fresh: Generation,
        window: u64,
        now: u64,
    ) -> Generation {
        let user = self.user_or_new(key, now);
        user.live_until(now + window.max(1));
        *user.generation.get_or_insert(fresh)
    }

    pub(in crate::store) fn create(&mut self, new: &NewSession<'_>, now: u64) -> Creation {
        let user = self.user_or_new(new.at.key, now);
        let creation = user.create(new, now);
        if user.is_empty() {
            self.by_key.remove(new.at.key);
        }
        creation
    }

    pub(in crate::store) fn get(
        &mut self,
        at: SessionAt<'_>,
        digest: &Digest,
        idle: Option<Idle>,
        now: u64,
    ) -> Found {
        let Some(user) = self.user(at.key, now) else {
            return Found::Absent;
        };
        let Some((kept, by)) = user.find(at.id, digest, now) else {
            return Found::Absent;
        };
        if kept.is_over(now) {
            self.remove(at, now);
            return Found::Expired;
        }
        if let Some(idle) = idle.filter(|idle| now >= kept.head.accessed + idle.touch_every) {
            kept.head.touch(&idle, now);
        }
        let (deadline, found) = (kept.head.deadline, kept.stored(by));
        user.live_until(deadline);
        Found::Session(found)
    }

    pub(in crate::store) fn save(
        &mut self,
        at: SessionAt<'_>,
        digest: &Digest,
        saving: &Saving<'_>,
        now: u64,
    ) -> Change<Head> {
        let Some((user, by)) = self.living(at, digest, now) else {
            return Change::Gone;
        };
        let Some(kept) = user.sessions.get_mut(&at.id) else {
            return Change::Gone;
        };
        if saving.revision.is_some_and(|is| is != kept.head.revision) {
            return Change::Conflict(kept.stored(by));
        }
        kept.head.revision += 1;
        kept.data = saving.data.to_vec();
        if let Some(body) = saving.body {
            kept.head.body = body.to_vec();
        }
        if let Some(end) = saving.end {
            (kept.head.end, kept.head.deadline) = (end, end);
        }
        let head = kept.stored(by).head;
        user.live_until(head.deadline);
        if head.deadline <= now {
            self.remove(at, now);
        }
        Change::Done(head)
    }

    pub(in crate::store) fn extend(
        &mut self,
        at: SessionAt<'_>,
        digest: &Digest,
        by: u64,
        now: u64,
    ) -> Change<Head> {
        let Some((user, token)) = self.living(at, digest, now) else {
            return Change::Gone;
        };
        let Some(kept) = user.sessions.get_mut(&at.id) else {
            return Change::Gone;
        };
        kept.head.deadline = kept.head.deadline.max((now + by).min(kept.head.end));
        let head = kept.stored(token).head;
        user.live_until(head.deadline);
        Change::Done(head)
    }

    pub(in crate::store) fn rotate(
        &mut self,
        at: SessionAt<'_>,
        digest: &Digest,
        rotation: &Rotation<'_>,
        now: u64,
    ) -> Change<Head> {
        let Some((user, by)) = self.living(at, digest, now) else {
            return Change::Gone;
        };
        let Some(kept) = user.sessions.get_mut(&at.id) else {
            return Change::Gone;
        };
        match by {
            // The answer to the first sending was lost.
            By::Former if kept.digest == *rotation.fresh => {}
            By::Former => return Change::Former,
            By::Current => {
                kept.former = Some((kept.digest, now + rotation.grace));
                kept.digest = *rotation.fresh;
                if let Some(body) = rotation.body {
                    kept.head.body = body.to_vec();
                    kept.head.revision += 1;
                }
            }
        }
        Change::Done(kept.stored(By::Current).head)
    }

    pub(in crate::store) fn delete(
        &mut self,
        at: SessionAt<'_>,
        digest: Option<&Digest>,
        now: u64,
    ) -> bool {
        let Some(user) = self.user(at.key, now) else {
            return false;
        };
        let found = match digest {
            Some(digest) => user.find(at.id, digest, now).map(|(kept, _)| kept),
            None => user.sessions.get_mut(&at.id),
        };
        let Some(is_over) = found.map(|kept| kept.is_over(now)) else {
            return false;
        };
        self.remove(at, now);
        !is_over
    }

    pub(in crate::store) fn list(&mut self, key: &str, now: u64) -> Vec<(SessionField, Head)> {
        let Some(user) = self.user(key, now) else {
            return Vec::new();
        };
        let live = user.sessions.iter().filter(|(_, kept)| !kept.is_over(now));
        live.map(|(id, kept)| (*id, kept.head.clone())).collect()
    }

    pub(in crate::store) fn revoke(&mut self, key: &str, now: u64) -> u64 {
        let live = self.list(key, now).len();
        self.by_key.remove(key);
        live as u64
    }

    pub(in crate::store) fn revoke_others(
        &mut self,
        at: SessionAt<'_>,
        digest: &Digest,
        now: u64,
    ) -> Change<u64> {
        let Some((user, by)) = self.living(at, digest, now) else {
            return Change::Gone;
        };
        if by == By::Former {
            return Change::Former;
        }
        let live = user.sessions.values().filter(|kept| !kept.is_over(now));
        let others = (live.count() - 1) as u64;
        user.sessions.retain(|id, _| *id == at.id);
        user.generation = None;
        Change::Done(others)
    }

    pub(in crate::store) fn sweep(
        &mut self,
        name: &str,
        cursor: SessionCursor,
        removes: bool,
        now: u64,
    ) -> (SessionCursor, SessionTally) {
        let first = before_locator(name);
        let mut tally = SessionTally::default();
        let from = match cursor.0 {
            Place::After(key) => Bound::Excluded(key),
            _ => Bound::Included(Arc::from(&*first)),
        };
        let keys = self.by_key.range((from, Bound::Unbounded));
        let keys = keys
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(&first));
        let keys: Vec<_> = keys.take(STEP).cloned().collect();
        for key in &keys {
            let Some(user) = self.user(key, now) else {
                continue;
            };
            user.sweep(removes, now, &mut tally);
            if user.is_empty() {
                self.by_key.remove(key);
            }
        }
        let next = keys.last().filter(|_| keys.len() == STEP);
        let place = next.map_or(Place::End, |key| Place::After(key.clone()));
        (SessionCursor(place), tally)
    }

    /// How many users are kept, of those that have ended too.
    #[cfg(test)]
    pub(in crate::store) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The user, unless all of it has ended.
    fn user(&mut self, key: &str, now: u64) -> Option<&mut User> {
        if self.by_key.get(key)?.until <= now {
            self.by_key.remove(key);
        }
        self.by_key.get_mut(key)
    }

    fn user_or_new(&mut self, key: &Arc<str>, now: u64) -> &mut User {
        if self.user(key, now).is_none() {
            self.prune(now);
        }
        self.by_key.entry(key.clone()).or_default()
    }

    /// A session that has not ended, and the user it is one of.
    fn living(&mut self, at: SessionAt<'_>, digest: &Digest, now: u64) -> Option<(&mut User, By)> {
        let (kept, by) = self.user(at.key, now)?.find(at.id, digest, now)?;
        if kept.is_over(now) {
            self.remove(at, now);
            return None;
        }
        Some((self.by_key.get_mut(at.key)?, by))
    }

    fn remove(&mut self, at: SessionAt<'_>, now: u64) {
        let Some(user) = self.by_key.get_mut(at.key) else {
            return;
        };
        user.sessions.remove(&at.id);
        user.settle(now);
        if user.is_empty() {
            self.by_key.remove(at.key);
        }
    }

    /// Nobody may ever ask for those again.
    fn prune(&mut self, now: u64) {
        let from = match self.pruned.take() {
            Some(key) => Bound::Excluded(key),
            None => Bound::Unbounded,
        };
        let next = self.by_key.range((from, Bound::Unbounded)).take(PRUNED);
        let next: Vec<_> = next.map(|(key, user)| (key.clone(), user.until)).collect();
        for (key, until) in next {
            if until <= now {
                self.by_key.remove(&key);
            }
            self.pruned = Some(key);
        }
    }
}

impl User {
    fn is_empty(&self) -> bool {
        self.generation.is_none() && self.sessions.is_empty()
    }

    fn live_until(&mut self, time: u64) {
        self.until = self.until.max(time);
    }

    /// Without a session there is nothing but the logins in flight to live for.
    fn settle(&mut self, now: u64) {
        if self.sessions.is_empty() {
            self.until = self.until.min(now + LOGIN);
        }
    }

    /// A session by its token, whether it has ended or not.
    fn find(&mut self, id: SessionField, digest: &Digest, now: u64) -> Option<(&mut Kept, By)> {
        let kept = self.sessions.get_mut(&id)?;
        if kept.digest == *digest {
            return Some((kept, By::Current));
        }
        let (former, until) = kept.former?;
        (former == *digest && until > now).then_some((kept, By::Former))
    }

    fn create(&mut self, new: &NewSession<'_>, now: u64) -> Creation {
        if new.expected.is_some() && new.expected != self.generation {
            return Creation::Revoked;
        }
        if self.sessions.contains_key(&new.at.id) {
            return Creation::Collision;
        }
        let mut head = Head {
            created: now,
            accessed: now,
            deadline: 0,
            end: new.end,
            revision: 0,
            flags: new.flags,
            is_former: false,
            body: new.body.to_vec(),
        };
        head.touch(&new.idle, now);
        if head.deadline <= now {
            // Nothing that is over is kept.
            return Creation::Created { head, evicted: 0 };
        }
        let most = new.limit.map_or(MOST, |limit| limit.most.clamp(1, MOST));
        let evicts = new.limit.is_none_or(|limit| limit.evicts);
        let Some(evicted) = self.make_room(most as usize, evicts, now) else {
            return Creation::Full;
        };
        let kept = Kept {
            digest: *new.digest,
            former: None,
            head: head.clone(),
            data: new.data.to_vec(),
        };
        self.sessions.insert(new.at.id, kept);
        self.live_until(head.deadline);
        Creation::Created { head, evicted }
    }

    /// Says how many made way, or nothing if none may.
    fn make_room(&mut self, most: usize, evicts: bool, now: u64) -> Option<u32> {
        if self.sessions.len() < most {
            return Some(0);
        }
        self.sessions.retain(|_, kept| !kept.is_over(now));
        self.settle(now);
        let excess = (self.sessions.len() + 1).saturating_sub(most);
        if excess > 0 && !evicts {
            return None;
        }
        let mut all: Vec<_> = self
            .sessions
            .iter()
            .map(|(id, kept)| (kept.head.accessed, kept.head.created, *id))
            .collect();
        all.sort_unstable();
        for (_, _, id) in &all[..excess] {
            self.sessions.remove(id);
        }
        u32::try_from(excess).ok()
    }

    fn sweep(&mut self, removes: bool, now: u64, tally: &mut SessionTally) {
        let (mut named, mut anonymous, mut expired) = (0, 0, 0);
        for kept in self.sessions.values() {
            if kept.is_over(now) {
                expired += 1;
            } else if kept.head.flags & ANONYMOUS == 0 {
                named += 1;
            } else {
                anonymous += 1;
            }
        }
        if removes && expired > 0 {
            self.sessions.retain(|_, kept| !kept.is_over(now));
            self.settle(now);
        }
        *tally += SessionTally {
            users: u64::from(named > 0),
            anonymous,
            active: named + anonymous,
            expired,
            removed: if removes { expired } else { 0 },
            corrupt: 0,
        };
    }
}

impl Kept {
    fn is_over(&self, now: u64) -> bool {
        self.head.deadline <= now
    }

    fn stored(&self, by: By) -> StoredSession {
        StoredSession {
            head: Head {
                is_former: by == By::Former,
                ..self.head.clone()
            },
            data: self.data.clone(),
        }
    }
}

impl Head {
    /// It was used just now. Its deadline never moves back: it may have been extended.
    fn touch(&mut self, idle: &Idle, now: u64) {
        let gap = now.saturating_sub(self.accessed);
        let mut limit = if gap <= idle.active_gap {
            idle.active
        } else {
            idle.usual
        };
        let lifetime = self.end.saturating_sub(self.created);
        if now.saturating_sub(self.created) * 2 > lifetime {
            limit /= 2;
        }
        let limit = limit.max(idle.least).min(idle.most);
        self.deadline = self.deadline.max((now + limit).min(self.end));
        self.accessed = now;
    }
}
