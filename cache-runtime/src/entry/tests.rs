//! A value read back equals the value stored, or was never stored.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serializer};

#[cfg(feature = "postcard")]
use super::fingerprint::Readability;
use super::*;

const JSON: Format = Format::new();

fn stored<V: Serialize + DeserializeOwned + 'static>(
    value: &V,
    format: &Format,
) -> Result<Vec<u8>, EncodeError> {
    encode(
        value,
        Kind::Value,
        format,
        fingerprint::<V>(format.readability()),
        &Stamp::default(),
    )
}

fn entry(bytes: &[u8]) -> Entry<'_> {
    let Ok(Stored::Entry(entry)) = parse(bytes) else {
        panic!("{:?}", parse(bytes))
    };
    entry
}

/// The value that comes back, or `None` if it was refused.
fn round_trip<V: Serialize + DeserializeOwned + 'static>(value: &V, format: &Format) -> Option<V> {
    let bytes = stored(value, format).ok()?;
    Some(entry(&bytes).decode(format.entry_limit()).unwrap())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better at its many callers"
)]
fn comes_back<V>(value: V)
where
    V: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    for format in formats() {
        assert_eq!(
            round_trip(&value, &format).as_ref(),
            Some(&value),
            "{format:?}"
        );
    }
}

fn refused<V: Serialize + DeserializeOwned + 'static>(value: &V) {
    assert!(matches!(stored(value, &JSON), Err(EncodeError::Altered)));
}

fn formats() -> Vec<Format> {
    vec![
        JSON,
        #[cfg(feature = "postcard")]
        JSON.codec::<Postcard>(),
        #[cfg(feature = "compression")]
        JSON.compress::<Compression>(8),
        #[cfg(all(feature = "postcard", feature = "compression"))]
        JSON.codec::<Postcard>().compress::<Compression>(8),
    ]
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    score: f64,
    tags: Vec<String>,
    boss: Option<Box<User>>,
}

fn user() -> User {
    let tags = vec!["a".repeat(100), "b".to_owned()];
    let boss = User {
        id: 1,
        name: "ß".to_owned(),
        score: -0.0,
        tags: vec![],
        boss: None,
    };
    User {
        id: u64::MAX,
        name: String::new(),
        score: 0.1,
        tags,
        boss: Some(Box::new(boss)),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Mark {
    None,
    Points(f32),
    Range { from: i128, to: u128 },
    Pair(char, ()),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    b: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    c: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u8),
    Wide(u16),
    Map(BTreeMap<String, Loose>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: HashMap<String, f64>,
}

#[test]
fn values_of_all_kinds_come_back() {
    comes_back(user());
    comes_back(vec![
        Mark::None,
        Mark::Points(0.1),
        Mark::Range {
            from: i128::MIN,
            to: u128::MAX,
        },
        Mark::Pair('\u{0}', ()),
    ]);
    comes_back((
        1_u8,
        i64::MIN,
        [true, false],
        "\u{0}\"\\\u{7f}\u{2028}".to_owned(),
    ));
    comes_back(HashMap::from([(1_u8, vec![Some(2_u8), None]), (2, vec![])]));
    comes_back((0..100_u32).collect::<HashSet<_>>());
    comes_back(Flat {
        id: 1,
        rest: HashMap::from([("x".to_owned(), 0.1)]),
    });
    comes_back(std::time::Duration::new(1, 999_999_999));
    comes_back("::1".parse::<std::net::IpAddr>().unwrap());
    comes_back(());
    comes_back(None::<u8>);
}

#[test]
fn fields_that_are_skipped_come_back() {
    for a in [None, Some(1)] {
        for b in [None, Some(2)] {
            for c in [vec![], vec![3]] {
                comes_back(vec![Sparse { a, b, c: c.clone() }; 3]);
            }
        }
    }
}

#[test]
fn json_refuses_what_it_would_change() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(&odd);
        refused(&Some(odd));
        refused(&vec![1.0, odd]);
        refused(&HashMap::from([(1_u8, (odd,))]));
    }
    refused(&f32::NAN);
    refused(&Some(None::<u8>));
    refused(&Some(()));
    refused(&vec![Some(Some(None::<u8>))]);
    comes_back(None::<Option<u8>>);
    comes_back(Some(Some(1_u8)));
}

