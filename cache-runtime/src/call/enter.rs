//! Into the cache: an answer, or the right to load.
//!
//! Every call reads for itself. Who finds nothing boards the key's flight; its leader takes the
//! lease, or waits for the process that holds it; the others wait for the leader.

use std::future::Future;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::found::{Due, Found, Outcomes};
use super::hooks::Hooks;
use super::load::{Leased, Load, Way};
use super::read::Call;
use super::refresh::Refresh;
use super::scope::{self, Usage};
use super::shape::Shape;
use super::verify::Verify;
use crate::cache::{Cache, current_in};
use crate::client::Budget;
use crate::flight::{Aboard, Footing, Joiner, Leader, Outcome, Role, Shared};
use crate::lease::{Lease, Taking};
use crate::observe::Event;
use crate::store::{Keyed, Read, Reading, Take};

/// What a moment in the future can surely hold.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 86_400);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Asking another process's load whether it is done delays its answer by this part of its time.
const PAUSES_IN_A_WAIT: u32 = 32;

/// What a call comes out with. What a hit does not need is boxed: the caller's future carries the
/// room for all that is not.
pub(super) enum Entered<S: Shape> {
    Answer(S::Output),
    Load(Box<Load>),
    /// Answered; the rest can be done in the background.
    Refresh(S::Output, Box<Refresh>),
    /// Answered; the body runs as well, to see whether it says the same.
    Verify(Box<Verify<S::Value>>),
}

impl<S: Shape> Entered<S> {
    pub(super) fn answer(outcome: Outcomes<S>) -> Self {
        Self::Answer(S::join(outcome))
    }
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    pub(super) async fn enter(&self) -> Entered<S> {
        let mut context = scope::context();
        let cache = current_in(&mut context, self.cache.as_ref());
        let usage = |key: &Arc<str>| context.usage_of(&cache, key, &self.tags);
        let key = self.key.as_ref().map(|key| (key, usage(key)));
        let Some((key, usage)) = key.filter(|(_, usage)| *usage != Usage::Bypass) else {
            cache.count(Event::Bypassed);
            return Box::pin(self.load(&cache, Way::Alone, None)).await;
        };
        Entering {
            call: self,
            cache: &cache,
            key,
            usage,
            began: None,
            fallback: None,
        }
        .enter()
        .await
    }

    /// The right to load, as far as `max_loads` gives it.
    pub(super) async fn load(
        &self,
        cache: &Cache,
        way: Way,
        fallback: Option<Fallback>,
    ) -> Entered<S> {
        let patience = fallback.as_ref().and_then(|fallback| {
            let soft = self.site.windows.soft_limit()?;
            Some(soft.saturating_sub(fallback.since.elapsed()))
        });
        let wait = patience.map_or(cache.0.wait, |patience| patience.min(cache.0.wait));
        let load = self.loading_after(wait, cache, way, fallback).await;
        let is_crowded = load.permit.is_none() && self.site.limit().is_some();
        match load.fallback.as_ref().filter(|_| is_crowded) {
            Some(fallback) => match ((self.ops)().open)(&*fallback.value) {
                Some(older) => Box::pin(self.answer_older(older, load)).await,
                None => Entered::Load(Box::new(load)),
            },
            None => Entered::Load(Box::new(load)),
        }
    }

    /// So many loads are under way that the older value is answered instead of one more.
    async fn answer_older(&self, older: S::Value, load: Load) -> Entered<S> {
        load.cache.count(Event::FailSafe);
        let outcome = Outcome::Failed(None);
        self.end_without_value(&load.cache, load.way, outcome).await;
        Entered::answer(Ok(older))
    }

    pub(super) async fn loading(
        &self,
        cache: &Cache,
        way: Way,
        fallback: Option<Fallback>,
    ) -> Load {
        self.loading_after(cache.0.wait, cache, way, fallback).await
    }

    async fn loading_after(
        &self,
        wait: Duration,
        cache: &Cache,
        way: Way,
        fallback: Option<Fallback>,
    ) -> Load {
        let permit = match self.site.limit() {
            Some(limit) => {
                let permit = within(wait.min(LONGEST_WAIT), limit.acquire()).await;
                if permit.is_none() {
                    // A function that calls itself would else wait for itself.
                    cache.count(Event::WaitTimeout);
                }
                permit.and_then(Result::ok)
            }
            None => None,
        };
        Load {
            cache: cache.clone(),
            way,
            permit,
            fallback,
            began: Instant::now(),
        }
    }
}

