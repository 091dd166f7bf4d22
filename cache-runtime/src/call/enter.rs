//! Into the cache: an answer, or the right to load.
//!
//! Every call reads for itself. Who finds nothing boards the key's flight; its leader takes the
//! lease, or waits for the process that holds it; the others wait for the leader.

use std::future::Future;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::found::Found;
use super::hooks::Hooks;
use super::load::{Leased, Load, Way};
use super::read::Call;
use super::scope::{self, Usage};
use super::shape::Shape;
use crate::cache::{Cache, current_in};
use crate::client::Budget;
use crate::flight::{Footing, Joiner, Leader, Outcome, Role};
use crate::lease::{Lease, Taking};
use crate::observe::Event;
use crate::store::{Keyed, Reading, Replace};

/// What a moment in the future can surely hold.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 86_400);
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What a call comes out with.
pub(super) enum Entered<S: Shape> {
    Answer(S::Output),
    Load(Load),
}

impl<S: Shape> Entered<S> {
    fn answer(result: Result<S::Value, S::Error>) -> Self {
        Self::Answer(S::join(result))
    }
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    pub(super) async fn enter(&self) -> Entered<S> {
        let mut context = scope::context();
        let cache = current_in(&mut context, self.cache.as_ref());
        let usage = |key: &Arc<str>| context.usage_of(&cache, key, &[]);
        let key = self.key.as_ref().map(|key| (key, usage(key)));
        let Some((key, usage)) = key.filter(|(_, usage)| *usage != Usage::Bypass) else {
            cache.count(Event::Bypassed);
            return Box::pin(self.load(&cache, Way::Alone)).await;
        };
        Entering {
            call: self,
            cache: &cache,
            key,
            usage,
            until: None,
        }
        .enter()
        .await
    }

    /// The right to load, as far as `max_loads` gives it.
    async fn load(&self, cache: &Cache, way: Way) -> Entered<S> {
        let permit = match self.site.limit() {
            Some(limit) => {
                let permit = within(cache.0.wait.min(LONGEST_WAIT), limit.acquire()).await;
                if permit.is_none() {
                    // A function that calls itself would else wait for itself.
                    cache.count(Event::WaitTimeout);
                }
                permit.and_then(Result::ok)
            }
            None => None,
        };
        Entered::Load(Load {
            cache: cache.clone(),
            way,
            permit,
        })
    }
}

