//! What changes a fingerprint, what does not, and that every kind of type has one.

#![expect(dead_code, reason = "only the shapes of these types are asked for")]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroI64, NonZeroU8, NonZeroU128};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::{self, DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};

use super::*;

fn both<V: DeserializeOwned + 'static>() -> [Fingerprint; 2] {
    [
        fingerprint::<V>(Readability::Readable),
        fingerprint::<V>(Readability::Compact),
    ]
}

fn hash<V: DeserializeOwned + 'static>() -> u64 {
    fingerprint::<V>(Readability::Readable).hash
}

macro_rules! assert_complete {
    ($($type:ty),* $(,)?) => {$(
        for readability in [Readability::Readable, Readability::Compact] {
            assert!(search::record::<$type>(readability).is_complete(), "{}", stringify!($type));
        }
    )*};
}

macro_rules! assert_incomplete {
    ($($type:ty),* $(,)?) => {$(
        for readability in [Readability::Readable, Readability::Compact] {
            let shape = search::record::<$type>(readability);
            assert!(!shape.is_complete(), "{}", stringify!($type));
            assert!(!shape.fingerprint(readability).packs, "{}", stringify!($type));
        }
    )*};
}

/// Declares types under one serde name each, and asserts that no two have the same fingerprint.
macro_rules! assert_all_differ {
    ($($type:ty),* $(,)?) => {
        let found = [$((stringify!($type), hash::<$type>())),*];
        for (at, (name, this)) in found.iter().enumerate() {
            for (other_name, other) in &found[..at] {
                assert_ne!(this, other, "{name} and {other_name}");
            }
        }
    };
}

#[test]
fn types_of_the_standard_library_are_complete() {
    assert_complete!(
        bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64, char, String, (), usize,
        Option<u8>, Vec<String>, VecDeque<u8>, HashMap<String, u64>, BTreeMap<u8, Vec<u8>>,
        HashSet<u32>, BTreeSet<String>, (u8,), (u8, String, Option<bool>), [u16; 3], [u8; 0],
        Arc<str>, Arc<Vec<u8>>, Rc<u8>, Box<u8>, Box<str>, Cow<'static, str>,
        NonZeroU8, NonZeroI64, NonZeroU128, Duration, SystemTime, IpAddr, SocketAddr, PathBuf,
        Result<u8, String>, Option<Option<()>>, std::ops::Range<u8>, std::ffi::CString,
        std::ops::Bound<u8>, std::sync::Mutex<u8>, std::cmp::Reverse<u8>,
        std::marker::PhantomData<u8>,
    );
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Inner")]
struct Inner {
    a: u8,
    b: Option<Vec<(String, f64)>>,
}

#[derive(Serialize, Deserialize)]
enum Every {
    Unit,
    New(Inner),
    Tuple(u8, String),
    Struct { a: Inner, b: Option<Box<Every>> },
}

#[derive(Deserialize)]
struct Tree {
    name: String,
    children: Vec<Tree>,
    parent: Option<Box<Tree>>,
    by_name: HashMap<String, Tree>,
}

#[derive(Deserialize)]
enum List {
    Cons(Box<List>, Every),
    Nil,
}

#[derive(Deserialize)]
enum Expr {
    Add(Box<Expr>, Box<Expr>),
    Call {
        function: Box<Stmt>,
        arguments: Vec<Expr>,
    },
    Num(i64),
}

#[derive(Deserialize)]
enum Stmt {
    Expr(Box<Expr>),
    Block(Vec<Stmt>, Color),
    Return(Option<Expr>),
}

#[derive(Deserialize)]
enum Color {
    Red,
    Green(NonZeroU8),
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Nest(Vec<Nest>);

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct UnitStruct;

#[derive(Deserialize)]
struct Pair(u8, Inner);

#[test]
fn derived_types_are_complete() {
    assert_complete!(
        Inner, Every, Tree, List, Expr, Stmt, Nest, Page<Inner>, Page<Page<Page<u8>>>, UnitStruct,
        Pair, Vec<Option<Every>>, HashMap<u8, Tree>,
    );
}

#[test]
fn postcard_may_carry_what_its_bytes_bound() {
    let packs = |found: [Fingerprint; 2]| found[1].packs;
    assert!(packs(both::<Inner>()));
    assert!(packs(both::<Vec<Option<UnitStruct>>>()));
    assert!(!packs(both::<Tree>()), "recursion");
    assert!(!packs(both::<Vec<()>>()), "a sequence of nothing");
    assert!(
        !packs(both::<Vec<((), UnitStruct)>>()),
        "a sequence of nothing"
    );
    assert!(
        !both::<Inner>()[0].packs,
        "the readable form says nothing of the compact one"
    );
}

mod other_crate {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename = "Inner")]
    pub(super) struct Renamed {
        a: u8,
        #[serde(rename = "b")]
        differently_called_in_rust: Option<VecDeque<(Box<str>, f64)>>,
        #[serde(skip)]
        _not_stored: u128,
    }

    #[derive(Deserialize)]
    pub(super) enum Every {
        Unit,
        New(Renamed),
        Tuple(u8, Arc<str>),
        Struct {
            a: Renamed,
            #[serde(default)]
            b: Option<Arc<Every>>,
        },
    }
}

