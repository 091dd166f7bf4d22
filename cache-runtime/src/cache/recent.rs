//! The invalidations of the last seconds, to be sent again to a server that may lack them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::journal::{Target, Terms};

/// What this process has invalidated lately, each target once.
pub(super) struct Recent {
    targets: HashMap<Target, Sent>,
    window: Duration,
    capacity: usize,
    swept: Instant,
    latest: Option<Instant>,
    /// When it last had to forget what is within the window.
    forgot: Option<Instant>,
}

struct Sent {
    at: Instant,
    terms: Terms,
}

/// What there is to send again.
pub(super) struct Replay {
    pub(super) targets: Vec<(Target, Terms)>,
    /// Until when nothing can be trusted, because more was invalidated than could be remembered.
    pub(super) distrusts_all_until: Option<Instant>,
}

impl Recent {
    pub(super) fn new(window: Duration, capacity: usize) -> Self {
        Self {
            targets: HashMap::new(),
            window,
            capacity,
            swept: Instant::now(),
            latest: None,
            forgot: None,
        }
    }

    /// Remembers a target that is being sent, or was just now.
    pub(super) fn remember(&mut self, target: &Target, terms: Terms, now: Instant) {
        self.latest = Some(now);
        if now.duration_since(self.swept) > self.window / 2 {
            self.sweep(now);
        }
        if let Some(sent) = self.targets.get_mut(target) {
            sent.at = now;
            sent.terms = sent.terms.and(terms);
            return;
        }
        if self.targets.len() >= self.capacity {
            self.sweep(now);
        }
        if self.targets.len() >= self.capacity {
            // All at once: looking for the oldest each time would cost more than the cache saves.
            self.targets.clear();
            self.forgot = Some(now);
        }
        self.targets.insert(target.clone(), Sent { at: now, terms });
    }

    fn sweep(&mut self, now: Instant) {
        let window = self.window;
        self.targets
            .retain(|_, sent| now.duration_since(sent.at) <= window);
        self.swept = now;
    }

    /// All of the window.
    pub(super) fn replay(&mut self, now: Instant) -> Replay {
        self.sweep(now);
        let targets = self.targets.iter();
        let targets = targets.map(|(target, sent)| (target.clone(), sent.terms));
        let forgot = self.forgot.map(|at| at + self.window);
        Replay {
            targets: targets.collect(),
            distrusts_all_until: forgot
                .filter(|until| *until > now)
                .map(|_| now + self.window),
        }
    }

    pub(super) fn remembers(&self, now: Instant) -> bool {
        self.latest
            .is_some_and(|latest| now.duration_since(latest) <= self.window)
    }

    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    fn key(number: usize) -> Target {
        Target::Key(number.to_string().into())
    }

    fn numbers(recent: &mut Recent, now: Instant) -> usize {
        recent.replay(now).targets.len()
    }

    #[test]
    fn remembers_each_target_once_and_for_its_window() {
        let (mut recent, now) = (Recent::new(WINDOW, 10), Instant::now());
        for _ in 0..3 {
            recent.remember(&key(1), Terms::default(), now);
        }
        recent.remember(&key(2), Terms::default(), now + 5 * SECOND);
        assert_eq!(numbers(&mut recent, now + WINDOW), 2);
        assert_eq!(numbers(&mut recent, now + WINDOW + SECOND), 1);
        assert_eq!(numbers(&mut recent, now + 2 * WINDOW), 0);
    }

    #[test]
    fn what_is_sent_again_is_as_new() {
        let (mut recent, now) = (Recent::new(WINDOW, 10), Instant::now());
        recent.remember(&key(1), Terms::default(), now);
        recent.remember(&key(1), Terms::default(), now + 9 * SECOND);
        assert_eq!(numbers(&mut recent, now + 15 * SECOND), 1);
    }

    #[test]
    fn beyond_its_bound_it_says_that_nothing_can_be_trusted() {
        let (mut recent, now) = (Recent::new(WINDOW, 3), Instant::now());
        for number in 0..4 {
            recent.remember(&key(number), Terms::default(), now);
        }
        assert!(recent.len() <= 3);
        let replay = recent.replay(now + SECOND);
        assert_eq!(replay.distrusts_all_until, Some(now + SECOND + WINDOW));
        let later = recent.replay(now + WINDOW + SECOND);
        assert_eq!(later.distrusts_all_until, None);
    }

    #[test]
    fn what_is_old_makes_room() {
        let (mut recent, now) = (Recent::new(WINDOW, 3), Instant::now());
        for number in 0..30 {
            let at = now + 4 * SECOND * u32::try_from(number).unwrap();
            recent.remember(&key(number), Terms::default(), at);
        }
        let end = now + 29 * 4 * SECOND;
        assert_eq!(recent.replay(end).distrusts_all_until, None);
    }
}