/// An older value that may be answered if the load fails or takes long.
pub(super) struct Fallback {
    pub(super) value: Shared,
    /// When the call began to need a new one.
    pub(super) since: Instant,
}

struct Entering<'a, S: Shape, H> {
    call: &'a Call<S, H>,
    cache: &'a Cache,
    key: &'a Arc<str>,
    usage: Usage,
    /// When the call found that it needs a load.
    began: Option<Instant>,
    /// What may be answered if the load fails, or takes long.
    fallback: Option<Shared>,
}

/// What a lease is to take the place of.
pub(super) enum Over {
    Nothing,
    /// Dropped.
    Dropping(Reading),
    /// Kept beside the lease, for those who may still be answered with it.
    Keeping(Reading),
    Anything,
}

impl Over {
    pub(super) fn take(&self, version: u32) -> Take<'_> {
        match self {
            Self::Nothing => Take::Absent,
            Self::Dropping(reading) => Take::Exactly(reading),
            Self::Keeping(reading) => keeping(reading),
            Self::Anything => Take::Refresh { version },
        }
    }
}

/// The entry is kept; one whose loader has vanished stands behind a lease that anybody may take.
pub(super) fn keeping(reading: &Reading) -> Take<'_> {
    match reading {
        Reading::Nothing => Take::Absent,
        reading => Take::Keeping(reading),
    }
}

/// What a call that has no answer yet does next.
enum Next {
    Take(Over),
    /// Wait for who holds the lease.
    Wait,
    /// Load beside what is there, which stays.
    Beside(Read),
}

