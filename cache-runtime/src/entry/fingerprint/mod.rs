//! What entries of a type look like, as a number that is the same wherever the shape is the same.
//!
//! `V::deserialize` is driven by a recorder that hands out made-up values and writes down what it
//! is asked for: `recorder` and `access` are that deserializer, `ask` is what it can be asked,
//! `candidates` are the values, `search` decides which to try next, `shape` is the record.

mod access;
mod ask;
mod candidates;
mod recorder;
mod search;
mod shape;

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{LazyLock, PoisonError, RwLock};

use serde::de::DeserializeOwned;

/// Which of its two forms a type shows: an IP address is text in JSON and numbers in postcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readability {
    Readable,
    Compact,
}

/// The shape of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Equal for equal names, fields, order, kinds and nesting.
    pub(crate) hash: u64,
    /// postcard may carry it: the compact form was seen in full (no `untagged`, `flatten` or
    /// hand-written implementation), and its bytes bound the work of decoding them (no recursion,
    /// no sequence of nothing).
    pub(crate) packs: bool,
}

/// The fingerprint of `V`, found at the first call for each type.
pub(crate) fn fingerprint<V: DeserializeOwned + 'static>(readability: Readability) -> Fingerprint {
    static READABLE: Memo = LazyLock::new(RwLock::default);
    static COMPACT: Memo = LazyLock::new(RwLock::default);
    let memo = match readability {
        Readability::Readable => &READABLE,
        Readability::Compact => &COMPACT,
    };
    let id = TypeId::of::<V>();
    let known = memo
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&id)
        .copied();
    known.unwrap_or_else(|| {
        // Not under the lock: a foreign implementation runs here, which may ask for another type.
        let found = search::record::<V>(readability).fingerprint(readability);
        memo.write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, found);
        found
    })
}

type Memo = LazyLock<RwLock<HashMap<TypeId, Fingerprint, BuildHasherDefault<AsIs>>>>;

/// A `TypeId` is a hash already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64(bytes);
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

#[cfg(test)]
mod tests;
