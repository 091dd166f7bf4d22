//! Two argument lists never share a key: checked by property, by number, and by
//! breaking the escape table one character at a time.

use proptest::prelude::*;

use super::{EscapeTable, KeyPart, KeyWriter, Template};

/// What rendering itself writes around and between values.
const STRUCTURE: &str = "~#(),";
const LISTS: [Template; 3] = [
    Template::parse("<a>"),
    Template::parse("<a>:<b>"),
    Template::parse("<a>:<b>:<c>"),
];

/// A value of any shape; it renders through the implementation of the real type.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Number(i64),
    Maybe(Option<Box<Value>>),
    Slice(Vec<Value>),
    Pair(Box<(Value, Value)>),
}

impl KeyPart for Value {
    fn render(&self, out: &mut KeyWriter<'_>) {
        match self {
            Value::Text(text) => text.render(out),
            Value::Number(number) => number.render(out),
            Value::Maybe(value) => value.render(out),
            Value::Slice(values) => values.as_slice().render(out),
            Value::Pair(pair) => pair.render(out),
        }
    }
}

/// The type that two compared values share.
#[derive(Clone, Debug)]
enum Shape {
    Text,
    Number,
    Maybe(Box<Shape>),
    Slice(Box<Shape>),
    Pair(Box<Shape>, Box<Shape>),
}

/// All escaped characters, what escapes are made of, and plain text of every length in UTF-8.
fn alphabet() -> Vec<char> {
    let escaped = (0..0x100_u32).filter_map(char::from_u32);
    let escaped = escaped.filter(|character| EscapeTable::KEYS.contains(*character));
    escaped
        .chain("0123457ABCDEFx-_.ü日😀\u{a0}\u{2028}".chars())
        .collect()
}

/// Says how a list of values breaks the promise, if it does.
fn violation(
    table: &EscapeTable,
    first: &[Value],
    second: &[Value],
    allowed: &str,
) -> Option<String> {
    let [one, two] = [first, second].map(|values| {
        let parts = values
            .iter()
            .map(|value| value as &dyn KeyPart)
            .collect::<Vec<_>>();
        LISTS[values.len() - 1].render_escaping(table, &parts)
    });
    if (first == second) != (one == two) {
        return Some(format!("{first:?} and {second:?} give {one:?} and {two:?}"));
    }
    let raw = [one, two]
        .into_iter()
        .find(|key| has_raw(key, first.len(), allowed));
    raw.map(|key| format!("{key:?} has a raw character"))
}

/// Whether a key of `places` places holds an escaped character that no template put there.
fn has_raw(key: &str, places: usize, allowed: &str) -> bool {
    let mut separators = 1;
    let mut characters = key.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => separators += 1,
            '%' => {
                let mut digit = || matches!(characters.next(), Some('0'..='9' | 'A'..='F'));
                if !(digit() && digit()) {
                    return true;
                }
            }
            _ if allowed.contains(character) => {}
            _ if EscapeTable::KEYS.contains(character) => return true,
            _ => {}
        }
    }
    separators != places
}

/// A seeded generator, so that a failure can be replayed.
struct Random {
    state: u64,
    alphabet: Vec<char>,
}

impl Random {
    fn new(seed: u64) -> Self {
        Self {
            state: seed,
            alphabet: alphabet(),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn character(&mut self) -> char {
        let at = self.below(self.alphabet.len());
        self.alphabet[at]
    }

    fn text(&mut self) -> Value {
        let length = self.below(4);
        Value::Text((0..length).map(|_| self.character()).collect())
    }

    fn shape(&mut self, depth: usize) -> Shape {
        match self.below(if depth == 0 { 3 } else { 6 }) {
            0 | 1 => Shape::Text,
            2 => Shape::Number,
            3 => Shape::Maybe(Box::new(self.shape(depth - 1))),
            4 => Shape::Slice(Box::new(self.shape(depth - 1))),
            _ => Shape::Pair(
                Box::new(self.shape(depth - 1)),
                Box::new(self.shape(depth - 1)),
            ),
        }
    }

    fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Text => self.text(),
            Shape::Number => Value::Number([0, -1, 1, 20, i64::MIN, i64::MAX][self.below(6)]),
            Shape::Maybe(_) if self.below(2) == 0 => Value::Maybe(None),
            Shape::Maybe(inner) => Value::Maybe(Some(Box::new(self.value(inner)))),
            Shape::Slice(inner) => {
                let length = self.below(3);
                Value::Slice((0..length).map(|_| self.value(inner)).collect())
            }
            Shape::Pair(left, right) => {
                Value::Pair(Box::new((self.value(left), self.value(right))))
            }
        }
    }

