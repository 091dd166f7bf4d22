//! What the text of a setting may be, and how a value is written as such a text.

use std::time::Duration;

use super::text::{bytes, duration, shortest};
use crate::cache::Mode;

/// What the values of a setting are.
pub(super) struct Kind<T> {
    /// Ends the sentence "must be ..".
    pub(super) rule: &'static str,
    pub(super) parse: fn(&str) -> Option<T>,
    /// What `parse` makes the same value of.
    pub(super) write: fn(&T) -> String,
    pub(super) shown: Shown,
}

/// How a value is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    AsItIs,
    /// That it is set, and no more.
    ThatItIsSet,
}

type Text = Option<String>;

pub(super) const TEXT: Kind<Text> = Kind {
    rule: "text that is not empty",
    parse: not_empty,
    write: or_nothing,
    shown: Shown::AsItIs,
};

pub(super) const SECRET: Kind<Text> = Kind {
    shown: Shown::ThatItIsSet,
    ..TEXT
};

/// An address may hold a password; what it comes to is shown without.
pub(super) const URL: Kind<Text> = Kind {
    rule: "an address such as `redis://localhost:6379/0`",
    ..SECRET
};

/// Shown once it was read: until then it may be a secret in the wrong place.
pub(super) const FILE: Kind<Text> = Kind {
    rule: "the path of a file",
    ..TEXT
};

/// It may be the key itself.
pub(super) const PEM: Kind<Text> = Kind {
    rule: "the path of a PEM file, or the PEM itself",
    ..SECRET
};

pub(super) const HOST: Kind<String> = Kind {
    rule: "a host name or an IP address",
    parse: host,
    write: String::clone,
    shown: Shown::AsItIs,
};

pub(super) const PORT: Kind<u16> = Kind {
    rule: "a port from 1 to 65535",
    parse: |text| text.parse().ok().filter(|port| *port != 0),
    write: u16::to_string,
    shown: Shown::AsItIs,
};

pub(super) const DATABASE: Kind<u32> = Kind {
    rule: "the number of a database, from 0 to `redis.databases` - 1",
    ..COUNT_FROM_0
};

pub(super) const COUNT_FROM_0: Kind<u32> = Kind {
    rule: "a whole number from 0 to 1000000",
    parse: |text| text.parse().ok().filter(|count| *count <= 1_000_000),
    write: u32::to_string,
    shown: Shown::AsItIs,
};

pub(super) const COUNT: Kind<u32> = Kind {
    rule: "a whole number from 1 to 1000000",
    parse: |text| (COUNT_FROM_0.parse)(text).filter(|count| *count != 0),
    ..COUNT_FROM_0
};

pub(super) const KEYS: Kind<usize> = Kind {
    rule: "a whole number of keys",
    parse: |text| text.parse().ok(),
    write: usize::to_string,
    shown: Shown::AsItIs,
};

pub(super) const PERCENT: Kind<u32> = Kind {
    rule: "a whole number of per cent from 1 to 100",
    parse: |text| (COUNT.parse)(text).filter(|percent| *percent <= 100),
    ..COUNT
};

pub(super) const FLAG: Kind<bool> = Kind {
    rule: "`true` or `false`",
    parse: flag,
    write: bool::to_string,
    shown: Shown::AsItIs,
};

pub(super) const MODE: Kind<Mode> = Kind {
    rule: "one of `on`, `read`, `off`",
    parse: |text| text.parse().ok(),
    write: |mode| mode.to_string(),
    shown: Shown::AsItIs,
};

/// The longest is a century: what is added to the time of day is to stay a time. Code may say
/// [`Duration::MAX`] for "without end".
pub(super) const TIME: Kind<Duration> = Kind {
    rule: "a time of more than zero, in seconds or with a unit: `30`, `0.2`, `200ms`, `1h30m`",
    parse: |text| duration(text).filter(|time| !time.is_zero() && *time <= CENTURY),
    write: |time| shortest((*time).min(CENTURY)),
    shown: Shown::AsItIs,
};

