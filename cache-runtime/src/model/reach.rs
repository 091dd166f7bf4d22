//! How a run reaches into its store as no call can.

use std::sync::Arc;
use std::time::Duration;

use crate::store::{Keyed, Read, Store};

/// What differs from store to store.
pub(super) trait Reach: Send + Sync {
    /// A number for what a key holds: another one after whatever happens to it.
    fn content(&self, store: &Store, key: &Arc<str>) -> u64;
    /// A number for what was read, which is the same in every run that has come there.
    fn sum(&self, store: &Store, read: &Read) -> u64;
    /// What was read, for people.
    fn text(&self, store: &Store, read: &Read) -> String;
    fn claim(&self, store: &Store, key: &Arc<str>) -> Claim;
    /// The value that can be read somehow, as an entry or beside a lease, under current tags.
    fn stored(&self, store: &Store, at: Keyed<'_>) -> Option<u64>;
    fn holds_entry(&self, store: &Store, key: &Arc<str>) -> bool;
    /// The time of a lease or fence is over.
    fn end_claim(&self, store: &Store, key: &Arc<str>);
    /// The time of an entry is over, or it is evicted.
    fn end_entry(&self, store: &Store, key: &Arc<str>);
    /// Time passes, and lets fresh entries become stale.
    fn pass_time(&self, time: Duration);
    /// How much time has passed that the store knows nothing of.
    fn passed(&self) -> Duration;
    /// A command has changed these keys.
    fn note(&self, store: &Store, keys: &[Arc<str>]);
    /// Empties the keys for the next run.
    fn clear(&self, store: &Store, keys: &[Arc<str>]);
}

/// Who has a say in what becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    Nobody,
    Lease,
    /// A load has failed, and nobody loads for a while.
    Cooling,
    Fence,
}
