//! Which made-up values to try next, until every part of a type was seen.
//!
//! A drive runs `V::deserialize` once along a list of decisions. One that fails goes back to the
//! last decision that can have caused it: one inside the place that failed, or around it. One
//! that succeeds settles what it chose; the next takes every choice not seen yet on its way.

use serde::de::{DeserializeOwned, DeserializeSeed};

use super::Readability;
use super::ask::Ask;
use super::recorder::{Mode, Recorder, Refused};
use super::shape::{NodeId, Shape};

/// A type that needs more is recorded in part.
const MAX_DRIVES: usize = 1_000;

/// Far deeper than types are nested by hand, and far from the end of a thread's stack.
const MAX_DEPTH: usize = 64;

/// So many failures of one place say that nothing made up will ever suit it.
const MAX_FAILURES: usize = 150;

/// Records the shape of `V`.
pub(super) fn record<V: DeserializeOwned>(readability: Readability) -> Shape {
    let mut search = Search::new(readability);
    for _ in 0..MAX_DRIVES {
        let driven = search.drive::<V>();
        match driven {
            Ok(()) => search.settle(),
            Err(Refused) if search.back_up() => continue,
            Err(Refused) => search.give_up(),
        }
        if !search.shape.is_pending(Shape::ROOT) {
            return search.shape;
        }
        if !search.made_progress {
            break;
        }
    }
    search.shape.has_gaps = true;
    search.shape
}

/// One choice taken, and those left.
struct Decision {
    node: NodeId,
    order: Vec<usize>,
    at: usize,
}

impl Decision {
    fn choice(&self) -> usize {
        self.order.get(self.at).copied().unwrap_or(0)
    }
}

/// Why a drive failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Refused,
    /// A type is inside itself, and no value of it is known yet.
    Endless,
}

/// The state between and during drives.
pub(super) struct Search {
    pub(super) shape: Shape,
    pub(super) readability: Readability,
    decisions: Vec<Decision>,
    cursor: usize,
    /// Where the running drive failed, innermost.
    failure: Option<(NodeId, Cause)>,
    /// The types being driven, outermost first.
    active: Vec<(NodeId, &'static str)>,
    /// What the last failed drive had chosen.
    trail: Vec<(NodeId, usize)>,
    made_progress: bool,
}

impl Search {
    fn new(readability: Readability) -> Self {
        Self {
            shape: Shape::new(),
            readability,
            decisions: Vec::new(),
            cursor: 0,
            failure: None,
            active: Vec::new(),
            trail: Vec::new(),
            made_progress: false,
        }
    }

    fn drive<V: DeserializeOwned>(&mut self) -> Result<(), Refused> {
        self.cursor = 0;
        self.failure = None;
        self.active.clear();
        let seed = std::marker::PhantomData::<V>;
        self.within(Shape::ROOT, Mode::Explore, |search| {
            seed.deserialize(Recorder::new(search, Shape::ROOT, Mode::Explore))
                .map(drop)
        })
    }

    /// Runs what deserializes `node`, and notes whether it is the one that failed.
    pub(super) fn within<T>(
        &mut self,
        node: NodeId,
        mode: Mode,
        run: impl FnOnce(&mut Self) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let result = run(self);
        match (&result, mode) {
            // Whatever failed inside was forgiven.
            (Ok(_), Mode::Explore) => self.failure = None,
            (Err(_), Mode::Explore) if self.failure.is_none() => {
                self.failure = Some((node, Cause::Refused));
            }
            _ => {}
        }
        result
    }

    /// Takes a choice at `node`, which asks `ask`.
    pub(super) fn choose(
        &mut self,
        node: NodeId,
        mode: Mode,
        ask: Ask,
        choices: usize,
    ) -> Result<usize, Refused> {
        if mode == Mode::Replay {
            let same = self.shape.asked(node) == Some(ask);
            return self.shape.settled(node).filter(|_| same).ok_or(Refused);
        }
        if choices == 0 || !self.shape.ask(node, ask, choices) {
            self.shape.has_gaps = true;
            return Err(Refused);
        }
        let follows = self
            .decisions
            .get(self.cursor)
            .is_some_and(|next| next.node == node);
        if !follows {
            self.decisions.truncate(self.cursor);
            self.decisions.push(Decision {
                node,
                order: self.shape.order(node),
                at: 0,
            });
        }
        self.cursor += 1;
        Ok(self
            .decisions
            .get(self.cursor - 1)
            .map_or(0, Decision::choice))
    }