const CENTURY: Duration = Duration::from_secs(36_500 * 86_400);

pub(super) const BYTES: Kind<u64> = Kind {
    rule: "a number of bytes, or one with a unit: `64mb`",
    parse: bytes,
    write: u64::to_string,
    shown: Shown::AsItIs,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "an outer `None` is what may not be; an inner one, what nobody has set"
)]
fn some(text: &str) -> Option<Text> {
    Some(Some(text.to_owned()))
}

fn not_empty(text: &str) -> Option<Text> {
    some(text).filter(|_| !text.is_empty())
}

fn or_nothing(text: &Text) -> String {
    text.clone().unwrap_or_default()
}

/// Brackets are for addresses that go on with a port.
pub(super) fn host(text: &str) -> Option<String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let is_ipv6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    if let Some(inside) = bare {
        return is_ipv6(inside).then(|| inside.to_owned());
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_host = is_ipv6(text) || (!text.is_empty() && text.chars().all(is_name));
    is_host.then(|| text.to_owned())
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts<T>(kind: &Kind<T>, texts: &[&str]) {
        for text in texts {
            assert!((kind.parse)(text).is_some(), "{text}: {}", kind.rule);
        }
    }

    fn refuses<T>(kind: &Kind<T>, texts: &[&str]) {
        for text in texts {
            assert!((kind.parse)(text).is_none(), "{text}: {}", kind.rule);
        }
    }

    #[test]
    fn a_port_is_from_1_to_65535() {
        accepts(&PORT, &["1", "6379", "65535"]);
        refuses(
            &PORT,
            &[
                "0",
                "65536",
                "-1",
                "http",
                "",
                "6379 ",
                "tcp://10.0.0.1:6379",
            ],
        );
    }

    #[test]
    fn counts_are_whole_and_bounded() {
        accepts(&COUNT, &["1", "20", "1000000"]);
        refuses(&COUNT, &["0", "1000001", "1.5", "-3", "many"]);
        accepts(&COUNT_FROM_0, &["0"]);
        accepts(&PERCENT, &["1", "100"]);
        refuses(&PERCENT, &["0", "101"]);
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        accepts(
            &HOST,
            &[
                "localhost",
                "redis-0.redis",
                "10.0.0.1",
                "::1",
                "[fe80::2]",
                "übung.de",
            ],
        );
        refuses(
            &HOST,
            &[
                "",
                "a b",
                "user@host",
                "host:6379",
                "[localhost]",
                "a/b",
                "redis://h",
            ],
        );
        assert_eq!(host("[::1]").as_deref(), Some("::1"));
    }

    #[test]
    fn flags_are_as_people_write_them() {
        for text in ["true", "1", "yes", "on", "TRUE", "On"] {
            assert_eq!(flag(text), Some(true));
        }
        for text in ["false", "0", "no", "off", "False"] {
            assert_eq!(flag(text), Some(false));
        }
        refuses(&FLAG, &["", "2", "maybe", "t"]);
    }

    #[test]
    fn times_are_positive_and_no_longer_than_a_century() {
        accepts(&TIME, &["1", "0.2", "200ms", "36500d"]);
        refuses(
            &TIME,
            &[
                "0",
                "0ms",
                "0.0",
                "-1",
                "36501d",
                "soon",
                "99999999999999999999",
            ],
        );
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for time in [1, 1_500, 1_000_000_000, 90_061_000_000_123_u64] {
            let time = Duration::from_nanos(time);
            assert_eq!((TIME.parse)(&(TIME.write)(&time)), Some(time));
        }
        for mode in [Mode::On, Mode::Read, Mode::Off] {
            assert_eq!((MODE.parse)(&(MODE.write)(&mode)), Some(mode));
        }
        assert_eq!((BYTES.parse)(&(BYTES.write)(&(64 << 20))), Some(64 << 20));
    }
}
