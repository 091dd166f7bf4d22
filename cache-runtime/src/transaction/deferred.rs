//! The invalidations that a transaction holds back.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::cache::{Cache, Target, Terms};
use crate::call::Affected;
use crate::fence::Fence;
use crate::observe::Event;
use crate::store::matches;

/// What a transaction invalidates once it is committed; nothing when it is over. A task that it
/// started may outlive it, and then invalidates for itself.
pub(crate) struct Deferred(Mutex<Option<Vec<Pending>>>);

/// What is pending in one cache.
struct Pending {
    cache: Cache,
    /// With the strictest terms for each.
    keys: HashMap<Arc<str>, Terms>,
    patterns: HashMap<Arc<str>, Terms>,
    fences: Vec<(Fence, Terms)>,
}

impl Deferred {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Takes all that a write affects, unless the transaction is over.
    pub(crate) fn take(&self, affected: &mut Vec<Affected>) {
        if let Some(pending) = &mut *self.0.lock() {
            for affected in affected.drain(..) {
                in_cache(pending, &affected.cache).take(affected);
            }
        }
    }

    /// Takes the targets, or gives them back if the transaction is over.
    pub(crate) fn defer(
        &self,
        cache: &Cache,
        targets: Vec<Target>,
        terms: Terms,
    ) -> Result<(), Vec<Target>> {
        let mut affected = vec![Affected {
            cache: cache.clone(),
            targets,
            fence: None,
            terms,
        }];
        self.take(&mut affected);
        match affected.pop() {
            None => Ok(()),
            Some(affected) => Err(affected.targets),
        }
    }

    /// Whether the key, or a tag of it, is to be invalidated.
    pub(crate) fn holds(&self, cache: &Cache, key: &str, tags: &[Arc<str>]) -> bool {
        let state = self.0.lock();
        let mut pending = state.iter().flatten();
        let pending = pending.find(|pending| pending.cache.is_same(cache));
        pending
            .is_some_and(|pending| pending.holds(key) || tags.iter().any(|tag| pending.holds(tag)))
    }

    /// Ends the transaction, and gives what it held back.
    pub(super) fn close(&self) -> Vec<Affected> {
        let pending = self.0.lock().take();
        let pending = pending.into_iter().flatten();
        pending.flat_map(Pending::into_affected).collect()
    }
}

fn in_cache<'a>(all: &'a mut Vec<Pending>, cache: &Cache) -> &'a mut Pending {
    let known = all.iter().position(|pending| pending.cache.is_same(cache));
    let at = known.unwrap_or_else(|| {
        all.push(Pending {
            cache: cache.clone(),
            keys: HashMap::new(),
            patterns: HashMap::new(),
            fences: Vec::new(),
        });
        all.len() - 1
    });
    &mut all[at]
}

impl Pending {
    fn take(&mut self, affected: Affected) {
        let Affected {
            cache,
            targets,
            fence,
            terms,
        } = affected;
        let fenced = fence.as_ref().map_or(0, Fence::len);
        let deferred = (targets.len() + fenced) as u64;
        cache.0.counters.add(Event::Deferred, deferred);
        for target in targets {
            let strictest = match target {
                Target::Key(key) => self.keys.entry(key).or_default(),
                Target::Pattern(pattern) => self.patterns.entry(pattern).or_default(),
            };
            *strictest = strictest.and(terms);
        }
        self.fences.extend(fence.map(|fence| (fence, terms)));
    }

    fn holds(&self, key: &str) -> bool {
        self.keys.contains_key(key)
            || self.patterns.keys().any(|pattern| matches(pattern, key))
            || self.fences.iter().any(|(fence, _)| fence.covers(key))
    }

    /// One for each kind of terms, and one for each fence.
    fn into_affected(self) -> impl Iterator<Item = Affected> {
        let mut by_terms: HashMap<Terms, Vec<Target>> = HashMap::new();
        let keys = self.keys.into_iter();
        let keys = keys.map(|(key, terms)| (Target::Key(key), terms));
        let patterns = self.patterns.into_iter();
        let patterns = patterns.map(|(pattern, terms)| (Target::Pattern(pattern), terms));
        for (target, terms) in keys.chain(patterns) {
            by_terms.entry(terms).or_default().push(target);
        }
        let plain = by_terms.into_iter();
        let plain = plain.map(|(terms, targets)| (targets, None, terms));
        let fences = self.fences.into_iter();
        let fences = fences.map(|(fence, terms)| (Vec::new(), Some(fence), terms));
        let cache = self.cache;
        plain
            .chain(fences)
            .map(move |(targets, fence, terms)| Affected {
                cache: cache.clone(),
                targets,
                fence,
                terms,
            })
    }
}