    fn texts(&mut self) -> Vec<Value> {
        vec![self.text(), self.text()]
    }
}

#[test]
fn a_million_random_pairs_never_share_a_key() {
    let mut random = Random::new(1);
    for _ in 0..10_000 {
        let places = 1 + random.below(3);
        let shapes = (0..places).map(|_| random.shape(2)).collect::<Vec<_>>();
        for _ in 0..100 {
            let [first, second] = [(); 2].map(|()| {
                shapes
                    .iter()
                    .map(|shape| random.value(shape))
                    .collect::<Vec<_>>()
            });
            let broken = violation(&EscapeTable::KEYS, &first, &second, STRUCTURE);
            assert_eq!(broken, None);
        }
    }
}

/// Lists of two short texts, where any raw character counts.
fn text_violation(table: &EscapeTable) -> Option<String> {
    let mut random = Random::new(2);
    (0..3_000).find_map(|_| violation(table, &random.texts(), &random.texts(), ""))
}

#[test]
fn every_escaped_character_is_needed() {
    assert_eq!(text_violation(&EscapeTable::KEYS), None);
    for character in alphabet() {
        if EscapeTable::KEYS.contains(character) {
            let broken = text_violation(&EscapeTable::KEYS.without(character));
            assert!(broken.is_some(), "{character:?} need not be escaped");
        }
    }
}

#[test]
fn what_rendering_writes_would_merge_values_if_it_were_raw_in_them() {
    assert!(merges('%', &"%20", &" "));
    assert!(merges(',', &["a,b"].as_slice(), &["a", "b"].as_slice()));
    let digest = KeyWriter::text_of(&"x".repeat(300));
    assert!(merges('#', &digest, &"x".repeat(300)));
}

/// Whether two values share a key once `character` is not escaped.
fn merges(character: char, one: &dyn KeyPart, two: &dyn KeyPart) -> bool {
    let [template, ..] = LISTS;
    let table = EscapeTable::KEYS.without(character);
    template.render_escaping(&table, &[one]) == template.render_escaping(&table, &[two])
        && template.render(&[one]) != template.render(&[two])
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Text), Just(Shape::Number)].prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|shape| Shape::Maybe(Box::new(shape))),
            inner
                .clone()
                .prop_map(|shape| Shape::Slice(Box::new(shape))),
            (inner.clone(), inner)
                .prop_map(|(left, right)| Shape::Pair(Box::new(left), Box::new(right))),
        ]
    })
}

fn values(shape: Shape) -> BoxedStrategy<Value> {
    match shape {
        Shape::Text => prop_oneof![
            prop::collection::vec(prop::sample::select(alphabet()), 0..5)
                .prop_map(|characters| characters.into_iter().collect()),
            any::<String>(),
        ]
        .prop_map(Value::Text)
        .boxed(),
        Shape::Number => any::<i64>().prop_map(Value::Number).boxed(),
        Shape::Maybe(inner) => prop::option::of(values(*inner))
            .prop_map(|value| Value::Maybe(value.map(Box::new)))
            .boxed(),
        Shape::Slice(inner) => prop::collection::vec(values(*inner), 0..11)
            .prop_map(Value::Slice)
            .boxed(),
        Shape::Pair(left, right) => (values(*left), values(*right))
            .prop_map(|pair| Value::Pair(Box::new(pair)))
            .boxed(),
    }
}

/// Two lists of the same one to three shapes.
fn pairs() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    prop::collection::vec(shapes(), 1..=3).prop_flat_map(|shapes| {
        let list = || shapes.iter().cloned().map(values).collect::<Vec<_>>();
        (list(), list())
    })
}

proptest! {
    #[test]
    fn different_arguments_give_different_keys((first, second) in pairs()) {
        prop_assert_eq!(violation(&EscapeTable::KEYS, &first, &second, STRUCTURE), None);
    }

    #[test]
    fn text_brings_no_raw_character_into_a_key(text in any::<String>()) {
        let value = [Value::Text(text)];
        let allowed = if KeyWriter::text_of(&value[0]).starts_with('#') { "#" } else { "" };
        prop_assert_eq!(violation(&EscapeTable::KEYS, &value, &value, allowed), None);
    }
}
