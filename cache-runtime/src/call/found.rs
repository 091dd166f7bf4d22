//! What lies behind a key, seen by one function.

use std::cmp::Ordering;
use std::time::Duration;

use super::read::Call;
use super::shape::Shape;
use crate::cache::Cache;
use crate::entry::{self, Entry, Fingerprint, Generation, Kind, Lease, Stored};
use crate::flight::Shared;
use crate::lease;
use crate::observe::Event;
use crate::store::{Candidate, Content, MemoryEntry, Read, Reading};

/// A value, or an error that `errors` keeps.
pub(super) type Outcomes<S> = Result<<S as Shape>::Value, <S as Shape>::Error>;

/// What a reading means to this call.
pub(super) enum Found<S: Shape> {
    Answer(Outcomes<S>),
    /// Past its time to live and answered all the same; somebody sees to a new one.
    Old(Outcomes<S>, Event),
    /// Answered, and to be loaded anew.
    Due(Outcomes<S>, Reading, Due),
    /// Answered only if the load fails, or takes long.
    Fallback(S::Value, Reading),
    Nothing,
    /// Somebody is loading; what may be answered if that fails or takes long.
    Leased(Option<S::Value>),
    /// A load has failed lately, and what it left is of no use here.
    Cooled(Reading),
    /// Somebody is writing.
    Fenced(Read),
    /// Of no use to this call any more, but perhaps to others.
    Spent(Reading),
    /// Nothing that this code can read; it may be replaced.
    Unusable(Reading),
    /// Written by newer code, which must not lose it.
    Newer(Read),
}

/// Why an entry is to be loaded anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It is still fresh, but not for long.
    Ahead,
    /// Its time to live is over.
    Stale,
}

/// Who stands before the entry.
#[derive(Clone, Copy)]
enum Claim {
    Nobody,
    Loader,
    /// Nobody any more: the load failed lately.
    FailedLoader,
    /// Nobody any more: the loader has vanished, or the time after a failed load is over.
    Vanished,
}

/// How an entry's age is to one function.
#[derive(Clone, Copy)]
enum Freshness {
    Fresh,
    Ahead,
    Stale,
    FailSafe,
    Over,
}

/// What one entry is to one function.
enum Verdict<S: Shape> {
    Readable(Outcomes<S>, Freshness),
    Spent,
    Outdated,
    Unusable,
    Newer,
}

impl<S: Shape, H> Call<S, H> {
    pub(super) fn interpret(&self, cache: &Cache, read: Read) -> Found<S> {
        let current = &read.generations[..];
        let (claim, verdict) = match &read.reading {
            Reading::Nothing => return Found::Nothing,
            Reading::Fenced(_) => return Found::Fenced(read),
            Reading::Entry(entry) => {
                let entry = Candidate::Memory(entry);
                (Claim::Nobody, Some(self.judge(cache, &entry, current)))
            }
            Reading::Leased(held) => {
                let kept = held.kept.as_ref();
                let verdict =
                    kept.map(|entry| self.judge(cache, &Candidate::Memory(entry), current));
                (Claim::of(held.is_cooling), verdict)
            }
            Reading::Bytes(bytes) => match entry::parse(bytes) {
                Ok(Stored::Entry(entry)) => {
                    let entry = Candidate::Bytes(entry);
                    (Claim::Nobody, Some(self.judge(cache, &entry, current)))
                }
                Ok(Stored::Lease(lease)) => {
                    let now = cache.0.store.now();
                    let kept = lease.kept.filter(|kept| kept.end > now);
                    let verdict =
                        kept.map(|kept| self.judge(cache, &Candidate::Bytes(kept.entry), current));
                    (Claim::of_lease(&lease, now), verdict)
                }
                Ok(Stored::Fence) => return Found::Fenced(read),
                Err(_) => (Claim::Nobody, Some(Verdict::Unusable)),
            },
        };
        decide(cache, claim, verdict, read)
    }

    /// Of the entry that a lease has kept, the value that may be answered if the load fails.
    pub(super) fn kept_value(
        &self,
        cache: &Cache,
        lease: &lease::Lease,
        reading: Reading,
    ) -> Option<Shared> {
        let windows = &self.site.windows;
        if windows.longest().is_zero() && !windows.refreshes_ahead() {
            return None;
        }
        let generations = lease.generations().iter().copied().map(Some).collect();
        let read = Read {
            reading,
            generations,
        };
        match self.interpret(cache, read) {
            Found::Fallback(value, _) | Found::Due(Ok(value), ..) | Found::Answer(Ok(value)) => {
                Some(((self.ops)().share)(&value))
            }
            _ => None,
        }
    }

    fn judge(
        &self,
        cache: &Cache,
        entry: &Candidate<'_>,
        current: &[Option<Generation>],
    ) -> Verdict<S> {
        match entry.version().cmp(&self.site.format.schema_version()) {
            Ordering::Greater => return Verdict::Newer,
            Ordering::Less => return Verdict::Unusable,
            Ordering::Equal => {}
        }
        if !entry.is_current(current) {
            return Verdict::Outdated;
        }
        let freshness = self.freshness(cache, entry);
        if let Freshness::Over = freshness {
            return Verdict::Spent;
        }
        let outcome = match entry {
            Candidate::Memory(entry) => self.read_memory(entry),
            Candidate::Bytes(entry) => self.read_bytes(entry),
        };
        outcome.map_or(Verdict::Unusable, |outcome| {
            Verdict::Readable(outcome, freshness)
        })
    }

