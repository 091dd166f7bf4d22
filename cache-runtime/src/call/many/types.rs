//! What a batch is asked for and what it gives back, told by their types.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use crate::key::{KeyArg, KeyPart, KeyWriter};

/// A list of ids, as a function under `#[cache_many]` takes it.
///
/// Implemented for slices, `Vec`, `HashSet` and `BTreeSet` of ids that can be cloned.
///
/// ```
/// fn is_list<L: cache_runtime::IdList + ?Sized>() {}
/// is_list::<[u64]>();
/// is_list::<std::collections::BTreeSet<String>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of ids",
    label = "expected `&[Id]`, `Vec<Id>`, `HashSet<Id>` or `BTreeSet<Id>`"
)]
pub trait IdList {
    /// One id.
    type Id;
    /// What the body gets.
    type Held;
    /// The ids.
    fn ids(&self) -> Vec<Self::Id>;
    /// The same id.
    fn copy(id: &Self::Id) -> Self::Id;
    /// A list of them.
    fn held(ids: Vec<Self::Id>) -> Self::Held;
}

macro_rules! lists {
    ($([$($generics:tt)*] $list:ty => $held:ty;)*) => {$(
        impl<$($generics)*> IdList for $list {
            type Id = T;
            type Held = $held;
            fn ids(&self) -> Vec<T> {
                self.iter().cloned().collect()
            }
            fn copy(id: &T) -> T {
                id.clone()
            }
            fn held(ids: Vec<T>) -> $held {
                ids.into_iter().collect()
            }
        }
    )*};
}

lists! {
    [T: Clone] [T] => Vec<T>;
    [T: Clone] Vec<T> => Self;
    [T: Clone + Eq + Hash, S: BuildHasher + Default] HashSet<T, S> => Self;
    [T: Clone + Ord] BTreeSet<T> => Self;
}

/// One id of a list.
///
/// ```
/// let id: cache_runtime::IdOf<[u64]> = 7;
/// ```
pub type IdOf<L> = <L as IdList>::Id;

/// What a function under `#[cache_many]` returns: a map with a value for each id, or a `Result` of
/// one.
///
/// Implemented for `HashMap` and `BTreeMap`.
///
/// ```
/// use std::collections::HashMap;
///
/// fn is_answer<R: cache_runtime::ManyReturn>() {}
/// is_answer::<HashMap<u64, String>>();
/// is_answer::<Result<HashMap<u64, String>, std::io::Error>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`#[cache_many]` needs a function that returns a map, or a `Result` of one",
    label = "expected `HashMap<Id, V>` or `BTreeMap<Id, V>`"
)]
pub trait ManyReturn {
    /// The map.
    type Map;
    /// One id.
    type Id;
    /// The value of one id.
    type Value;
    /// No values.
    fn empty() -> Self::Map;
    /// One more value.
    fn insert(map: &mut Self::Map, id: Self::Id, value: Self::Value);
    /// The value of one id.
    fn get<'map>(map: &'map Self::Map, id: &Self::Id) -> Option<&'map Self::Value>;
}

macro_rules! maps {
    ($([$($generics:tt)*] $map:ty;)*) => {$(
        impl<$($generics)*> ManyReturn for $map {
            type Map = Self;
            type Id = K;
            type Value = V;
            fn empty() -> Self {
                Self::default()
            }
            fn insert(map: &mut Self, id: K, value: V) {
                map.insert(id, value);
            }
            fn get<'map>(map: &'map Self, id: &K) -> Option<&'map V> {
                map.get(id)
            }
        }
    )*};
}

maps! {
    [K: Eq + Hash, V, S: BuildHasher + Default] HashMap<K, V, S>;
    [K: Ord, V] BTreeMap<K, V>;
}

impl<R: ManyReturn, E> ManyReturn for Result<R, E> {
    type Map = R::Map;
    type Id = R::Id;
    type Value = R::Value;
    fn empty() -> R::Map {
        R::empty()
    }
    fn insert(map: &mut R::Map, id: R::Id, value: R::Value) {
        R::insert(map, id, value);
    }
    fn get<'map>(map: &'map R::Map, id: &R::Id) -> Option<&'map R::Value> {
        R::get(map, id)
    }
}

/// What may be given for one id of a list, to the companion of a function under `#[cache_many]`.
///
/// ```
/// use std::collections::HashSet;
///
/// fn is_id<X: cache_runtime::IdArg<HashSet<String>>>(_id: X) {}
/// is_id("ada");
/// ```
pub trait IdArg<L: ?Sized> {
    /// Writes it.
    fn render_as(&self, out: &mut KeyWriter<'_>);
}

impl<L: IdList + ?Sized, X: KeyArg<L::Id>> IdArg<L> for X {
    fn render_as(&self, out: &mut KeyWriter<'_>) {
        KeyArg::<L::Id>::render_as(self, out);
    }
}

/// What is given for one id of a list.
pub struct GivenId<'x, L: ?Sized, X>(&'x X, PhantomData<fn(&L)>);

/// An argument of a companion.
pub fn id_arg<L: ?Sized, X: IdArg<L>>(value: &X) -> GivenId<'_, L, X> {
    GivenId(value, PhantomData)
}

impl<L: ?Sized, X: IdArg<L>> GivenId<'_, L, X> {
    /// As a part.
    pub fn part(&self) -> &dyn KeyPart {
        self
    }
}

impl<L: ?Sized, X: IdArg<L>> KeyPart for GivenId<'_, L, X> {
    fn render(&self, out: &mut KeyWriter<'_>) {
        self.0.render_as(out);
    }
}

/// A type that is another's.
#[diagnostic::on_unimplemented(
    message = "the map that is returned has ids of another type",
    label = "expected a map with `{Self}` for its keys, found one with `{T}`"
)]
pub trait SameId<T> {
    /// The id, as the map has it.
    fn same(self) -> T;
    /// The id, as the map has it.
    fn as_same(&self) -> &T;
}

impl<T> SameId<T> for T {
    fn same(self) -> T {
        self
    }
    fn as_same(&self) -> &T {
        self
    }
}

/// The ids of a call.
pub struct Ids<I, D> {
    pub(super) all: Vec<I>,
    pub(super) held: fn(Vec<I>) -> D,
    pub(super) copy: fn(&I) -> I,
}

/// Takes the ids that a call is asked for.
pub fn batch<L, I, D>(ids: &L) -> Ids<I, D>
where
    L: IdList<Id = I, Held = D> + ?Sized,
{
    Ids {
        all: ids.ids(),
        held: L::held,
        copy: L::copy,
    }
}
