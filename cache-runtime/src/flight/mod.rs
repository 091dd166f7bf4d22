//! One load per key in this process: the first caller leads, the rest wait for its outcome.
//!
//! A flight lies below the read of the store: every call reads for itself first, or one that
//! starts after an invalidation elsewhere would join a load that began before it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::key::is_tag;
use crate::store::Keyed;

const SHARDS: usize = 16;

/// A value or an error that several callers get a copy of.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// How a flight ended for those who joined it.
#[derive(Clone)]
pub(crate) enum Outcome {
    Value(Shared),
    /// The leader, which waited for another process, has read a value; for those who had boarded
    /// by then, as many as were aboard. It may have been loaded before they came.
    Seen(Shared, Aboard),
    /// The load failed, with this error if errors can be copied.
    Failed(Option<Shared>),
    /// The body of a batch had no value for it.
    Absent,
    /// The load was not confirmed: read again.
    Again,
    /// The load ended without an entry and without a copy to hand out: load for yourself.
    NoEntry,
}

/// How many callers had boarded a flight at some moment.
pub(crate) type Aboard = u64;

type Landing = watch::Receiver<Option<Outcome>>;

/// What those aboard know about the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Footing {
    /// They read it: the store can be asked to confirm what they are given.
    Read,
    /// They could not ask, so nobody can confirm anything.
    Blind,
}

struct Open {
    value: TypeId,
    tags: Box<[Arc<str>]>,
    footing: Footing,
    aboard: Aboard,
    landing: Landing,
}

/// The flights of one cache, by key and value type.
pub(crate) struct Flights {
    hasher: RandomState,
    shards: [Mutex<HashMap<Arc<str>, Vec<Open>>>; SHARDS],
}

/// What a caller who needs a value is to do.
pub(crate) enum Role {
    Leader(Leader),
    Joiner(Joiner),
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: Default::default(),
        }
    }

    fn shard(&self, key: &str) -> &Mutex<HashMap<Arc<str>, Vec<Open>>> {
        #[cfg(test)]
        crate::model::touch();
        let hash = self.hasher.hash_one(key);
        &self.shards[usize::from(hash.to_le_bytes()[0]) % SHARDS]
    }

    /// Joins the open flight for a key, or opens one.
    pub(crate) fn board(
        self: &Arc<Self>,
        keyed: Keyed<'_>,
        value: TypeId,
        footing: Footing,
    ) -> Role {
        let Keyed { key, tags } = keyed;
        let mut shard = self.shard(key).lock();
        let open = shard.entry(key.clone()).or_default();
        if let Some(flight) = open
            .iter_mut()
            .find(|flight| flight.value == value && flight.footing == footing)
        {
            flight.aboard += 1;
            return Role::Joiner(Joiner {
                landing: flight.landing.clone(),
                seat: flight.aboard,
            });
        }
        let (sender, landing) = watch::channel(None);
        open.push(Open {
            value,
            tags: tags.into(),
            footing,
            aboard: 0,
            landing,
        });
        Role::Leader(Leader {
            flights: self.clone(),
            key: key.clone(),
            sender,
        })
    }

    /// Closes the flights for `key`, a tag's with all that carry it, to newcomers; those aboard
    /// still land.
    pub(crate) fn close(&self, key: &str) {
        if !is_tag(key) {
            self.shard(key).lock().remove(key);
            return;
        }
        #[cfg(test)]
        crate::model::touch();
        // All that are open: loads under way in this process, which are few.
        for shard in &self.shards {
            shard.lock().retain(|_, open| {
                open.retain(|flight| flight.tags.iter().all(|tag| **tag != *key));
                !open.is_empty()
            });
        }
    }

    /// Closes every flight to newcomers.
    pub(crate) fn close_all(&self) {
        self.shards.iter().for_each(|shard| shard.lock().clear());
    }
}

/// The caller who loads. Dropped before it lands, it sends the others round again at once.
pub(crate) struct Leader {
    flights: Arc<Flights>,
    key: Arc<str>,
    sender: watch::Sender<Option<Outcome>>,
}

