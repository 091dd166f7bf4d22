//! Golden keys: they are in Redis, and in other programs, so what one was, it must stay.

#![expect(clippy::option_option, reason = "keys tell both of its `None`s apart")]
#![expect(
    clippy::type_complexity,
    reason = "templates of complex types are tested"
)]

use cache_runtime::{KeyPart, KeyTemplate, Secret, cache_result};
use uuid::Uuid;

#[derive(KeyPart)]
enum Scope {
    All,
    Class(u32),
    Named { class: String, term: Option<u8> },
}

// A slice has no place in a typed template, but in a function's key.
#[expect(dead_code, reason = "only its companion is called")]
#[cache_result(key = "l:<list>")]
async fn listed(list: &[u8]) -> bool {
    false
}

const TEXT: KeyTemplate<(String,), ()> = KeyTemplate::new("user:<name>");
const NUMBERS: KeyTemplate<(u64, i8, u128), ()> = KeyTemplate::new("n:<a>/<b>:<c>");
const FLAG: KeyTemplate<(bool, char), ()> = KeyTemplate::new("{<flag>}:<letter>:end");
const OPTION: KeyTemplate<(Option<Option<String>>,), ()> = KeyTemplate::new("o:<a>");
const PAIR: KeyTemplate<((String, Option<u8>), [bool; 2]), ()> = KeyTemplate::new("p:<a>:<b>");
const HASHED: KeyTemplate<(String,), ()> = KeyTemplate::new("h:<name|hash>");
const SECRET: KeyTemplate<(Secret<String>,), ()> = KeyTemplate::new("s:<token>");
const ID: KeyTemplate<(Uuid,), ()> = KeyTemplate::new("u:<id>");
const SCOPE: KeyTemplate<(Scope,), ()> = KeyTemplate::new("e:<scope>");
const NOTHING: KeyTemplate<(), ()> = KeyTemplate::new("settings");

#[test]
fn keys_stay_as_they_are() {
    let named = Scope::Named {
        class: "3b".to_owned(),
        term: Some(1),
    };
    let keys = [
        (TEXT.key("Ada-1_2.3@ü日"), "user:Ada-1_2.3@ü日"),
        (TEXT.key(""), "user:"),
        (TEXT.key("a:b/c|d,e;f=g"), "user:a%3Ab%2Fc%7Cd%2Ce%3Bf%3Dg"),
        (
            TEXT.key("#&~*?[]\\^{}<>() %"),
            "user:%23%26%7E%2A%3F%5B%5D%5C%5E%7B%7D%3C%3E%28%29%20%25",
        ),
        (TEXT.key("\0\n\u{7f}\u{85}"), "user:%00%0A%7F%C2%85"),
        (
            NUMBERS.key(u64::MAX, -128, 0),
            "n:18446744073709551615/-128:0",
        ),
        (FLAG.key(true, 'ß'), "{true}:ß:end"),
        (OPTION.key(None), "o:~"),
        (OPTION.key(Some(None)), "o:~~"),
        (OPTION.key(Some(Some("~".to_owned()))), "o:%7E"),
        (
            PAIR.key(("a,b".to_owned(), None), [true, false]),
            "p:(a%2Cb,~,):(true,false,)",
        ),
        (
            HASHED.key("secret"),
            "h:#K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols",
        ),
        (
            ID.key(Uuid::from_u128(1)),
            "u:00000000-0000-0000-0000-000000000001",
        ),
        (SCOPE.key(Scope::All), "e:All"),
        (SCOPE.key(Scope::Class(7)), "e:Class(7,)"),
        (SCOPE.key(named), "e:Named(3b,1,)"),
        (NOTHING.key(), "settings"),
    ];
    for (key, expected) in keys {
        assert_eq!(key.text(), expected);
    }
}

#[test]
fn lists_and_long_parts_stay_as_they_are() {
    let lists: [(&[u8], &str); 3] = [
        (&[], "l:()"),
        (&[1, 2, 3], "l:(1,2,3,)"),
        (
            &[1, 2, 3, 4, 5, 6, 7, 8, 9],
            "l:#OxjU62eKxddhKYI6Q7o5rlIDhICGKRrQj9d5u_Y66nc",
        ),
    ];
    for (list, expected) in lists {
        assert_eq!(listed_key(list).text(), expected);
    }
    let secret = SECRET.key(Secret::new("secret".to_owned()));
    assert_eq!(
        secret.text(),
        "s:#K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols"
    );
    assert_eq!(TEXT.key("x".repeat(257)).text().len(), "user:#".len() + 43);
}