    /// The clock is read only where the store itself does not end the entry in time.
    fn freshness(&self, cache: &Cache, entry: &Candidate<'_>) -> Freshness {
        let windows = &self.site.windows;
        if !entry.is_aged() && !windows.refreshes_ahead() {
            return Freshness::Fresh;
        }
        let age = entry.age();
        let passed = cache.0.store.now().saturating_sub(age.stored_at);
        if passed < age.fresh_for {
            let left = Duration::from_millis(age.fresh_for - passed);
            let load_time = Duration::from_millis(age.load_ms.into());
            return if windows.is_due(left, load_time) {
                Freshness::Ahead
            } else {
                Freshness::Fresh
            };
        }
        let over = passed - age.fresh_for;
        if passed >= age.kept_for {
            Freshness::Over
        } else if over < windows.stale_for() {
            Freshness::Stale
        } else if over < windows.fail_safe_for() {
            Freshness::FailSafe
        } else {
            Freshness::Over
        }
    }

    fn read_memory(&self, entry: &MemoryEntry) -> Option<Outcomes<S>> {
        let Content::Value(value) = &entry.content else {
            return None;
        };
        match entry.kind {
            Kind::Value => ((self.ops)().open)(&**value).map(Ok),
            Kind::Error => (self.errors.as_ref()?.1().open)(&**value).map(Err),
        }
    }

    fn read_bytes(&self, entry: &Entry<'_>) -> Option<Outcomes<S>> {
        let format = self.site.format;
        let most = format.entry_limit();
        match entry.kind() {
            Kind::Value => {
                (entry.fingerprint() == self.fingerprint().hash).then_some(())?;
                ((self.ops)().decode)(entry, most).ok().map(Ok)
            }
            Kind::Error => {
                let ops = self.errors.as_ref()?.1();
                (entry.fingerprint() == (ops.fingerprint)(format).hash).then_some(())?;
                (ops.decode)(entry, most).ok().map(Err)
            }
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let compute = || ((self.ops)().fingerprint)(self.site.format);
        self.site.fingerprint(((self.ops)().type_id)(), compute)
    }
}

impl Claim {
    fn of_lease(lease: &Lease<'_>, now: u64) -> Self {
        // Without an entry, the key itself ends with the lease.
        if lease.kept.is_some_and(|kept| kept.deadline <= now) {
            Self::Vanished
        } else {
            Self::of(lease.is_cooling)
        }
    }

    fn of(is_cooling: bool) -> Self {
        if is_cooling {
            Self::FailedLoader
        } else {
            Self::Loader
        }
    }

    /// What is found where there is no entry to be answered.
    fn without_entry<S: Shape>(self, reading: Reading) -> Found<S> {
        match self {
            Self::Nobody | Self::Vanished => Found::Nothing,
            Self::Loader => Found::Leased(None),
            Self::FailedLoader => Found::Cooled(reading),
        }
    }
}

/// What follows from an entry, and from who stands before it.
fn decide<S: Shape>(
    cache: &Cache,
    claim: Claim,
    verdict: Option<Verdict<S>>,
    read: Read,
) -> Found<S> {
    use Freshness::{Ahead, FailSafe, Fresh, Over, Stale};
    let Some(verdict) = verdict else {
        return claim.without_entry(read.reading);
    };
    if let Verdict::Newer = verdict {
        cache.count(Event::Newer);
        return Found::Newer(read);
    }
    let is_free = matches!(claim, Claim::Nobody | Claim::Vanished);
    // The entry of a loader that has vanished stands behind a lease that anybody may take.
    let entry = match claim {
        Claim::Vanished => Reading::Nothing,
        _ => read.reading,
    };
    match (verdict, claim) {
        (Verdict::Readable(outcome, Ahead), _) if is_free => Found::Due(outcome, entry, Due::Ahead),
        (Verdict::Readable(outcome, Fresh | Ahead), _) => Found::Answer(outcome),
        (Verdict::Readable(outcome, Stale), _) if is_free => Found::Due(outcome, entry, Due::Stale),
        (Verdict::Readable(outcome, Stale), _) => Found::Old(outcome, Event::Stale),
        (Verdict::Readable(Ok(value), FailSafe), Claim::Loader) => Found::Leased(Some(value)),
        (Verdict::Readable(outcome, FailSafe), Claim::FailedLoader) => {
            Found::Old(outcome, Event::FailSafe)
        }
        (Verdict::Readable(Ok(value), FailSafe), _) => Found::Fallback(value, entry),
        (_, Claim::Loader | Claim::FailedLoader | Claim::Vanished) => claim.without_entry(entry),
        (Verdict::Unusable, Claim::Nobody) => {
            cache.count(Event::Unreadable);
            Found::Unusable(entry)
        }
        (Verdict::Outdated, Claim::Nobody) => Found::Unusable(entry),
        (
            Verdict::Newer | Verdict::Spent | Verdict::Readable(_, FailSafe | Over),
            Claim::Nobody,
        ) => Found::Spent(entry),
    }
}