impl Leader {
    /// Closes this flight to newcomers.
    pub(crate) fn close(&self) {
        let mut shard = self.flights.shard(&self.key).lock();
        let Some(open) = shard.get_mut(&self.key) else {
            return;
        };
        open.retain(|flight| !self.owns(flight));
        if open.is_empty() {
            shard.remove(&self.key);
        }
    }

    fn owns(&self, flight: &Open) -> bool {
        self.sender.subscribe().same_channel(&flight.landing)
    }

    /// How many have boarded so far: what is read from now on is news to all of them.
    pub(crate) fn aboard(&self) -> Aboard {
        let shard = self.flights.shard(&self.key).lock();
        let open = shard.get(&self.key).into_iter().flatten();
        // Nobody boards a flight that is closed.
        open.filter(|flight| self.owns(flight))
            .map(|flight| flight.aboard)
            .next()
            .unwrap_or(Aboard::MAX)
    }

    /// Whether anybody waits; final once the flight is closed.
    pub(crate) fn has_joiners(&self) -> bool {
        #[cfg(test)]
        crate::model::touch();
        self.sender.receiver_count() > 0
    }

    /// Ends the flight for all who joined it.
    pub(crate) fn land(self, outcome: Outcome) {
        self.close();
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.close();
    }
}

/// A caller who waits for the leader.
pub(crate) struct Joiner {
    landing: Landing,
    seat: Aboard,
}

impl Joiner {
    /// Waits until the flight lands; a leader that vanished means [`Outcome::Again`], and so does
    /// what was read before this caller boarded.
    pub(crate) async fn landed(mut self) -> Outcome {
        let landed = self.landing.wait_for(Option::is_some).await;
        match landed.ok().as_deref() {
            Some(Some(Outcome::Seen(_, aboard))) if *aboard < self.seat => Outcome::Again,
            Some(Some(outcome)) => outcome.clone(),
            _ => Outcome::Again,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(flights: &Arc<Flights>, key: &str, tags: &[&str]) -> Role {
        let (key, tags) = (Arc::from(key), tags.iter().map(|tag| Arc::from(*tag)));
        let tags: Vec<_> = tags.collect();
        let keyed = Keyed {
            key: &key,
            tags: &tags,
        };
        flights.board(keyed, TypeId::of::<u64>(), Footing::Read)
    }

    #[test]
    fn a_tag_closes_the_flights_that_carry_it_and_no_other() {
        let flights = Arc::new(Flights::new());
        let carrying = ["a", "b"].map(|key| board(&flights, key, &["[tag]x", "[tag]y"]));
        let other = board(&flights, "c", &["[tag]y"]);
        flights.close("[tag]x");
        for key in ["a", "b"] {
            assert!(
                matches!(board(&flights, key, &[]), Role::Leader(_)),
                "{key}"
            );
        }
        assert!(matches!(board(&flights, "c", &[]), Role::Joiner(_)));
        drop((carrying, other));
    }

    #[tokio::test]
    async fn what_a_leader_reads_is_for_those_who_came_before() {
        let flights = Arc::new(Flights::new());
        let Role::Leader(leader) = board(&flights, "a", &[]) else {
            panic!("nobody else is there");
        };
        let joiner = || match board(&flights, "a", &[]) {
            Role::Joiner(joiner) => joiner,
            Role::Leader(_) => panic!("there is a leader"),
        };
        let (first, second) = (joiner(), joiner());
        let aboard = leader.aboard();
        let late = joiner();
        leader.land(Outcome::Seen(Arc::new(7_u64), aboard));
        assert!(matches!(first.landed().await, Outcome::Seen(..)));
        assert!(matches!(second.landed().await, Outcome::Seen(..)));
        assert!(matches!(late.landed().await, Outcome::Again));
    }

    #[tokio::test]
    async fn nobody_boards_a_closed_flight_so_all_aboard_came_before() {
        let flights = Arc::new(Flights::new());
        let Role::Leader(leader) = board(&flights, "a", &[]) else {
            panic!("nobody else is there");
        };
        let Role::Joiner(joiner) = board(&flights, "a", &[]) else {
            panic!("there is a leader");
        };
        flights.close("a");
        let _other = board(&flights, "a", &[]);
        let aboard = leader.aboard();
        leader.land(Outcome::Seen(Arc::new(7_u64), aboard));
        assert!(matches!(joiner.landed().await, Outcome::Seen(..)));
    }
}