#[test]
fn json_refuses_a_variant_that_reads_as_another() {
    comes_back(Loose::Number(5));
    comes_back(Loose::Wide(300));
    comes_back(Loose::Map(BTreeMap::from([(
        "a".to_owned(),
        Loose::Number(1),
    )])));
    refused(&Loose::Wide(5));
    refused(&vec![Loose::Map(BTreeMap::from([(
        "a".to_owned(),
        Loose::Wide(1),
    )]))]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct WrongDefault {
    #[serde(skip_serializing_if = "is_zero", default = "one")]
    a: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_zero(number: &u8) -> bool {
    *number == 0
}

fn one() -> u8 {
    1
}

#[test]
fn a_default_that_is_not_what_was_skipped_is_refused() {
    comes_back(WrongDefault { a: 2 });
    refused(&WrongDefault { a: 0 });
}

/// Written in another order than it is read.
#[derive(Debug, Deserialize)]
struct Crooked {
    a: u8,
    b: Option<u8>,
}

impl Serialize for Crooked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.b, self.a).serialize(serializer)
    }
}

#[cfg(feature = "postcard")]
#[test]
fn postcard_gives_way_to_json_where_it_would_change_a_value() {
    let format = JSON.codec::<Postcard>();
    let codec = |bytes: Result<Vec<u8>, EncodeError>| bytes.map(|bytes| bytes[5]).ok();
    assert_eq!(
        codec(stored(&(1_u8, f64::NAN, Some(None::<u8>)), &format)),
        Some(2)
    );
    let full = Sparse {
        a: Some(1),
        b: None,
        c: vec![1],
    };
    assert_eq!(codec(stored(&full, &format)), Some(2));
    assert_eq!(
        codec(stored(
            &Sparse {
                a: None,
                ..full.clone()
            },
            &format
        )),
        Some(1)
    );
    assert_eq!(codec(stored(&user(), &format)), Some(1), "recursive");
    assert_eq!(
        codec(stored(&Loose::Number(1), &format)),
        Some(1),
        "untagged"
    );
    assert_eq!(
        codec(stored(&serde_json::json!({"a": [1.5, null]}), &format)),
        Some(1)
    );
}

#[test]
fn implementations_that_contradict_each_other_are_refused() {
    let crooked = Crooked { a: 1, b: Some(0) };
    for format in formats() {
        assert!(matches!(
            stored(&crooked, &format),
            Err(EncodeError::Altered)
        ));
    }
    assert_eq!((crooked.a, crooked.b), (1, Some(0)));
}

#[test]
fn a_field_that_is_written_but_not_read_is_refused() {
    #[derive(Serialize, Deserialize)]
    struct Answer {
        #[serde(skip_deserializing)]
        id: u8,
    }

    refused(&Answer { id: 1 });
    assert_eq!(
        round_trip(&Answer { id: 0 }, &JSON).map(|back| back.id),
        Some(0)
    );
}

#[cfg(feature = "postcard")]
#[test]
fn a_forged_recursion_does_not_overflow_the_stack() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Tree(Vec<Tree>);

    let fingerprint = Fingerprint {
        packs: true,
        ..fingerprint::<Vec<u8>>(Readability::Compact)
    };
    let format = JSON.codec::<Postcard>();
    let bytes = encode(
        &vec![1_u8; 1 << 19],
        Kind::Value,
        &format,
        fingerprint,
        &Stamp::default(),
    )
    .unwrap();
    assert_eq!(bytes[5], 2);
    assert!(matches!(
        entry(&bytes).decode::<Tree>(1 << 20),
        Err(Unreadable::Mistyped)
    ));
}

#[test]
fn deep_values_that_json_cannot_read_are_refused() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Chain(Option<Box<[Chain; 1]>>);

    let chain =
        |length: usize| (0..length).fold(Chain(None), |inner, _| Chain(Some(Box::new([inner]))));
    comes_back(chain(110));
    refused(&chain(140));
}

/// Counts how many of its elements were asked for.
#[derive(Deserialize)]
struct Huge {
    #[serde(skip)]
    asked: Cell<usize>,
}

impl Serialize for Huge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..1_000_000_u32).inspect(|_| self.asked.set(self.asked.get() + 1)))
    }
}

