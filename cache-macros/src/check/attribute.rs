//! The attributes that load, and the options each of them takes.

use super::options::Options;
use crate::errors::Errors;
use crate::parse::Argument;
use Attribute::{Many, Read, Update};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// `#[cache_result]`
    Read,
    /// `#[update_cache]`
    Update,
    /// `#[cache_many]`
    Many,
}

const ALL: &[Attribute] = &[Read, Update, Many];
const STORED: &[Attribute] = &[Read, Update];
const CALLED: &[Attribute] = &[Read, Many];

/// Each option, and who takes it.
const OPTIONS: [(&str, &[Attribute]); 26] = [
    ("key", ALL),
    ("by", &[Many]),
    ("ttl", ALL),
    ("jitter", ALL),
    ("none", STORED),
    ("errors", &[Read]),
    ("store_if", ALL),
    ("stale", STORED),
    ("fail_safe", STORED),
    ("refresh_ahead", STORED),
    ("refresh", &[Read]),
    ("soft_timeout", &[Read]),
    ("hard_timeout", &[Read]),
    ("sliding", STORED),
    ("verify", &[Read]),
    ("version", ALL),
    ("codec", ALL),
    ("compress", ALL),
    ("max_entry", ALL),
    ("max_loads", CALLED),
    ("tags", ALL),
    ("confirm", &[Update]),
    ("cache", ALL),
    ("key_ignores", CALLED),
    ("companion", CALLED),
    ("crate", ALL),
];

impl Attribute {
    pub(super) fn options(self, arguments: Vec<Argument>, errors: &mut Errors) -> Options {
        let name = match self {
            Read => "`#[cache_result]`",
            Update => "`#[update_cache]`",
            Many => "`#[cache_many]`",
        };
        let known = OPTIONS
            .iter()
            .filter(|(_, attributes)| attributes.contains(&self));
        let known: Vec<&str> = known.map(|(name, _)| *name).collect();
        Options::new(name, &known, arguments, errors)
    }
}