struct Entering<'a, S: Shape, H> {
    call: &'a Call<S, H>,
    cache: &'a Cache,
    key: &'a Arc<str>,
    usage: Usage,
    /// When waiting for others ends; set when it begins.
    until: Option<Instant>,
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

    /// Reads once and, without an answer, boards the flight once. What a hit does not need is
    /// boxed: the caller's future carries the room for all that is not.
    async fn round(&mut self, budget: &mut Budget) -> ControlFlow<Entered<S>> {
        if self.cache.0.journal.holds(self.key) {
            self.cache.count(Event::Bypassed);
            return Box::pin(self.board_without_store()).await;
        }
        let mut unusable = None;
        if self.usage != Usage::Refresh {
            let Ok(reading) = self.cache.0.store.read(self.key, budget).await else {
                self.cache.count(Event::Fault);
                return Box::pin(self.board_without_store()).await;
            };
            match self.call.interpret(self.cache, reading) {
                Found::Answer(result) => {
                    self.cache.count(Event::Hit);
                    return Break(Entered::answer(result));
                }
                Found::Newer(reading) => return Box::pin(self.board_beside(reading)).await,
                Found::Unusable(reading) => unusable = Some(reading),
                Found::Nothing | Found::Leased => {}
            }
        }
        if self.until.is_none() {
            self.cache.count(Event::Miss);
        }
        if self.usage == Usage::ReadOnly {
            return Break(Box::pin(self.alone()).await);
        }
        match self.board(Footing::Read) {
            Role::Joiner(joiner) => Box::pin(self.join(joiner)).await,
            Role::Leader(leader) => Break(Box::pin(self.lead(leader, unusable, budget)).await),
        }
    }

    fn board(&self, footing: Footing) -> Role {
        let value = ((self.call.ops)().type_id)();
        let keyed = Keyed {
            key: self.key,
            tags: &[],
        };
        self.cache.0.flights.board(keyed, value, footing)
    }

    async fn alone(&self) -> Entered<S> {
        self.call.load(self.cache, Way::Alone).await
    }

    /// Redis can't be asked, or not about this key: one load at a time in this process, whose
    /// value nobody can confirm.
    async fn board_without_store(&mut self) -> ControlFlow<Entered<S>> {
        if self.usage == Usage::ReadOnly {
            return Break(self.alone().await);
        }
        match self.board(Footing::Blind) {
            Role::Joiner(joiner) => self.join(joiner).await,
            Role::Leader(leader) => {
                Break(self.call.load(self.cache, Way::Unconfirmed(leader)).await)
            }
        }
    }

    /// Newer code has written the entry: one load at a time in this process, which stores nothing.
    async fn board_beside(&mut self, newer: Reading) -> ControlFlow<Entered<S>> {
        if self.usage == Usage::ReadOnly {
            return Break(self.alone().await);
        }
        match self.board(Footing::Read) {
            Role::Joiner(joiner) => self.join(joiner).await,
            Role::Leader(leader) => {
                Break(self.call.load(self.cache, Way::Beside(leader, newer)).await)
            }
        }
    }

    async fn join(&mut self, joiner: Joiner) -> ControlFlow<Entered<S>> {
        let Some(outcome) = within(self.patience(), joiner.landed()).await else {
            self.cache.count(Event::WaitTimeout);
            return Break(self.alone().await);
        };
        let result = match &outcome {
            Outcome::Value(shared) => ((self.call.ops)().open)(&**shared).map(Ok),
            Outcome::Error(shared) => self.call.shape.open(shared).map(Err),
            Outcome::Again => return Continue(()),
            Outcome::NoEntry => None,
        };
        match result {
            Some(result) => {
                self.cache.count(Event::Joined);
                Break(Entered::answer(result))
            }
            None => Break(self.alone().await),
        }
    }

    /// Takes the lease; while another process holds it, asks again.
    async fn lead(
        &mut self,
        leader: Leader,
        unusable: Option<Reading>,
        budget: &mut Budget,
    ) -> Entered<S> {
        let mut unusable = unusable;
        let mut pause = FIRST_PAUSE;
        let version = self.call.site.format.schema_version();
        loop {
            let replace = match (&unusable, self.usage) {
                (_, Usage::Refresh) => Replace::Anything { version },
                (Some(reading), _) => Replace::Exactly(reading),
                (None, _) => Replace::Nothing,
            };
            let leased = Lease::take(self.cache, self.key, replace, budget).await;
            let Ok(leasing) = leased else {
                self.cache.count(Event::Fault);
                // Who boards from now on may have come after an invalidation elsewhere.
                leader.close();
                return self.call.load(self.cache, Way::Unconfirmed(leader)).await;
            };
            let found = match leasing {
                Taking::Taken(lease) => {
                    let left = budget.left();
                    let leased = Leased {
                        leader,
                        lease,
                        left,
                    };
                    return self.call.load(self.cache, Way::Leased(leased)).await;
                }
                Taking::Unfit => {
                    self.cache.count(Event::Unfit);
                    leader.land(Outcome::NoEntry);
                    return self.alone().await;
                }
                Taking::Instead(reading) => self.call.interpret(self.cache, reading),
            };
            match found {
                Found::Answer(result) => {
                    // Those aboard read for themselves: some may have come after an invalidation.
                    leader.land(Outcome::Again);
                    self.cache.count(Event::Waited);
                    return Entered::answer(result);
                }
                Found::Newer(reading) => {
                    return self
                        .call
                        .load(self.cache, Way::Beside(leader, reading))
                        .await;
                }
                Found::Unusable(reading) => unusable = Some(reading),
                Found::Nothing | Found::Leased => {
                    if !self.sleep(pause).await {
                        self.cache.count(Event::WaitTimeout);
                        leader.land(Outcome::NoEntry);
                        return self.alone().await;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// How long this call may still wait for others.
    fn patience(&mut self) -> Duration {
        let wait = self.cache.0.wait;
        let until = *self
            .until
            .get_or_insert_with(|| Instant::now() + wait.min(LONGEST_WAIT));
        until.saturating_duration_since(Instant::now())
    }

    /// Pauses, and says whether there was time to.
    async fn sleep(&mut self, pause: Duration) -> bool {
        let patience = self.patience();
        if patience.is_zero() || Handle::try_current().is_err() {
            return false;
        }
        tokio::time::sleep(pause.min(patience)).await;
        true
    }
}

/// Waits for `future` at most `time`; without a runtime there is no timer to end it.
async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    if Handle::try_current().is_err() {
        return Some(future.await);
    }
    tokio::time::timeout(time, future).await.ok()
}
