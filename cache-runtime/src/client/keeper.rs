//! The task that opens a link's connection, watches over it, and opens it again.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::future::select;
use tokio::time::{sleep, timeout};

use super::cluster::Cluster;
use super::layout::{Layout, Primary, Run};
use super::link::{Becomes, LONGEST_PAUSE, Link, Open, State};
use super::settings::Topology;
use super::upstream::{Connected, Upstream};
use super::why::Why;
use super::wire::Wire;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// Two clocks drift apart by a few milliseconds an hour at most.
const BETWEEN_TIMES: Duration = Duration::from_secs(300);
/// How long nothing may be answered before the link is asked whether it still stands.
const BETWEEN_BEATS: Duration = Duration::from_secs(5);
/// How often the sentinels are asked. A primary that was replaced answers `OK` for seconds more,
/// and what is written there is lost.
const BETWEEN_SENTINELS: Duration = Duration::from_millis(500);
/// How often a cluster is asked who has which slots.
const BETWEEN_LAYOUTS: Duration = Duration::from_secs(1);
/// How long the nodes may take to say who has which slots.
const LOOK: Duration = Duration::from_millis(500);
/// What a suspicion may cause at most once in so long.
const BETWEEN_SUSPICIONS: Duration = Duration::from_millis(250);
const BETWEEN_DISTRUST: Duration = Duration::from_secs(1);

/// Opens the connection and opens it again, for as long as the link lives.
pub(super) struct Keeper {
    link: Weak<Link>,
    turn: u32,
}

impl Keeper {
    pub(super) fn new(link: &Arc<Link>, turn: u32) -> Self {
        let link = Arc::downgrade(link);
        Self { link, turn }
    }

