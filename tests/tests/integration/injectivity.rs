//! Two argument lists never share a key, and no value reaches out of its placeholder.

#![expect(
    clippy::option_option,
    reason = "keys must tell both of its `None`s apart"
)]
#![expect(
    clippy::type_complexity,
    reason = "templates of complex types are tested"
)]

use cache_runtime::__private::{EscapeTable, Template, part};
use cache_runtime::{KeyPart, KeyTemplate, cache_result};

/// What rendering itself writes: escapes, absent values, digests and groups.
const STRUCTURE: &str = "%~#(),";

#[derive(Clone, Debug, PartialEq, KeyPart)]
enum Scope {
    All,
    Class(u32),
    Named { class: String, term: Option<u8> },
}

/// A list of arguments; those of one kind have one template.
#[derive(Clone, Debug, PartialEq)]
enum Arguments {
    Texts([String; 3]),
    Options(Option<String>, Option<Option<String>>),
    Groups((String, char), Vec<String>),
    Derived(Scope, i64),
}

const TEXTS: KeyTemplate<(String, String, String), ()> = KeyTemplate::new("<a>:<b>:<c>");
const OPTIONS: KeyTemplate<(Option<String>, Option<Option<String>>), ()> =
    KeyTemplate::new("<a>:<b>");
const DERIVED: KeyTemplate<(Scope, i64), ()> = KeyTemplate::new("<a>:<b>");

// A slice has no place in a typed template, but in a function's key.
#[expect(dead_code, reason = "only its companion is called")]
#[cache_result(key = "<a>:<b>")]
async fn groups(a: (String, char), b: &[String]) -> bool {
    false
}

impl Arguments {
    fn random(kind: usize, random: &mut Random) -> Self {
        match kind {
            0 => Self::Texts([random.text(), random.text(), random.text()]),
            1 => {
                let nested = random.option(Random::text);
                Self::Options(random.option(Random::text), random.option(|_| nested))
            }
            2 => {
                let length = random.below(4);
                let texts = (0..length).map(|_| random.text()).collect();
                Self::Groups((random.text(), random.character()), texts)
            }
            _ => Self::Derived(random.scope(), random.number()),
        }
    }

    /// As `self`, but for what a careless encoding would lose.
    fn disguised(&self, random: &mut Random) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Texts(texts) => {
                let joined = texts.join(":");
                *texts = random.split(&joined);
            }
            Self::Options(_, nested) => {
                *nested = match nested.take() {
                    None => Some(None),
                    Some(None) => Some(Some("~".to_owned())),
                    Some(Some(text)) => Some(Some(escaped_by_hand(&text))),
                }
            }
            Self::Groups((text, _), texts) => match random.below(3) {
                0 => *texts = vec![texts.join(",")],
                1 => texts.push(String::new()),
                _ => *text = escaped_by_hand(text),
            },
            Self::Derived(scope, _) => {
                *scope = match scope.clone() {
                    Scope::All => Scope::Class(0),
                    Scope::Class(id) => Scope::Named {
                        class: id.to_string(),
                        term: None,
                    },
                    Scope::Named { class, .. } => Scope::Named {
                        class: format!("{class},~"),
                        term: None,
                    },
                }
            }
        }
        other
    }

    fn key(&self) -> String {
        let key = match self {
            Self::Texts([a, b, c]) => TEXTS.key(a, b, c),
            Self::Options(a, b) => OPTIONS.key(a, b),
            Self::Groups(a, b) => return groups_key(a, b).text().to_owned(),
            Self::Derived(a, b) => DERIVED.key(a, b),
        };
        key.text().to_owned()
    }

    fn places(&self) -> usize {
        match self {
            Self::Texts(_) => 3,
            _ => 2,
        }
    }
}

fn escaped_by_hand(text: &str) -> String {
    text.replace(':', "%3A").replace('~', "%7E")
}

/// How a pair of keys breaks the promise, if it does.
fn violation<T: std::fmt::Debug + PartialEq>(
    [one, two]: [&T; 2],
    keys: [&str; 2],
    places: usize,
    structure: &str,
) -> Option<String> {
    if (one == two) != (keys[0] == keys[1]) {
        return Some(format!("{one:?} and {two:?} give {keys:?}"));
    }
    let raw = keys.into_iter().find(|key| has_raw(key, places, structure));
    raw.map(|key| format!("{key:?} of {one:?} or {two:?} has a raw character"))
}