    /// Enters the type that `visitor` builds, unless it is the one around it or too deep.
    pub(super) fn enter(
        &mut self,
        node: NodeId,
        ask: Ask,
        visitor: &'static str,
    ) -> Result<Entered, Refused> {
        let around = self
            .active
            .iter()
            .rev()
            .find(|(at, name)| *name == visitor && self.shape.asked(*at) == Some(ask));
        if let Some(&(ancestor, _)) = around {
            self.shape.refer_back(node, ancestor);
            if self.shape.settled(ancestor).is_some() {
                return Ok(Entered::Again(ancestor));
            }
            self.failure = Some((node, Cause::Endless));
            return Err(Refused);
        }
        if self.active.len() >= MAX_DEPTH {
            self.shape.has_gaps = true;
            return Err(Refused);
        }
        self.active.push((node, visitor));
        Ok(Entered::New)
    }

    pub(super) fn leave(&mut self) {
        self.active.pop();
    }

    fn settle(&mut self) {
        self.made_progress = false;
        self.decisions.truncate(self.cursor);
        for decision in std::mem::take(&mut self.decisions) {
            self.made_progress |= self.shape.succeed(decision.node, decision.choice());
        }
    }

    /// Takes what could be seen for all there is, and looks for more elsewhere.
    fn give_up(&mut self) {
        self.made_progress = false;
        self.shape.has_gaps = true;
        for (node, choice) in std::mem::take(&mut self.trail) {
            self.made_progress |= self.shape.succeed(node, choice);
        }
    }

    /// Prepares the next drive after a failed one; `false` if there is nothing left to try.
    fn back_up(&mut self) -> bool {
        self.decisions.truncate(self.cursor);
        self.trail = self
            .decisions
            .iter()
            .map(|it| (it.node, it.choice()))
            .collect();
        let (place, cause) = self.failure.unwrap_or((Shape::ROOT, Cause::Refused));
        if cause == Cause::Refused {
            let untouched = !self.shape.has_children(place);
            if untouched && self.shape.name_fields(place) {
                return true;
            }
            let failures = self.shape.count_failure(place);
            let hopeless = self.shape.has_stuck_child(place) || failures > MAX_FAILURES;
            if self.retry_inside(place, hopeless) {
                return true;
            }
            self.shape.mark_stuck(place);
            // With names, the fields behind the one that is stuck can still be seen.
            if self
                .shape
                .parent(place)
                .is_some_and(|parent| self.shape.name_fields(parent))
            {
                return true;
            }
        }
        self.retry_around(place, cause)
    }

    /// Other values inside the place that failed.
    fn retry_inside(&mut self, place: NodeId, hopeless: bool) -> bool {
        while let Some(mut decision) = self.decisions.pop() {
            if !self.shape.encloses(place, decision.node) {
                self.decisions.push(decision);
                return false;
            }
            self.shape.finish(decision.node, decision.choice());
            decision.at += 1;
            if !hopeless && decision.at < decision.order.len() {
                self.decisions.push(decision);
                return true;
            }
        }
        false
    }

    /// Another variant, or none or no elements, around the place that failed.
    fn retry_around(&mut self, place: NodeId, cause: Cause) -> bool {
        while let Some(mut decision) = self.decisions.pop() {
            if !self.shape.encloses(decision.node, place) {
                continue;
            }
            // What a recursion stopped is seen once a value to end it with is known.
            if cause == Cause::Refused {
                self.shape.finish(decision.node, decision.choice());
            }
            decision.at += 1;
            if decision.at < decision.order.len() {
                self.decisions.push(decision);
                return true;
            }
        }
        false
    }
}

/// What a type inside another turned out to be.
pub(super) enum Entered {
    New,
    /// The one at this node, again.
    Again(NodeId),
}
