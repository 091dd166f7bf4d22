//! A store that all processes of a run share, and that does nothing before it is let.

use std::future::Future;
use std::pin::pin;
use std::slice::from_ref as one;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Runtime};

use super::access::Thing;
use super::actors;
use super::gate::{Act, Pass, gate};
use super::hash::mix;
use super::late::Late;
use super::reach::{Claim, Reach};
use super::stage::{Stage, on};
use crate::client::Budget;
use crate::entry::{Generation, Token};
use crate::error::Fault;
use crate::store::{Entry, Keyed, Leasing, Leave, Read, Reading, Store, Take};

pub(crate) struct Sim {
    store: Store,
    reach: Box<dyn Reach>,
    /// For the store if it needs one, and for timers, which never fire: the explorer says when
    /// a time is up.
    runtime: Runtime,
}

/// Long enough for any server.
const BUDGET: Duration = Duration::from_secs(10);

impl Sim {
    pub(super) fn new(store: Store, reach: impl Reach + 'static) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        Self {
            store,
            reach: Box::new(reach),
            runtime: runtime.unwrap(),
        }
    }

    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    pub(crate) fn holds_bytes(&self) -> bool {
        self.store.holds_bytes()
    }

    pub(crate) fn now(&self) -> u64 {
        let passed = self.reach.passed().as_millis();
        self.store.now() + u64::try_from(passed).unwrap_or(u64::MAX)
    }

    /// Does it here and now, whatever has to be waited for.
    fn done<T>(&self, verb: impl Future<Output = Result<T, Fault>>) -> T {
        let mut verb = pin!(verb);
        let mut context = Context::from_waker(Waker::noop());
        let done = match verb.as_mut().poll(&mut context) {
            Poll::Ready(done) => done,
            Poll::Pending => self.runtime.block_on(verb),
        };
        done.unwrap_or_else(|fault| panic!("the store of the model fails: {fault:?}"))
    }

    pub(crate) async fn read(&self, at: Keyed<'_>) -> Result<Read, Fault> {
        gate(Act::Read, one(at.key)).await;
        let read = self.done(self.store.read(at, &mut Budget::new(BUDGET)));
        reads(at);
        self.look(at.key);
        learn(self.sum(&read), || self.text(&read));
        Ok(read)
    }

    pub(crate) async fn read_many(&self, all: &[Keyed<'_>]) -> Result<Vec<Read>, Fault> {
        let keys: Vec<_> = all.iter().map(|at| at.key.clone()).collect();
        gate(Act::Read, &keys).await;
        let read = self.done(self.store.read_many(all, &mut Budget::new(BUDGET)));
        for at in all {
            reads(*at);
            self.look(at.key);
        }
        let sum = read.iter().map(|read| self.sum(read)).fold(0, mix);
        learn(sum, || {
            let texts: Vec<_> = read.iter().map(|read| self.text(read)).collect();
            texts.join(" and ")
        });
        Ok(read)
    }

    pub(crate) async fn lease(
        &self,
        at: Keyed<'_>,
        token: Token,
        take: Take<'_>,
        tag_life: Duration,
    ) -> Result<Leasing, Fault> {
        if gate(Act::Lease, one(at.key)).await == Pass::Otherwise {
            on(|stage| stage.late = Some(Late::new(at, token, take, tag_life)));
            learn(0, || "no answer, it is on its way still".to_owned());
            return Err(Fault::Timeout);
        }
        let leasing = self.take(at, token, take, tag_life);
        if let Take::Steal { .. } | Take::Refresh { .. } = take {
            on(Stage::excuse);
        }
        match &leasing {
            Leasing::Taken {
                kept,
                generations,
                is_written,
            } => {
                let cell = actors::cell(at.key);
                on(|stage| stage.is_to_load(cell));
                let read = Read {
                    reading: kept.clone().unwrap_or(Reading::Nothing),
                    generations: generations.iter().copied().map(Some).collect(),
                };
                writes(at);
                learn(mix(1 + 8 * u64::from(*is_written), self.sum(&read)), || {
                    format!("it is taken over {}", self.text(&read))
                });
            }
            Leasing::Instead(read) => {
                // Even so it may have made generations.
                at.tags.iter().for_each(write);
                reads(at);
                self.look(at.key);
                learn(mix(2, self.sum(read)), || self.text(read));
            }
            Leasing::Unfit => {
                reads(at);
                learn(3, || "it may not be taken".to_owned());
            }
        }
        Ok(leasing)
    }

    fn take(&self, at: Keyed<'_>, token: Token, take: Take<'_>, tag_life: Duration) -> Leasing {
        let mut budget = Budget::new(BUDGET);
        self.done(self.store.lease(at, token, take, tag_life, &mut budget))
    }

    pub(crate) async fn publish(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        entry: Entry,
        time: Duration,
    ) -> Result<bool, Fault> {
        gate(Act::Publish, one(at.key)).await;
        let stood = self.done(self.store.publish(at, token, generations, entry, time));
        writes(at);
        learn(u64::from(stood), || said(stood, "stored", "refused"));
        gate(Act::Answer, one(at.key)).await;
        Ok(stood)
    }

    pub(crate) async fn put_many(
        &self,
        entries: Vec<(Arc<str>, Entry)>,
        time: Duration,
    ) -> Result<(), Fault> {
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.clone()).collect();
        gate(Act::Put, &keys).await;
        self.done(self.store.put_many(entries, time));
        self.change(&keys, 0);
        gate(Act::Answer, &keys).await;
        Ok(())
    }

    pub(crate) async fn release(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        leave: Leave,
    ) -> Result<bool, Fault> {
        gate(Act::Release, one(at.key)).await;
        let stood = self.done(self.store.release(at, token, generations, leave));
        writes(at);
        learn(u64::from(stood), || {
            said(stood, "it stood", "it did not stand")
        });
        gate(Act::Answer, one(at.key)).await;
        Ok(stood)
    }

    pub(crate) async fn invalidate(&self, keys: &[Arc<str>]) -> Result<u64, Fault> {
        gate(Act::Invalidate, keys).await;
        let deleted = self.done(self.store.invalidate(keys));
        self.change(keys, deleted);
        gate(Act::Answer, keys).await;
        Ok(deleted)
    }

    pub(crate) async fn fence(
        &self,
        keys: &[Arc<str>],
        writer: Token,
        time: Duration,
    ) -> Result<(), Fault> {
        gate(Act::Fence, keys).await;
        self.done(self.store.fence(keys, writer, time));
        on(|stage| {
            stage.access.writes(Thing::Loads);
            // Beside a fence each process loads for itself.
            stage.facts.may_load_twice();
        });
        self.change(keys, 0);
        gate(Act::Answer, keys).await;
        Ok(())
    }

    pub(crate) async fn unfence(
        &self,
        keys: &[Arc<str>],
        writer: Token,
        settle: Duration,
    ) -> Result<(), Fault> {
        gate(Act::Unfence, keys).await;
        self.done(self.store.unfence(keys, writer, settle));
        self.change(keys, 0);
        gate(Act::Answer, keys).await;
        Ok(())
    }

    /// What is leased, the running task may wait for.
    fn look(&self, key: &Arc<str>) {
        let is_leased = self.claim(key) == Claim::Lease;
        let leased = is_leased.then(|| self.content(key));
        on(|stage| stage.finds(key, leased));
    }

    fn change(&self, keys: &[Arc<str>], deleted: u64) {
        self.reach.note(&self.store, keys);
        keys.iter().for_each(write);
        on(Stage::excuse);
        learn(deleted, || {
            let is_fenced = |key| self.claim(key) == Claim::Fence;
            let is_fenced = keys.iter().all(is_fenced);
            said(is_fenced, "a fence stands", "nothing is left")
        });
    }
}