/// Whether a value brought a character into the key that only templates and rendering write.
fn has_raw(key: &str, places: usize, structure: &str) -> bool {
    let is_raw =
        |character: char| EscapeTable::KEYS.contains(character) && !structure.contains(character);
    let escapes = key.split('%').skip(1);
    let is_escape = |rest: &str| {
        let digits = rest.bytes().take(2);
        let digits = digits.filter(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        digits.count() == 2
    };
    let values: Vec<_> = key.split(':').collect();
    values.len() != places
        || values.iter().any(|value| value.contains(is_raw))
        || !escapes.clone().all(is_escape)
}

/// Every escaped character, what escapes are made of, and letters of each length in UTF-8.
fn alphabet() -> Vec<char> {
    let escaped = escaped_characters();
    let plain = "01257ABCDEF-_.+@ü日😀\u{a0}\u{2028}\u{feff}e\u{301}";
    escaped.into_iter().chain(plain.chars()).collect()
}

fn escaped_characters() -> Vec<char> {
    ('\0'..='\u{ff}')
        .filter(|character| EscapeTable::KEYS.contains(*character))
        .collect()
}

/// A seeded generator (SplitMix64): a failure can be replayed.
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

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.next() % bound).expect("less than the bound")
    }

    fn character(&mut self) -> char {
        let at = self.below(self.alphabet.len());
        self.alphabet[at]
    }

    fn text(&mut self) -> String {
        let length = self.below(4);
        (0..length).map(|_| self.character()).collect()
    }

    fn number(&mut self) -> i64 {
        [0, -1, 1, 12, i64::MIN, i64::MAX][self.below(6)]
    }

    fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| value(self))
    }

    fn scope(&mut self) -> Scope {
        match self.below(3) {
            0 => Scope::All,
            1 => Scope::Class([0, 1, u32::MAX][self.below(3)]),
            _ => Scope::Named {
                class: self.text(),
                term: self.option(|random| [0, 1, 255][random.below(3)]),
            },
        }
    }

    /// The text cut into three at two of its characters, which are dropped.
    fn split(&mut self, text: &str) -> [String; 3] {
        let characters: Vec<_> = text.chars().collect();
        let first = self.below(characters.len() - 1);
        let second = first + 1 + self.below(characters.len() - first - 1);
        let ranges = [0..first, first + 1..second, second + 1..characters.len()];
        ranges.map(|range| characters[range].iter().collect())
    }
}

#[test]
fn a_million_random_pairs_never_share_a_key() {
    let mut random = Random::new(7);
    let mut different = 0;
    for pair in 0..1_000_000 {
        let kind = random.below(4);
        let one = Arguments::random(kind, &mut random);
        let two = if pair % 2 == 0 {
            Arguments::random(kind, &mut random)
        } else {
            one.disguised(&mut random)
        };
        different += usize::from(one != two);
        let keys = [one.key(), two.key()];
        let structure = if kind == 0 { "%" } else { STRUCTURE };
        let broken = violation([&one, &two], [&keys[0], &keys[1]], one.places(), structure);
        assert_eq!(broken, None, "pair {pair}");
    }
    assert!(different > 700_000, "only {different} pairs differ");
}

#[test]
fn each_escaped_character_is_needed() {
    const TEMPLATE: Template = Template::parse("<a>:<b>");
    let first_violation = |table: &EscapeTable| {
        let mut random = Random::new(8);
        (0..4_000).find_map(|_| {
            let lists = [(); 2].map(|()| [random.text(), random.text()]);
            let keys = [0, 1].map(|at: usize| {
                let [a, b] = &lists[at];
                TEMPLATE.render_escaping(table, &[part(a), part(b)])
            });
            violation([&lists[0], &lists[1]], [&keys[0], &keys[1]], 2, "%")
        })
    };
    assert_eq!(first_violation(&EscapeTable::KEYS), None);
    let escaped = escaped_characters();
    assert!(escaped.len() > 60, "only {escaped:?}");
    for character in escaped {
        let broken = first_violation(&EscapeTable::KEYS.without(character));
        assert!(broken.is_some(), "{character:?} need not be escaped");
    }
}

#[test]
fn unescaped_characters_would_merge_keys() {
    const ONE: Template = Template::parse("<a>");
    const TWO: Template = Template::parse("<a>:<b>");
    let merged: [(char, &Template, [&dyn KeyPart; 2], [&dyn KeyPart; 2]); 3] = [
        (':', &TWO, [&"a:b", &"c"], [&"a", &"b:c"]),
        ('%', &TWO, [&"%20", &""], [&" ", &""]),
        (',', &TWO, [&("a,b", "c"), &""], [&("a", "b,c"), &""]),
    ];
    for (character, template, one, two) in merged {
        let table = EscapeTable::KEYS.without(character);
        let render = |parts: [&dyn KeyPart; 2]| template.render_escaping(&table, &parts);
        assert_eq!(render(one), render(two), "without {character:?}");
        assert_ne!(template.render(&one), template.render(&two));
    }
    let [absent, tilde]: [&dyn KeyPart; 2] = [&None::<String>, &"~"];
    let table = EscapeTable::KEYS.without('~');
    assert_eq!(
        ONE.render_escaping(&table, &[absent]),
        ONE.render_escaping(&table, &[tilde])
    );
    assert_ne!(ONE.render(&[absent]), ONE.render(&[tilde]));
}