impl<S: Shape, H: Hooks<S::Value>> Entering<'_, S, H> {
    async fn enter(mut self) -> Entered<S> {
        let mut budget = self.cache.fresh_budget();
        if self.usage == Usage::Refresh {
            // What is being loaded now began before this call.
            self.cache.0.flights.close(self.key);
        }
        loop {
            if let Break(entered) = self.round(&mut budget).await {
                return entered;
            }
        }
    }

    fn keyed(&self) -> Keyed<'_> {
        Keyed {
            key: self.key,
            tags: &self.call.tags,
        }
    }

    /// Reads once and, without an answer, boards the flight once.
    async fn round(&mut self, budget: &mut Budget) -> ControlFlow<Entered<S>> {
        if self.cache.distrusts(self.keyed()) {
            self.cache.count(Event::Bypassed);
            return Box::pin(self.board_without_store()).await;
        }
        if self.usage == Usage::Refresh {
            return Box::pin(self.go_on(Next::Take(Over::Anything), budget)).await;
        }
        let Ok(read) = self.cache.0.store.read(self.keyed(), budget).await else {
            self.cache.count(Event::Fault);
            return Box::pin(self.board_without_store()).await;
        };
        // Another server may have answered than was there before.
        if self.cache.distrusts(self.keyed()) {
            self.cache.count(Event::Bypassed);
            return Box::pin(self.board_without_store()).await;
        }
        // In a transaction the body may see what is not committed, and differ rightly.
        let verifies = self.usage == Usage::Normal && self.call.site.windows.verifies_now();
        let seen = verifies.then(|| read.reading.clone());
        if let Some(touch) = self.call.touch(self.cache, &read) {
            Box::pin(touch.run()).await;
        }
        match (self.call.interpret(self.cache, read), seen) {
            (Found::Answer(Ok(value)), Some(reading)) => {
                self.cache.count(Event::Hit);
                Break(self.verify(value, reading))
            }
            (Found::Answer(outcome), _) => {
                self.cache.count(Event::Hit);
                Break(Entered::answer(outcome))
            }
            (found, _) => Box::pin(self.miss(found, budget)).await,
        }
    }

    /// A hit does not wait for room to load: without it, it is a plain one.
    fn verify(&self, value: S::Value, reading: Reading) -> Entered<S> {
        let permit = self.call.site.limit().map(Semaphore::try_acquire);
        let Ok(permit) = permit.transpose() else {
            return Entered::answer(Ok(value));
        };
        let load = Load {
            cache: self.cache.clone(),
            way: Way::Alone,
            permit,
            fallback: None,
            began: Instant::now(),
        };
        Entered::Verify(Box::new(Verify {
            value,
            reading,
            load,
        }))
    }

    async fn miss(&mut self, found: Found<S>, budget: &mut Budget) -> ControlFlow<Entered<S>> {
        match self.next(found) {
            Ok(next) => self.go_on(next, budget).await,
            Err(Answered::Now(outcome)) => Break(Entered::answer(outcome)),
            Err(Answered::AndDue(outcome, reading)) => {
                Break(self.refresh(outcome, reading, budget).await)
            }
        }
    }

    /// What a reading that is no plain hit leads to.
    fn next(&mut self, found: Found<S>) -> Result<Next, Answered<S>> {
        Ok(match found {
            Found::Answer(outcome) => return Err(Answered::Now(outcome)),
            Found::Old(outcome, why) => {
                self.cache.count(why);
                return Err(Answered::Now(outcome));
            }
            Found::Due(outcome, reading, due) => {
                self.cache.count(match due {
                    Due::Ahead => Event::Hit,
                    Due::Stale => Event::Stale,
                });
                return Err(Answered::AndDue(outcome, reading));
            }
            Found::Fallback(value, reading) => {
                self.may_answer(&value);
                Next::Take(Over::Keeping(reading))
            }
            Found::Leased(value) => {
                if let Some(value) = &value {
                    self.may_answer(value);
                }
                Next::Wait
            }
            Found::Nothing => Next::Take(Over::Nothing),
            Found::Cooled(reading) | Found::Spent(reading) => Next::Take(Over::Keeping(reading)),
            Found::Unusable(reading) => Next::Take(Over::Dropping(reading)),
            Found::Newer(read) => Next::Beside(read),
            Found::Fenced(read) => {
                self.cache.count(Event::Fenced);
                Next::Beside(read)
            }
        })
    }

    fn may_answer(&mut self, value: &S::Value) {
        if self.fallback.is_none() {
            self.fallback = Some(((self.call.ops)().share)(value));
        }
    }

    /// The older value that this call may answer.
    fn older(&self) -> Option<S::Value> {
        let older = self.fallback.as_ref()?;
        ((self.call.ops)().open)(&**older)
    }

    fn fallback(&mut self) -> Option<Fallback> {
        let since = self.began();
        self.fallback.take().map(|value| Fallback { value, since })
    }

    fn began(&mut self) -> Instant {
        *self.began.get_or_insert_with(Instant::now)
    }

    async fn go_on(&mut self, next: Next, budget: &mut Budget) -> ControlFlow<Entered<S>> {
        if self.began.is_none() {
            self.began();
            self.cache.count(Event::Miss);
        }
        if self.usage == Usage::ReadOnly {
            return Break(self.alone().await);
        }
        if scope::is_loading(self.cache, self.key) {
            self.report_recursion();
            return Break(self.alone().await);
        }
        match (self.board(Footing::Read), next) {
            (Role::Joiner(joiner), _) => self.join(joiner).await,
            (Role::Leader(leader), next) => Break(self.lead(leader, next, budget).await),
        }
    }

    fn board(&self, footing: Footing) -> Role {
        let value = ((self.call.ops)().type_id)();
        let flights = &self.cache.0.flights;
        flights.board(self.keyed(), value, footing)
    }

    async fn alone(&mut self) -> Entered<S> {
        let fallback = self.fallback();
        self.call.load(self.cache, Way::Alone, fallback).await
    }

    async fn unconfirmed(&mut self, leader: Leader) -> Entered<S> {
        let fallback = self.fallback();
        let way = Way::Unconfirmed(leader);
        self.call.load(self.cache, way, fallback).await
    }

    /// Redis can't be asked, or not about this key: one load at a time in this process, whose
    /// value nobody can confirm.
    async fn board_without_store(&mut self) -> ControlFlow<Entered<S>> {
        if self.usage == Usage::ReadOnly {
            return Break(self.alone().await);
        }
        if scope::is_loading(self.cache, self.key) {
            self.report_recursion();
            return Break(self.alone().await);
        }
        match self.board(Footing::Blind) {
            Role::Joiner(joiner) => self.join(joiner).await,
            Role::Leader(leader) => Break(self.unconfirmed(leader).await),
        }
    }

    async fn join(&mut self, joiner: Joiner) -> ControlFlow<Entered<S>> {
        let patience = self.patience();
        let Some(outcome) = within(patience.least(), joiner.landed()).await else {
            return Break(self.give_up_waiting(&patience).await);
        };
        let outcome = match &outcome {
            // What was loaded before this call is not what it asks for.
            Outcome::Seen(..) if self.usage == Usage::Refresh => return Continue(()),
            Outcome::Value(shared) | Outcome::Seen(shared, _) => {
                ((self.call.ops)().open)(&**shared).map(Ok)
            }
            Outcome::Failed(error) => {
                if let Some(older) = self.older() {
                    self.cache.count(Event::FailSafe);
                    return Break(Entered::answer(Ok(older)));
                }
                let error = error.as_ref();
                error.and_then(|error| self.call.shape.open(error).map(Err))
            }
            Outcome::Again => return Continue(()),
            Outcome::Absent | Outcome::NoEntry => None,
        };
        match outcome {
            Some(outcome) => {
                self.cache.count(Event::Joined);
                Break(Entered::answer(outcome))
            }
            None => Break(self.alone().await),
        }
    }

    /// Takes the lease; while another process holds it, looks again and again.
    async fn lead(&mut self, leader: Leader, next: Next, budget: &mut Budget) -> Entered<S> {
        let mut next = next;
        loop {
            let mut aboard = leader.aboard();
            let read = match next {
                Next::Beside(read) => {
                    let way = Way::Beside(leader, read);
                    let fallback = self.fallback();
                    return self.call.load(self.cache, way, fallback).await;
                }
                Next::Take(over) => match self.take(&over, budget).await {
                    Ok(Taking::Taken(lease, kept)) => {
                        return self.load_leased(leader, lease, kept, budget).await;
                    }
                    Ok(Taking::Unfit) => {
                        self.cache.count(Event::Unfit);
                        leader.land(Outcome::NoEntry);
                        return self.alone().await;
                    }
                    Ok(Taking::Instead(read)) => Ok(read),
                    Err(fault) => Err(fault),
                },
                Next::Wait => {
                    let patience = self.patience();
                    #[cfg(test)]
                    let has_time =
                        crate::model::pause(std::slice::from_ref(self.key), patience.pause()).await;
                    #[cfg(not(test))]
                    let has_time = patience.pause().await;
                    if !has_time {
                        leader.land(patience.outcome());
                        return self.give_up_waiting(&patience).await;
                    }
                    aboard = leader.aboard();
                    // On a budget of its own: waiting is bounded by patience, and a look that is
                    // answered is no reason to load beside who is at it.
                    let mut budget = self.cache.fresh_budget();
                    self.cache.0.store.read(self.keyed(), &mut budget).await
                }
            };
            let Ok(read) = read else {
                self.cache.count(Event::Fault);
                // Who boards from now on may have come after an invalidation elsewhere.
                leader.close();
                return self.unconfirmed(leader).await;
            };
            if self.cache.distrusts(self.keyed()) {
                self.cache.count(Event::Bypassed);
                leader.close();
                return self.unconfirmed(leader).await;
            }
            let found = self.call.interpret(self.cache, read);
            let for_joiners = self.for_joiners(&leader, &found, aboard);
            next = match self.next(found) {
                Ok(next) => next,
                Err(Answered::Now(outcome) | Answered::AndDue(outcome, _)) => {
                    leader.land(for_joiners);
                    self.cache.count(Event::Waited);
                    return Entered::answer(outcome);
                }
            };
        }
    }

    /// What those aboard are to do with what the leader has read. Who came after that was asked for
    /// reads for itself: there may have been an invalidation between. So does everybody where it
    /// depends on the call whether it is an answer.
    fn for_joiners(&self, leader: &Leader, found: &Found<S>, aboard: Aboard) -> Outcome {
        match found {
            Found::Answer(Ok(value)) if leader.has_joiners() => {
                Outcome::Seen(((self.call.ops)().share)(value), aboard)
            }
            _ => Outcome::Again,
        }
    }

    async fn take(&self, over: &Over, budget: &mut Budget) -> Result<Taking, crate::error::Fault> {
        let version = self.call.site.format.schema_version();
        let life = self.call.tag_life(self.cache);
        Lease::take(self.cache, self.keyed(), over.take(version), life, budget).await
    }

    async fn load_leased(
        &mut self,
        leader: Leader,
        lease: Lease,
        kept: Option<Reading>,
        budget: &Budget,
    ) -> Entered<S> {
        // What was read before the lease may have been invalidated since.
        if !cfg!(cache_mutant = "stale_payload_from_lease") {
            self.fallback = kept.and_then(|reading| self.kept_value(&lease, reading));
        }
        let left = budget.left();
        let way = Way::Leased(Leased {
            leader,
            lease,
            left,
        });
        let fallback = self.fallback();
        self.call.load(self.cache, way, fallback).await
    }

    /// What the lease has taken over and may be answered if the load fails.
    fn kept_value(&self, lease: &Lease, reading: Reading) -> Option<Shared> {
        // Who asks for a new value is told if there is none.
        if self.usage == Usage::Refresh || self.cache.distrusts(self.keyed()) {
            return None;
        }
        self.call.kept_value(self.cache, lease, reading)
    }

    /// An answer that is to be loaded anew: by this caller, in the background, or by somebody
    /// else who is at it already.
    async fn refresh(
        &mut self,
        outcome: Outcomes<S>,
        reading: Reading,
        budget: &mut Budget,
    ) -> Entered<S> {
        let Ok(value) = outcome else {
            return Entered::answer(outcome);
        };
        if self.usage == Usage::ReadOnly || scope::is_loading(self.cache, self.key) {
            return Entered::answer(Ok(value));
        }
        let windows = &self.call.site.windows;
        let permit = if windows.is_refreshed_by_caller() {
            None
        } else {
            let Some(permit) = self.cache.0.background.permit() else {
                self.cache.count(Event::RefreshSkipped);
                return Entered::answer(Ok(value));
            };
            Some(permit)
        };
        let Role::Leader(leader) = self.board(Footing::Read) else {
            return Entered::answer(Ok(value));
        };
        if let Some(permit) = permit {
            let cache = self.cache.clone();
            let refresh = Refresh::new(cache, leader, reading, permit);
            return Entered::Refresh(S::join(Ok(value)), Box::new(refresh));
        }
        match self.take(&Over::Keeping(reading), budget).await {
            Ok(Taking::Taken(lease, kept)) => {
                self.cache.count(Event::Refresh);
                self.load_leased(leader, lease, kept, budget).await
            }
            _ => Entered::answer(Ok(value)),
        }
    }

    fn report_recursion(&self) {
        self.cache.count(Event::Recursive);
        if self.call.site.warns_first_time() {
            tracing::error!(
                site = self.call.site.name,
                "its load calls it again for the same key, which would wait for itself: this \
                 inner call runs uncached"
            );
        }
    }

    /// How long this call may still wait for others.
    fn patience(&mut self) -> Patience {
        let began = self.began();
        let waited = began.elapsed();
        let soft = self.call.site.windows.soft_limit();
        let soft = soft.filter(|_| self.fallback.is_some());
        Patience::of(self.cache, waited, soft)
    }

    /// Nobody has answered in time: an older value if there is one, else a load of its own.
    async fn give_up_waiting(&mut self, patience: &Patience) -> Entered<S> {
        if patience.ends_softly()
            && let Some(value) = self.older()
        {
            self.cache.count(Event::SoftTimeout);
            return Entered::answer(Ok(value));
        }
        self.cache.count(Event::WaitTimeout);
        self.alone().await
    }
}