#[test]
fn the_same_shape_in_another_crate_is_the_same() {
    assert_eq!(both::<Inner>(), both::<other_crate::Renamed>());
    assert_eq!(both::<Every>(), both::<other_crate::Every>());
    assert_eq!(both::<Vec<Page<Arc<Inner>>>>(), both::<Vec<Page<Inner>>>());
}

macro_rules! variations {
    ($($name:ident $body:tt)*) => {$(
        mod $name {
            use super::*;

            #[derive(Deserialize)]
            pub(super) struct S $body
        }
    )*};
}

variations! {
    base { a: u32, b: Vec<u32>, c: Inner }
    renamed { aa: u32, b: Vec<u32>, c: Inner }
    wider { a: u64, b: Vec<u32>, c: Inner }
    signed { a: i32, b: Vec<u32>, c: Inner }
    other_items { a: u32, b: Vec<String>, c: Inner }
    optional { a: Option<u32>, b: Vec<u32>, c: Inner }
    optional_items { a: u32, b: Vec<Option<u32>>, c: Inner }
    reordered { b: Vec<u32>, a: u32, c: Inner }
    shorter { a: u32, b: Vec<u32> }
    longer { a: u32, b: Vec<u32>, c: Inner, d: () }
    nested { a: u32, b: Vec<u32>, c: Page<Inner> }
    tuple { a: u32, b: (u32, u32), c: Inner }
    array { a: u32, b: [u32; 2], c: Inner }
    longer_array { a: u32, b: [u32; 3], c: Inner }
    map { a: u32, b: BTreeMap<u32, u32>, c: Inner }
    boolean { a: bool, b: Vec<u32>, c: Inner }
    float { a: f32, b: Vec<u32>, c: Inner }
    text { a: String, b: Vec<u32>, c: Inner }
    recursive { a: u32, b: Vec<S>, c: Inner }
    recursive_deeper { a: u32, b: Vec<Option<Box<S>>>, c: Inner }
}

#[test]
fn each_change_of_a_struct_is_another_fingerprint() {
    assert_all_differ!(
        base::S,
        renamed::S,
        wider::S,
        signed::S,
        other_items::S,
        optional::S,
        optional_items::S,
        reordered::S,
        shorter::S,
        longer::S,
        nested::S,
        tuple::S,
        longer_array::S,
        map::S,
        boolean::S,
        float::S,
        text::S,
        recursive::S,
        recursive_deeper::S,
    );
    assert_eq!(
        hash::<tuple::S>(),
        hash::<array::S>(),
        "codecs see no difference here"
    );
}

macro_rules! enum_variations {
    ($($name:ident $body:tt)*) => {$(
        mod $name {
            use super::*;

            #[derive(Deserialize)]
            pub(super) enum E $body
        }
    )*};
}

enum_variations! {
    e_base { A, B(u8), C { x: u8 }, D(Box<E>, Color) }
    e_more { A, B(u8), C { x: u8 }, D(Box<E>, Color), F }
    e_renamed { A, Bb(u8), C { x: u8 }, D(Box<E>, Color) }
    e_reordered { B(u8), A, C { x: u8 }, D(Box<E>, Color) }
    e_payload { A, B(u16), C { x: u8 }, D(Box<E>, Color) }
    e_unit { A, B, C { x: u8 }, D(Box<E>, Color) }
    e_field { A, B(u8), C { y: u8 }, D(Box<E>, Color) }
    e_deep { A, B(u8), C { x: u8 }, D(Box<E>, Option<Color>) }
    e_after { A, B(u8), C { x: u8 }, D(Box<E>, Stmt) }
}

#[test]
fn each_change_of_an_enum_is_another_fingerprint() {
    assert_all_differ!(
        e_base::E,
        e_more::E,
        e_renamed::E,
        e_reordered::E,
        e_payload::E,
        e_unit::E,
        e_field::E,
        e_deep::E,
        e_after::E,
    );
}

#[test]
fn generic_arguments_are_told_apart() {
    assert_all_differ!(
        Page<u8>,
        Page<u16>,
        Page<Page<u8>>,
        Page<Page<u16>>,
        Page<Page<Page<u8>>>,
        Page<Page<Page<u16>>>,
        Vec<Page<u8>>,
    );
}

#[test]
fn the_two_forms_of_a_type_are_told_apart() {
    let [readable, compact] = both::<IpAddr>();
    assert_ne!(readable.hash, compact.hash);
    let [readable, compact] = both::<Inner>();
    assert_eq!(readable.hash, compact.hash);
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    A { x: u8 },
    B,
}