#[test]
fn encoding_stops_at_the_limit() {
    let format = JSON.max_entry(1000);
    for encoded in [
        stored(
            &Huge {
                asked: Cell::new(0),
            },
            &format,
        )
        .map(drop),
        encoded_len(
            &Huge {
                asked: Cell::new(0),
            },
            &format,
        )
        .map(drop),
    ] {
        let Err(EncodeError::TooBig { bytes }) = encoded else {
            panic!("{encoded:?}")
        };
        assert!((1001..1100).contains(&bytes));
    }
    let huge = Huge {
        asked: Cell::new(0),
    };
    stored(&huge, &format).unwrap_err();
    assert!(huge.asked.get() < 1000, "{}", huge.asked.get());
}

#[test]
fn the_limit_itself_still_fits() {
    let text = "x".repeat(98);
    for format in [JSON.max_entry(100), JSON.max_entry(1 << 20)] {
        assert_eq!(round_trip(&text, &format).as_ref(), Some(&text));
    }
    assert!(matches!(
        stored(&text, &JSON.max_entry(99)),
        Err(EncodeError::TooBig { .. })
    ));
}

#[test]
fn the_weight_is_the_length_of_the_payload() {
    for format in formats()
        .into_iter()
        .filter(|format| format.compress.is_none())
    {
        let value = (1_u8, "abc".to_owned(), vec![0.5_f64]);
        let payload = stored(&value, &format).unwrap().len() - envelope::HEADER;
        assert_eq!(encoded_len(&value, &format).unwrap(), payload);
    }
}

#[cfg(feature = "postcard")]
#[test]
fn what_postcard_cannot_write_still_has_a_weight() {
    let flat = Flat {
        id: 1,
        rest: HashMap::new(),
    };
    assert_eq!(
        encoded_len(&flat, &JSON.codec::<Postcard>()).unwrap(),
        "{\"id\":1}".len()
    );
}

#[cfg(feature = "compression")]
#[test]
fn only_what_is_long_and_gets_shorter_is_compressed() {
    let format = JSON.compress::<Compression>(100);
    let flags = |text: &str| stored(&text.to_owned(), &format).unwrap()[6];
    assert_eq!(flags(&"a".repeat(98)), 0);
    assert_eq!(flags(&"a".repeat(99)), 1);
    let noise: String = (0..200)
        .map(|_| char::from(rand::random_range(b'0'..b'z')))
        .collect();
    assert_eq!(flags(&noise), 0);
    let bytes = stored(&"a".repeat(5000), &format).unwrap();
    assert!(bytes.len() < 200);
    assert_eq!(
        entry(&bytes).decode::<String>(5001),
        Err(Unreadable::TooBig)
    );
    assert_eq!(entry(&bytes).decode::<String>(5002), Ok("a".repeat(5000)));
}

#[test]
fn an_entry_says_what_it_is() {
    let bytes = encode(
        &1_u8,
        Kind::Error,
        &JSON.version(7),
        Fingerprint {
            hash: 9,
            packs: false,
        },
        &Stamp::default(),
    );
    let bytes = bytes.unwrap();
    let entry = entry(&bytes);
    assert_eq!(
        (entry.kind(), entry.version(), entry.fingerprint()),
        (Kind::Error, 7, 9)
    );
}

#[test]
fn a_failing_implementation_is_named_without_its_message() {
    #[derive(Deserialize)]
    struct Failing;

    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("a secret"))
        }
    }

    let error = stored(&Failing, &JSON).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

proptest! {
    #[test]
    fn floats_come_back_bit_by_bit(bits: u64, narrow: u32) {
        let (wide, narrow) = (f64::from_bits(bits), f32::from_bits(narrow));
        for format in formats() {
            let back = round_trip(&(wide, narrow, vec![wide], Some(narrow)), &format);
            let finite = wide.is_finite() && narrow.is_finite();
            prop_assert!(back.is_some() || !finite);
            if let Some((wide_back, narrow_back, list, optional)) = back {
                prop_assert_eq!(wide_back.to_bits(), bits);
                prop_assert_eq!(narrow_back.to_bits(), narrow.to_bits());
                prop_assert_eq!(list[0].to_bits(), bits);
                prop_assert_eq!(optional.map(f32::to_bits), Some(narrow.to_bits()));
            }
        }
    }

    #[test]
    fn everything_nested_comes_back(
        value in vec((".*", any::<Option<i64>>(), btree_map(any::<i8>(), any::<Result<char, ()>>(), 0..4)), 0..4),
    ) {
        for format in formats() {
            prop_assert_eq!(round_trip(&value, &format), Some(value.clone()));
        }
    }
}
