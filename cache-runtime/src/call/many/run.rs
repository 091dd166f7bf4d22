//! The way of one batch: read all, lease what is missing, load that at once, store each, and only
//! then wait for what others load. Nobody waits while holding a lease that is not being loaded, so
//! two batches never wait for each other.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::SemaphorePermit;

use super::{Many, MapOps, One};
use crate::cache::{Cache, current_in};
use crate::call::enter::{Over, Patience, within};
use crate::call::found::Found;
use crate::call::hooks::Hooks;
use crate::call::lifetime::{Jitter, Ttl};
use crate::call::limits::Ended;
use crate::call::load::{Leased, Load, Way};
use crate::call::ops::OpsOf;
use crate::call::read::Call;
use crate::call::scope::{self, Context, Usage};
use crate::call::shape::{Plain, Shape};
use crate::call::site::Site;
use crate::client::Budget;
use crate::flight::{Footing, Joiner, Leader, Outcome, Role};
use crate::lease::{Lease, Taking};
use crate::observe::Event;
use crate::store::{Keyed, Read};

/// One id that has no value yet.
struct Element<'a, I, V, H> {
    id: I,
    /// As if it were called alone.
    call: Call<Plain<V>, &'a H>,
    key: Option<Arc<str>>,
    usage: Usage,
}

/// What becomes of an element in one round.
enum Step<V> {
    Answer(V),
    /// Loaded by this call.
    Load(Way),
    /// Loaded by another call of this process.
    Join(Joiner),
    /// Loaded by another process.
    Wait,
    /// This call takes the lease.
    Take(Leader, Over),
}

/// What a load elsewhere in this process is to an element that has joined it.
enum Joined<V, E> {
    Value(V),
    Absent,
    Failed(E),
    /// It may have been invalidated meanwhile.
    Again,
    /// It came to nothing, so this call does not queue again.
    NoEntry,
}

/// What a batch works with.
struct Batch<'a, S: Shape, I, D, V, H> {
    site: &'static Site,
    shape: S,
    cache: &'a Cache,
    held: fn(Vec<I>) -> D,
    copy: fn(&I) -> I,
    map: MapOps<S::Value, I, V>,
    ops: OpsOf<V>,
    /// What has been found and loaded so far.
    found: S::Value,
    pending: Vec<Element<'a, I, V, H>>,
    began: Option<Instant>,
}

pub(super) async fn run<S, I, D, V, H, B, F>(many: Many<S, I, D, V, H>, body: B) -> S::Output
where
    S: Shape,
    H: Hooks<V>,
    B: Fn(D) -> F,
    F: Future<Output = S::Output>,
{
    let mut context = scope::context();
    let cache = current_in(&mut context, many.cache.as_ref());
    let Many {
        site,
        shape,
        ids,
        ones,
        ttl,
        jitter,
        ops,
        map,
        hooks,
        ..
    } = many;
    let policy = (site, ttl, jitter, ops);
    let pending = ids.all.into_iter().zip(ones);
    let pending = pending.map(|(id, one)| element(id, one, policy, &hooks, &cache, &context));
    let mut batch = Batch {
        site,
        shape,
        cache: &cache,
        held: ids.held,
        copy: ids.copy,
        found: (map.empty)(),
        map,
        ops,
        pending: without_duplicates(pending),
        began: None,
    };
    loop {
        if batch.pending.is_empty() {
            return S::join(Ok(batch.found));
        }
        if let Err(error) = batch.round(&body).await {
            return S::join(Err(error));
        }
    }
}

type Policy<V> = (&'static Site, Ttl, Option<Jitter>, OpsOf<V>);

fn element<'a, I, V, H>(
    id: I,
    one: One,
    (site, ttl, jitter, ops): Policy<V>,
    hooks: &'a H,
    cache: &Cache,
    context: &Context,
) -> Element<'a, I, V, H> {
    let One { key, tags, .. } = one;
    let usage = key
        .as_ref()
        .map_or(Usage::Bypass, |key| context.usage_of(cache, key, &tags));
    let call = Call::of_one(site, ops, key.clone(), tags, (ttl, jitter), hooks);
    Element {
        id,
        call,
        key,
        usage,
    }
}

/// Each key once; what has none is loaded for each id.
fn without_duplicates<'a, I, V, H>(
    elements: impl Iterator<Item = Element<'a, I, V, H>>,
) -> Vec<Element<'a, I, V, H>> {
    let mut seen = HashSet::new();
    elements
        .filter(|element| {
            element
                .key
                .as_ref()
                .is_none_or(|key| seen.insert(key.clone()))
        })
        .collect()
}

