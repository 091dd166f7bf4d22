//! Invalidations: where they are sent, and who has to have them.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, Value, cmd};
use tokio::sync::watch;

use super::{Redis, millis};
use crate::client::{Link, WireKey, probing};
use crate::entry::Token;
use crate::error::Fault;
use crate::store::{Occasion, What};

/// A key of the cache's own, which holds nothing that matters.
const PROBE: &str = "cache-runtime:probe";

/// What only a primary that takes writes answers; it changes nothing.
pub(super) fn probe(namespace: &str) -> Cmd {
    let mut probe = cmd("DEL");
    probe.arg(WireKey::new(namespace, PROBE));
    probe
}

impl Redis {
    /// How often another server may have come to stand behind one of the connections.
    pub(crate) fn changes(&self) -> u64 {
        self.callers.breaker().changes() + self.engine.breaker().changes()
    }

    /// Tells of each such change.
    pub(crate) fn watch(&self) -> [watch::Receiver<u64>; 2] {
        [&self.callers, &self.engine].map(|link| link.breaker().watch())
    }

    /// Asks for a sign of life on the engine's connection, which then notices if it was lost.
    pub(crate) async fn listen(&self) {
        let probe = probe(&self.namespace);
        let answer = self.engine.command(&probe, self.budget);
        // What there is to know of it, the connection knows by now.
        let _ = probing(answer).await;
    }

    pub(in crate::store) async fn forget(
        &self,
        what: What<'_>,
        settle: Duration,
        replicas: u32,
        occasion: Occasion,
    ) -> Result<bool, Fault> {
        let own = if replicas == 0 {
            self.link()
        } else {
            &self.confirming
        };
        // While one server takes over from another, connections may lead to either.
        let callers = Some(&self.callers)
            .filter(|callers| occasion == Occasion::Again && callers.is_up())
            .filter(|callers| !Arc::ptr_eq(callers, own));
        for link in std::iter::once(own).chain(callers) {
            let before = link.breaker().changes();
            self.over(link).forget_here(what, settle).await?;
            if replicas > 0 && !self.confirm_on(link, replicas, before).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same over one connection, whoever asks.
    fn over(&self, link: &Arc<Link>) -> Self {
        Self {
            callers: link.clone(),
            engine: link.clone(),
            ..self.clone()
        }
    }

    async fn forget_here(&self, what: What<'_>, settle: Duration) -> Result<(), Fault> {
        match what {
            What::Pattern(pattern) => self.sweep(pattern).await.map(drop),
            What::Keys(keys) if settle.is_zero() => self.invalidate(keys).await.map(drop),
            What::Keys(keys) => self.fence(keys, Token::random(), settle).await,
        }
    }

    /// Waits for the replicas, at most for the time of a call, to have what was written on this
    /// connection; there is no telling if it was another one `before`.
    async fn confirm_on(
        &self,
        link: &Arc<Link>,
        replicas: u32,
        before: u64,
    ) -> Result<bool, Fault> {
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(millis(self.budget));
        // Its answer may come as late as that, and is none of silence.
        let time = self.budget * 2;
        let suffices = |answer| matches!(answer, Value::Int(count) if count >= i64::from(replicas));
        let confirmed = match link.layout(self.budget).await? {
            None => suffices(link.command(&wait, time).await?),
            // Each primary has replicas of its own.
            Some(layout) => {
                let mut all = true;
                for primary in &layout.0 {
                    all &= suffices(link.command_at(primary, wait.clone(), time).await?);
                }
                all
            }
        };
        Ok(confirmed && link.breaker().changes() == before)
    }

    /// Says whether the replicas have what was written so far on any connection: they get all
    /// writes in one order, and so have it with a later one.
    pub(in crate::store) async fn confirm_all(&self, replicas: u32) -> Result<bool, Fault> {
        let link = &self.confirming;
        let before = link.breaker().changes();
        let mut write = cmd("SET");
        write.arg(WireKey::new(&self.namespace, PROBE)).arg("");
        write.arg("PX").arg(millis(self.budget));
        link.command(&write, self.budget).await?;
        self.confirm_on(link, replicas, before).await
    }
}