    pub(super) async fn keep(self) {
        let mut pause = FIRST_PAUSE;
        let mut said = None;
        while let Some((patience, upstream)) = self.in_charge() {
            match self.connect(&upstream, patience).await {
                Ok(connected) => {
                    let open = Arc::new(Open::new(connected));
                    if !self.enter(State::Up(open.clone())) {
                        return;
                    }
                    if said.take().is_some() {
                        tracing::info!("redis is reachable again");
                    }
                    pause = FIRST_PAUSE;
                    drop(upstream);
                    self.watch(open).await;
                }
                Err(why) => {
                    self.enter_down(pause + patience, &why);
                    if said.as_ref() != Some(&why) {
                        tracing::warn!(%why, "redis is unreachable");
                        said = Some(why);
                    }
                    sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// One attempt. Those who wait are let go when their patience ends, not the attempt.
    async fn connect(&self, upstream: &Upstream, patience: Duration) -> Result<Connected, Why> {
        let mut connecting = pin!(upstream.connect());
        if let Ok(connected) = timeout(patience, &mut connecting).await {
            return connected;
        }
        let longest = upstream.settings().connection_timeout;
        self.enter_down(longest, &Why::silent());
        connecting.await
    }

    /// Ends when the connection is lost.
    async fn watch(&self, open: Arc<Open>) {
        let lost = pin!(open.lost.notified());
        let beat = pin!(self.beat(&open));
        let look = pin!(self.look(&open));
        select(lost, select(beat, look)).await;
    }

    fn lose(&self, open: &Arc<Open>, becomes: Becomes) {
        if let Some(link) = self.link.upgrade() {
            link.lose(open, becomes);
        }
    }

    /// Asks the server for its time now and then, and for a sign of life when nothing was
    /// answered for a while: a link that is open at one end only looks like a quiet one.
    async fn beat(&self, open: &Arc<Open>) {
        let Some((_, upstream)) = self.in_charge() else {
            return;
        };
        let longest = upstream.settings().socket_timeout;
        drop(upstream);
        let every = BETWEEN_BEATS.min(longest / 2);
        self.learn_time(open, longest).await;
        let mut learned = Instant::now();
        loop {
            sleep(every).await;
            if learned.elapsed() > BETWEEN_TIMES {
                self.learn_time(open, longest).await;
                learned = Instant::now();
            }
            if open.heard.swap(false, Ordering::Relaxed) {
                continue;
            }
            if !matches!(timeout(longest, open.wire.ping()).await, Ok(Ok(_))) {
                return self.lose(open, Becomes::Down(Why::silent()));
            }
        }
    }

    async fn learn_time(&self, open: &Arc<Open>, longest: Duration) {
        let Some(clock) = self.link.upgrade().map(|link| link.clock.clone()) else {
            return;
        };
        let asked = clock.ask();
        // Silence is for those to judge who wait for something.
        if let Ok(Ok(answer)) = timeout(longest, open.wire.time()).await {
            clock.learn(asked, &answer);
        }
    }

    /// Looks whether another server is behind the link, or should be.
    async fn look(&self, open: &Arc<Open>) {
        let Some((_, upstream)) = self.in_charge() else {
            return;
        };
        let is_sentinel = matches!(upstream.settings().topology, Topology::Sentinel { .. });
        match &open.wire {
            Wire::Cluster(cluster) => {
                drop(upstream);
                self.look_at_slots(open, cluster).await;
            }
            Wire::Node(_) if is_sentinel => self.ask_sentinels(open, &upstream).await,
            Wire::Node(_) => {
                drop(upstream);
                // Another server may have its address by now. One that is meant to be read from
                // only is not connected to over and over.
                sleep(BETWEEN_DISTRUST).await;
                open.suspected.notified().await;
                self.lose(open, Becomes::Opening);
            }
        }
    }

    async fn ask_sentinels(&self, open: &Arc<Open>, upstream: &Upstream) {
        loop {
            wait_or_suspect(open, BETWEEN_SENTINELS).await;
            let primary = upstream.primary_now().await;
            if primary.is_some() && primary != open.primary {
                return self.lose(open, Becomes::Opening);
            }
        }
    }

    async fn look_at_slots(&self, open: &Arc<Open>, cluster: &Cluster) {
        let mut known = Vec::new();
        let (mut unanswered, mut is_mute) = (0, false);
        loop {
            match timeout(LOOK, Layout::by_any(cluster)).await {
                Ok(Ok(layout)) => {
                    unanswered = 0;
                    let seen = layout.with_runs(cluster).await;
                    let differs = !known.is_empty() && is_other(&known, &seen);
                    is_mute |= seen.iter().any(|(_, run)| *run == Run::Silent);
                    known = merged(&known, seen);
                    if differs {
                        self.tell();
                        // The client library does not look for the slots of a node that only
                        // says nothing.
                        if std::mem::take(&mut is_mute) {
                            return self.lose(open, Becomes::Opening);
                        }
                    }
                }
                // When nobody is answered, the client library may wait for itself: a request that
                // is next in the line for its lock is not polled while it learns the slots anew.
                Err(_) if open.is_silent() => return self.lose(open, Becomes::Opening),
                // With no node to learn from, it asks without a pause.
                _ if unanswered > 0 => return self.lose(open, Becomes::Opening),
                _ => unanswered += 1,
            }
            wait_or_suspect(open, BETWEEN_LAYOUTS).await;
        }
    }

    fn tell(&self) {
        if let Some(link) = self.link.upgrade() {
            link.has_changed();
        }
    }

    /// How long callers wait for an attempt, and what to connect to; nothing once the link is gone
    /// or another keeper has it.
    fn in_charge(&self) -> Option<(Duration, Arc<Upstream>)> {
        let link = self.link.upgrade()?;
        let is_ours = link.is_in_charge(self.turn);
        is_ours.then(|| (link.patience, link.upstream.clone()))
    }

    /// Says whether the link is still there to take it.
    fn enter(&self, state: State) -> bool {
        let link = self.link.upgrade();
        link.is_some_and(|link| link.enter(self.turn, state))
    }

    /// Says until when callers need not ask whether this keeper is alive.
    fn enter_down(&self, time: Duration, why: &Why) {
        let until = Instant::now() + time + 2 * LONGEST_PAUSE;
        self.enter(State::Down(until, why.clone()));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.enter(State::Idle);
    }
}

/// Waits for so long, or for a suspicion, but not for one after the other without a pause.
async fn wait_or_suspect(open: &Open, time: Duration) {
    sleep(BETWEEN_SUSPICIONS).await;
    let rest = time.saturating_sub(BETWEEN_SUSPICIONS);
    let _ = timeout(rest, open.suspected.notified()).await;
}

type Seen = (Primary, Run);

/// Whether slots have another primary than before, or a primary was started anew.
fn is_other(before: &[Seen], now: &[Seen]) -> bool {
    let is_other_run = |before: &Run, now: &Run| {
        let are_known = matches!((before, now), (Run::As(_), Run::As(_)));
        are_known && before != now
    };
    let mut both = before.iter().zip(now);
    before.len() != now.len()
        || both.any(|(before, now)| before.0 != now.0 || is_other_run(&before.1, &now.1))
}

/// What is known by now: of a primary that did not answer, what it ran as before.
fn merged(before: &[Seen], now: Vec<Seen>) -> Vec<Seen> {
    let run_before = |primary: &Primary| {
        let known = before.iter().find(|(known, _)| known == primary);
        known.map_or(Run::Unknown, |(_, run)| run.clone())
    };
    let merged = now.into_iter().map(|(primary, run)| match run {
        Run::As(_) => (primary, run),
        Run::Unknown | Run::Silent => {
            let run = run_before(&primary);
            (primary, run)
        }
    });
    merged.collect()
}