impl<'a, S, I, D, V, H> Batch<'a, S, I, D, V, H>
where
    S: Shape,
    H: Hooks<V>,
{
    /// Everything that can be done without waiting for others, then one wait for all of them.
    async fn round<B, F>(&mut self, body: &B) -> Result<(), S::Error>
    where
        B: Fn(D) -> F,
        F: Future<Output = S::Output>,
    {
        let mut budget = self.cache.fresh_budget();
        let pending = std::mem::take(&mut self.pending);
        let steps = self.look(&pending, &mut budget).await;
        let elements = pending.into_iter().zip(steps).collect();
        let (mut loads, mut joins) = (Vec::new(), Vec::new());
        for (element, step) in self.lease(elements, &mut budget).await {
            match step {
                Step::Answer(value) => (self.map.insert)(&mut self.found, element.id, value),
                Step::Load(way) => loads.push((element, way)),
                Step::Join(joiner) => joins.push((element, joiner)),
                Step::Wait | Step::Take(..) => self.pending.push(element),
            }
        }
        self.load(loads, body).await?;
        self.join(joins).await?;
        self.wait(body).await
    }

    /// Reads all keys at once, and decides for each.
    async fn look(
        &mut self,
        pending: &[Element<'a, I, V, H>],
        budget: &mut Budget,
    ) -> Vec<Step<V>> {
        let all: Vec<_> = pending
            .iter()
            .map(|element| element.to_read(self.cache))
            .collect();
        let was_read: Vec<bool> = all.iter().map(Option::is_some).collect();
        let all: Vec<Keyed<'_>> = all.into_iter().flatten().collect();
        let reads = if all.is_empty() {
            Ok(Vec::new())
        } else {
            self.cache.0.store.read_many(&all, budget).await
        };
        if reads.is_err() {
            self.cache.count(Event::Fault);
        }
        let mut reads = reads.map(Vec::into_iter);
        let steps = pending.iter().zip(was_read).map(|(element, was_read)| {
            let read = match &mut reads {
                Ok(reads) if was_read => reads.next(),
                _ => None,
            };
            // Another server may have answered than was there before.
            let is_trusted = |_: &Read| element.to_read(self.cache).is_some();
            self.decide(element, read.filter(is_trusted))
        });
        let steps: Vec<Step<V>> = steps.collect();
        self.began.get_or_insert_with(Instant::now);
        steps
    }

    fn decide(&self, element: &Element<'a, I, V, H>, read: Option<Read>) -> Step<V> {
        let is_first = self.began.is_none();
        let Some(keyed) = element.keyed().filter(|_| element.usage != Usage::Bypass) else {
            self.cache.count(Event::Bypassed);
            return Step::Load(Way::Alone);
        };
        let count = |event| {
            if is_first {
                self.cache.count(event);
            }
        };
        let found = match (read, element.usage) {
            (Some(read), _) => element.call.interpret(self.cache, read),
            (None, Usage::Refresh) => {
                count(Event::Miss);
                self.cache.0.flights.close(keyed.key);
                return self.board(element, Footing::Read, |leader| {
                    Step::Take(leader, Over::Anything)
                });
            }
            // Redis can't be asked, or not about this key.
            (None, _) => {
                count(Event::Bypassed);
                return self.board(element, Footing::Blind, |leader| {
                    Step::Load(Way::Unconfirmed(leader))
                });
            }
        };
        let step = self.follow(element, found);
        count(match step {
            Step::Answer(_) => Event::Hit,
            _ => Event::Miss,
        });
        step
    }

    /// What a reading leads to.
    fn follow(&self, element: &Element<'a, I, V, H>, found: Found<Plain<V>>) -> Step<V> {
        let over = match found {
            Found::Answer(Ok(value)) | Found::Old(Ok(value), _) | Found::Due(Ok(value), ..) => {
                return Step::Answer(value);
            }
            Found::Answer(Err(never)) | Found::Old(Err(never), _) | Found::Due(Err(never), ..) => {
                match never {}
            }
            Found::Leased(_) => None,
            Found::Nothing => Some(Over::Nothing),
            Found::Fallback(_, reading) | Found::Cooled(reading) | Found::Spent(reading) => {
                Some(Over::Keeping(reading))
            }
            Found::Unusable(reading) => Some(Over::Dropping(reading)),
            Found::Newer(read) | Found::Fenced(read) => {
                return self.board(element, Footing::Read, |leader| {
                    Step::Load(Way::Beside(leader, read))
                });
            }
        };
        self.board(element, Footing::Read, |leader| match over {
            Some(over) => Step::Take(leader, over),
            // Its flight is given up: those aboard look for themselves.
            None => Step::Wait,
        })
    }

    fn board(
        &self,
        element: &Element<'a, I, V, H>,
        footing: Footing,
        lead: impl FnOnce(Leader) -> Step<V>,
    ) -> Step<V> {
        let Some(keyed) = element.keyed() else {
            return Step::Load(Way::Alone);
        };
        if element.usage == Usage::ReadOnly || element.is_loading(self.cache) {
            return Step::Load(Way::Alone);
        }
        let value = ((self.ops)().type_id)();
        match self.cache.0.flights.board(keyed, value, footing) {
            Role::Leader(leader) => lead(leader),
            Role::Joiner(joiner) => Step::Join(joiner),
        }
    }

    /// Takes all leases at once.
    async fn lease(
        &self,
        elements: Vec<(Element<'a, I, V, H>, Step<V>)>,
        budget: &mut Budget,
    ) -> Vec<(Element<'a, I, V, H>, Step<V>)> {
        let left = budget.left();
        let taken = elements.into_iter().map(async |(element, step)| {
            let step = match step {
                Step::Take(leader, over) => self.take(&element, leader, &over, left).await,
                step => step,
            };
            (element, step)
        });
        join_all(taken).await
    }

    async fn take(
        &self,
        element: &Element<'a, I, V, H>,
        leader: Leader,
        over: &Over,
        left: Duration,
    ) -> Step<V> {
        let Some(keyed) = element.keyed() else {
            return Step::Load(Way::Alone);
        };
        let version = self.site.format.schema_version();
        let life = element.call.tag_life(self.cache);
        let mut budget = Budget::new(left);
        let taking = Lease::take(self.cache, keyed, over.take(version), life, &mut budget).await;
        match taking {
            Ok(Taking::Taken(lease, _)) => Step::Load(Way::Leased(Leased {
                leader,
                lease,
                left: budget.left(),
            })),
            Ok(Taking::Unfit) => {
                self.cache.count(Event::Unfit);
                leader.land(Outcome::NoEntry);
                Step::Load(Way::Alone)
            }
            Ok(Taking::Instead(read)) => {
                // Those aboard look for themselves: some may have come after an invalidation.
                leader.land(Outcome::Again);
                match element.call.interpret(self.cache, read) {
                    Found::Answer(Ok(value)) => Step::Answer(value),
                    _ => Step::Wait,
                }
            }
            Err(_) => {
                self.cache.count(Event::Fault);
                leader.close();
                Step::Load(Way::Unconfirmed(leader))
            }
        }
    }

    /// Runs the body once for all of these, and stores what it returns.
    async fn load<B, F>(
        &mut self,
        loads: Vec<(Element<'a, I, V, H>, Way)>,
        body: &B,
    ) -> Result<(), S::Error>
    where
        B: Fn(D) -> F,
        F: Future<Output = S::Output>,
    {
        if loads.is_empty() {
            return Ok(());
        }
        let permit = self.permit().await;
        let ids = loads.iter().map(|(element, _)| (self.copy)(&element.id));
        let ids = (self.held)(ids.collect());
        let keys = loads.iter().filter_map(|(element, _)| element.key.clone());
        let began = Instant::now();
        let running = scope::while_loading(self.cache, keys.collect(), body(ids));
        let output = running.await;
        drop(permit);
        self.cache.count(Event::Load);
        // A load of its own is no time spent waiting for others.
        self.began = self.began.map(|waits| waits + began.elapsed());
        match S::split(output) {
            Ok(map) => {
                self.store(loads, &map, began).await;
                Ok(())
            }
            Err(error) => {
                let shared = self.shape.share(&error);
                let ends = loads.into_iter().map(async |(element, way)| {
                    let outcome = Outcome::Failed(shared.clone());
                    element.end_without_value(self.cache, way, outcome).await;
                });
                join_all(ends).await;
                Err(error)
            }
        }
    }

    async fn permit(&self) -> Option<SemaphorePermit<'static>> {
        let limit = self.site.limit()?;
        let permit = within(self.cache.0.wait, limit.acquire()).await;
        if permit.is_none() {
            self.cache.count(Event::WaitTimeout);
        }
        permit.and_then(Result::ok)
    }

    /// Stores each value under its own lease, all at once; an id that the body gave no value has
    /// none to store.
    async fn store(
        &mut self,
        loads: Vec<(Element<'a, I, V, H>, Way)>,
        map: &S::Value,
        began: Instant,
    ) {
        let cache = self.cache;
        let get = self.map.get;
        let stored = loads.into_iter().map(async |(element, way)| {
            let Some(value) = get(map, &element.id) else {
                element.end_without_value(cache, way, Outcome::Absent).await;
                return None;
            };
            let load = Load {
                cache: cache.clone(),
                way,
                permit: None,
                fallback: None,
                began,
            };
            let (outcome, _) = element.call.settle_load(load, Ended::With(value)).await;
            outcome.ok().map(|value| (element.id, value))
        });
        for (id, value) in join_all(stored).await.into_iter().flatten() {
            (self.map.insert)(&mut self.found, id, value);
        }
    }

    /// Waits for what other calls of this process load.
    async fn join(&mut self, joins: Vec<(Element<'a, I, V, H>, Joiner)>) -> Result<(), S::Error> {
        let left = self.patience().least();
        let joins = joins.into_iter().map(async |(element, joiner)| {
            let outcome = within(left, joiner.landed()).await;
            (element, outcome)
        });
        for (mut element, outcome) in join_all(joins).await {
            match self.joined(outcome, element.usage) {
                Joined::Value(value) => (self.map.insert)(&mut self.found, element.id, value),
                Joined::Absent => {}
                Joined::Failed(error) => return Err(error),
                Joined::Again => self.pending.push(element),
                Joined::NoEntry => {
                    element.usage = Usage::Bypass;
                    self.pending.push(element);
                }
            }
        }
        Ok(())
    }

    /// What the load that an element has joined is to it; nothing landed if that took too long.
    fn joined(&self, landed: Option<Outcome>, usage: Usage) -> Joined<V, S::Error> {
        let joined = match landed {
            Some(Outcome::Again) => return Joined::Again,
            // What was loaded before this call is not what it asks for.
            Some(Outcome::Seen(..)) if usage == Usage::Refresh => return Joined::Again,
            Some(Outcome::Value(shared) | Outcome::Seen(shared, _)) => {
                ((self.ops)().open)(&*shared).map(Joined::Value)
            }
            Some(Outcome::Failed(error)) => error
                .and_then(|error| self.shape.open(&error))
                .map(Joined::Failed),
            Some(Outcome::Absent) => Some(Joined::Absent),
            Some(Outcome::NoEntry) => None,
            None => {
                self.cache.count(Event::WaitTimeout);
                None
            }
        };
        let Some(joined) = joined else {
            return Joined::NoEntry;
        };
        self.cache.count(Event::Joined);
        joined
    }

    /// Pauses before the next round, if there is to be one; when there is no time left, loads the
    /// rest without storing it.
    async fn wait<B, F>(&mut self, body: &B) -> Result<(), S::Error>
    where
        B: Fn(D) -> F,
        F: Future<Output = S::Output>,
    {
        let is_waiting = |element: &Element<'a, I, V, H>| element.usage != Usage::Bypass;
        if !self.pending.iter().any(is_waiting) {
            return Ok(());
        }
        let patience = self.patience();
        #[cfg(test)]
        let has_time = {
            let keys: Vec<_> = self
                .pending
                .iter()
                .filter_map(|it| it.key.clone())
                .collect();
            crate::model::pause(&keys, patience.pause()).await
        };
        #[cfg(not(test))]
        let has_time = patience.pause().await;
        if has_time {
            return Ok(());
        }
        self.cache.count(Event::WaitTimeout);
        let rest = std::mem::take(&mut self.pending);
        let rest = rest.into_iter().map(|element| (element, Way::Alone));
        self.load(rest.collect(), body).await
    }

    fn patience(&self) -> Patience {
        let waited = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        Patience::of(self.cache, waited, None)
    }
}

impl<I, V, H> Element<'_, I, V, H> {
    fn keyed(&self) -> Option<Keyed<'_>> {
        let key = self.key.as_ref()?;
        Some(Keyed {
            key,
            tags: &self.call.tags,
        })
    }

    /// Ends a load that came to nothing, for those who wait.
    async fn end_without_value(&self, cache: &Cache, way: Way, outcome: Outcome)
    where
        H: Hooks<V>,
    {
        self.call.end_without_value(cache, way, outcome).await;
    }

    /// What is to be read of it: nothing in a scope that loads anew, or while its invalidation is
    /// queued.
    fn to_read(&self, cache: &Cache) -> Option<Keyed<'_>> {
        let reads = matches!(self.usage, Usage::Normal | Usage::ReadOnly);
        let keyed = self.keyed().filter(|_| reads)?;
        (!cache.distrusts(keyed)).then_some(keyed)
    }

    fn is_loading(&self, cache: &Cache) -> bool {
        let is_loading = self
            .key
            .as_ref()
            .is_some_and(|key| scope::is_loading(cache, key));
        if is_loading {
            cache.count(Event::Recursive);
        }
        is_loading
    }
}