#[derive(Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    A { x: u8 },
    B,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Untagged {
    A { x: u8 },
    B(String),
}

#[derive(Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: HashMap<String, u8>,
}

struct HandWritten;

impl<'de> Deserialize<'de> for HandWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "what nobody would guess" {
            Ok(Self)
        } else {
            Err(de::Error::custom("no"))
        }
    }
}

struct Blind;

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

#[derive(Deserialize)]
struct Endless {
    next: Box<Endless>,
}

#[derive(Deserialize)]
enum Never {}

#[test]
fn what_cannot_be_seen_is_said_to_be_incomplete() {
    assert_incomplete!(
        Internal,
        Untagged,
        Flat,
        HandWritten,
        Vec<HandWritten>,
        Option<HandWritten>,
        Blind,
        serde_json::Value,
        Option<Internal>,
        Vec<Untagged>,
        Endless,
        Never,
        (u8, HandWritten),
        de::IgnoredAny,
    );
}

macro_rules! behind {
    ($($name:ident: $first:ty, $second:ty, $last:ty;)*) => {$(
        mod $name {
            use super::*;

            #[derive(Deserialize)]
            pub(super) struct S { a: $first, b: $second, c: $last }
        }
    )*};
}

behind! {
    behind_hand: HandWritten, u8, Vec<Color>;
    behind_hand_changed: HandWritten, u16, Vec<Color>;
    behind_hand_deep: HandWritten, u8, Vec<Stmt>;
    behind_internal: Internal, u8, Color;
    behind_internal_changed: Internal, u8, String;
    behind_flat: Option<Flat>, Untagged, Color;
    behind_flat_changed: Option<Flat>, Untagged, Stmt;
    behind_value: serde_json::Value, u32, Color;
    behind_value_changed: serde_json::Value, u32, Option<Color>;
}

#[test]
fn what_comes_behind_something_unseen_still_counts() {
    assert_all_differ!(
        behind_hand::S,
        behind_hand_changed::S,
        behind_hand_deep::S,
        behind_internal::S,
        behind_internal_changed::S,
        behind_flat::S,
        behind_flat_changed::S,
        behind_value::S,
        behind_value_changed::S,
    );
}

#[derive(Deserialize)]
#[serde(try_from = "u8")]
struct Percent;

impl TryFrom<u8> for Percent {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if number >= 7 {
            Ok(Self)
        } else {
            Err("too small")
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "(u8, u8)")]
struct Span;

impl TryFrom<(u8, u8)> for Span {
    type Error = &'static str;

    fn try_from((low, high): (u8, u8)) -> Result<Self, Self::Error> {
        if low < high { Ok(Self) } else { Err("empty") }
    }
}

#[derive(Deserialize)]
struct Aliased {
    #[serde(alias = "one", alias = "eins")]
    a: u8,
    #[serde(default)]
    b: String,
    #[serde(with = "as_text")]
    c: u8,
    #[serde(skip_deserializing)]
    d: HandWrittenDefault,
}

#[derive(Default)]
struct HandWrittenDefault;

mod as_text {
    use super::*;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A visitor that takes fields by name only.
struct ByName;

impl<'de> Deserialize<'de> for ByName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ByName;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("fields")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<ByName, A::Error> {
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "x" => {
                            let _number: u8 = map.next_value()?;
                        }
                        _ => {
                            let _color: Color = map.next_value()?;
                        }
                    }
                }
                Ok(ByName)
            }
        }

        deserializer.deserialize_struct("ByName", &["x", "y"], Visitor)
    }
}

#[test]
fn picky_types_find_a_value_they_take() {
    assert_complete!(
        Percent,
        Span,
        Vec<Span>,
        Aliased,
        ByName,
        (ByName, Percent, Span)
    );
}

#[derive(Deserialize)]
struct Wide {
    a: [Every; 8],
    b: Vec<Every>,
    c: Option<Every>,
    d: (Stmt, Stmt, Stmt),
    e: Span,
}

#[test]
fn many_enums_are_explored_together() {
    assert_complete!(Wide);
}

mod deep {
    use super::*;

    #[derive(Deserialize)]
    pub(super) struct Level<T> {
        pub(super) next: T,
    }

    pub(super) type By5<T> = Level<Level<Level<Level<Level<T>>>>>;
    pub(super) type By25<T> = By5<By5<By5<By5<By5<T>>>>>;
}

#[test]
fn depth_is_bounded() {
    assert_complete!(deep::By25<deep::By25<u8>>);
    assert_incomplete!(deep::By25<deep::By25<deep::By25<u8>>>);
}

/// Entries in Redis are compared by these: another number makes all of them misses.
#[test]
fn fingerprints_stay_as_they_are() {
    assert_eq!(hash::<Inner>(), 6_944_281_734_302_528_776);
    assert_eq!(hash::<Every>(), 17_652_612_998_217_459_652);
    assert_eq!(hash::<Stmt>(), 13_905_405_771_829_229_536);
}