/// A call that is answered without a load of its own.
enum Answered<S: Shape> {
    Now(Outcomes<S>),
    AndDue(Outcomes<S>, Reading),
}

/// How long a call waits for others.
pub(super) struct Patience {
    waited: Duration,
    left: Duration,
    /// Until an older value is answered instead.
    left_of_soft: Option<Duration>,
}

impl Patience {
    /// `soft` says after what time an older value is answered instead.
    pub(super) fn of(cache: &Cache, waited: Duration, soft: Option<Duration>) -> Self {
        let wait = cache.0.wait.min(LONGEST_WAIT);
        Self {
            waited,
            left: wait.saturating_sub(waited),
            left_of_soft: soft.map(|soft| soft.saturating_sub(waited)),
        }
    }

    pub(super) fn least(&self) -> Duration {
        self.left_of_soft
            .map_or(self.left, |soft| soft.min(self.left))
    }

    fn ends_softly(&self) -> bool {
        self.left_of_soft.is_some_and(|soft| soft <= self.left)
    }

    /// What those aboard are to do when their leader stops waiting.
    fn outcome(&self) -> Outcome {
        if self.ends_softly() {
            Outcome::Again
        } else {
            Outcome::NoEntry
        }
    }

    /// Pauses, and says whether there was time to.
    pub(super) async fn pause(&self) -> bool {
        let least = self.least();
        if least.is_zero() || Handle::try_current().is_err() {
            return false;
        }
        let pause = self.waited / PAUSES_IN_A_WAIT;
        tokio::time::sleep(pause.clamp(FIRST_PAUSE, LONGEST_PAUSE).min(least)).await;
        true
    }
}

/// Waits for `future` at most `time`; without a runtime there is no timer to end it.
pub(super) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    #[cfg(test)]
    if crate::model::is_exploring() {
        return crate::model::within(future).await;
    }
    if Handle::try_current().is_err() {
        return Some(future.await);
    }
    tokio::time::timeout(time, future).await.ok()
}