/// What the explorer sees and does.
impl Sim {
    pub(super) fn content(&self, key: &Arc<str>) -> u64 {
        self.reach.content(&self.store, key)
    }

    fn sum(&self, read: &Read) -> u64 {
        self.reach.sum(&self.store, read)
    }

    fn text(&self, read: &Read) -> String {
        self.reach.text(&self.store, read)
    }

    pub(super) fn claim(&self, key: &Arc<str>) -> Claim {
        self.reach.claim(&self.store, key)
    }

    pub(super) fn stored(&self, at: Keyed<'_>) -> Option<u64> {
        self.reach.stored(&self.store, at)
    }

    pub(super) fn holds_entry(&self, key: &Arc<str>) -> bool {
        self.reach.holds_entry(&self.store, key)
    }

    pub(super) fn end_claim(&self, key: &Arc<str>) {
        write(key);
        self.reach.end_claim(&self.store, key);
    }

    pub(super) fn end_entry(&self, key: &Arc<str>) {
        write(key);
        self.reach.end_entry(&self.store, key);
    }

    pub(super) fn pass_time(&self, time: Duration) {
        self.reach.pass_time(time);
    }

    pub(super) fn clear(&self, keys: &[Arc<str>]) {
        self.reach.clear(&self.store, keys);
    }

    /// Does what was asked long ago, for nobody.
    pub(super) fn deliver(&self, late: &Late) {
        let at = late.at();
        writes(at);
        let leasing = self.take(at, late.token, late.take(), late.tag_life);
        let is_taken = matches!(leasing, Leasing::Taken { .. });
        let text = || said(is_taken, "the lease is taken", "to no effect");
        on(|stage| stage.add(text));
    }
}

/// Notes what the running task has been answered.
pub(super) fn learn(what: u64, text: impl FnOnce() -> String) {
    on(|stage| {
        stage.observe(what);
        stage.add(text);
    });
}

fn reads(at: Keyed<'_>) {
    on(|stage| {
        let keys = at.tags.iter().chain([at.key]);
        keys.for_each(|key| stage.access.reads(Thing::Key(key)));
    });
}

fn writes(at: Keyed<'_>) {
    at.tags.iter().chain([at.key]).for_each(write);
}

fn write(key: &Arc<str>) {
    on(|stage| stage.access.writes(Thing::Key(key)));
}

fn said(is_so: bool, yes: &str, no: &str) -> String {
    if is_so { yes } else { no }.to_owned()
}
