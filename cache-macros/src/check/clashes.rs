//! Options that do not go together, each with what to write instead.

use super::attribute::Attribute;
use super::options::Places;
use crate::errors::{Errors, Rule};
use crate::model::{Body, OnFailure, Policy, Refresh, Ttl, Windows};

/// Options that contradict each other, or one that lacks another.
struct Clash<F> {
    rule: Rule,
    /// Reported at the last of these that is written.
    between: &'static [&'static str],
    is_met: fn(&F) -> bool,
    message: &'static str,
}

fn report<F>(clashes: &[Clash<F>], facts: &F, places: &Places, errors: &mut Errors) {
    for clash in clashes.iter().filter(|clash| (clash.is_met)(facts)) {
        errors.push(clash.rule, places.last_of(clash.between), clash.message);
    }
}

/// What the clashes of a load are judged by. An option counts as written even
/// if its value is wrong.
pub(super) struct OfLoad {
    places: Places,
    is_async: bool,
    windows: Windows,
    /// Where it is written out.
    ttl_millis: Option<u64>,
    keeps_errors: bool,
}

impl OfLoad {
    pub(super) fn new(places: Places, body: &Body, policy: &Policy, windows: Windows) -> Self {
        Self {
            places,
            is_async: !matches!(body, Body::Blocking(_)),
            windows,
            ttl_millis: match policy.ttl {
                Some((Ttl::Millis(ttl), _)) => Some(ttl),
                _ => None,
            },
            keeps_errors: policy.errors.is_some(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.places.has(name)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    fn is_refreshed(&self) -> bool {
        self.has_any(&["stale", "refresh_ahead"])
    }

    fn by_caller(&self) -> bool {
        self.windows.refresh == Refresh::Caller
    }
}

pub(super) fn of_load(attribute: Attribute, facts: &OfLoad, errors: &mut Errors) {
    report(&STORED, facts, &facts.places, errors);
    if attribute == Attribute::Read {
        report(&RUN, facts, &facts.places, errors);
    }
}

/// How an entry is stored.
const STORED: [Clash<OfLoad>; 3] = [
    Clash {
        rule: Rule::FailSafeWithinStale,
        between: &["stale", "fail_safe"],
        is_met: |load| {
            let fail_safe = load.windows.fail_safe.map(|(millis, _)| millis);
            fail_safe.is_some_and(|millis| load.windows.stale >= Some(millis))
        },
        message: "`fail_safe` must be longer than `stale`: both begin where the ttl ends, and \
                  within `stale` nobody waits for a load that could fail",
    },
    Clash {
        rule: Rule::SlidingWithWindow,
        between: &["sliding", "stale", "fail_safe", "refresh_ahead"],
        is_met: |load| {
            load.has("sliding") && load.has_any(&["stale", "fail_safe", "refresh_ahead"])
        },
        message: "`sliding` moves the end of an entry, and `stale`, `fail_safe` and \
                  `refresh_ahead` count from an end that stands: keep the one or the others",
    },
    Clash {
        rule: Rule::SlidingExceedsTtl,
        between: &["sliding", "ttl"],
        is_met: |load| {
            let ttl = load.ttl_millis;
            ttl.is_some_and(|ttl| load.windows.sliding >= Some(ttl))
        },
        message: "`sliding` must be shorter than `ttl`, which ends an entry however often it \
                  is read",
    },
];

/// How its function runs.
const RUN: [Clash<OfLoad>; 7] = [
    Clash {
        rule: Rule::RefreshWithoutWindow,
        between: &["refresh"],
        is_met: |load| load.has("refresh") && !load.is_refreshed(),
        message: "`refresh` says who refreshes an entry, and nothing here is refreshed: add \
                  `stale = \"10m\"` or `refresh_ahead = 1.0`",
    },
    Clash {
        rule: Rule::RefreshByCallerWithSoftTimeout,
        between: &["refresh", "soft_timeout"],
        is_met: |load| load.is_refreshed() && load.by_caller() && load.has("soft_timeout"),
        message: "`soft_timeout` leaves the load to the background, and `refresh = caller` is \
                  for functions that cannot run there: remove one of them",
    },
    Clash {
        rule: Rule::SoftTimeoutWithoutWindow,
        between: &["soft_timeout"],
        is_met: |load| load.has("soft_timeout") && !load.has_any(&["stale", "fail_safe"]),
        message: "`soft_timeout` answers with an entry past its ttl, and none is kept: add \
                  `fail_safe = \"1h\"`",
    },
    Clash {
        rule: Rule::SoftTimeoutExceedsHard,
        between: &["soft_timeout", "hard_timeout"],
        is_met: |load| {
            let hard = load.windows.hard_timeout;
            hard.is_some_and(|hard| load.windows.soft_timeout >= Some(hard))
        },
        message: "`soft_timeout` must be shorter than `hard_timeout`: a load that is given up \
                  cannot go on in the background",
    },
    Clash {
        rule: Rule::ErrorsWithFailSafe,
        between: &["errors", "fail_safe"],
        is_met: |load| load.keeps_errors && load.has("fail_safe"),
        message: "`errors` keeps an `Err` where `fail_safe` would keep the last value: remove \
                  one of them",
    },
    Clash {
        rule: Rule::BackgroundOfPlainFunction,
        between: &["stale", "refresh_ahead"],
        is_met: |load| !load.is_async && load.is_refreshed() && !load.by_caller(),
        message: "a plain `fn` cannot be refreshed in the background: add `refresh = caller`, or \
                  write `async fn`",
    },
    Clash {
        rule: Rule::TimeoutOfPlainFunction,
        between: &["soft_timeout", "hard_timeout"],
        is_met: |load| !load.is_async && load.has_any(&["soft_timeout", "hard_timeout"]),
        message: "a plain `fn` cannot be left before it is through: write `async fn`, or remove \
                  the timeout",
    },
];

/// What the clashes of a write are judged by.
pub(super) struct OfWrite {
    pub(super) places: Places,
    pub(super) is_around: bool,
    pub(super) is_async: bool,
    pub(super) on_failure: OnFailure,
}

pub(super) fn of_write(facts: &OfWrite, errors: &mut Errors) {
    report(&WRITE, facts, &facts.places, errors);
}

const WRITE: [Clash<OfWrite>; 3] = [
    Clash {
        rule: Rule::AroundPattern,
        between: &["when", "pattern"],
        is_met: |write| write.is_around && write.places.has("pattern"),
        message: "`when = around` puts a fence in every key, and a pattern does not tell its \
                  keys: write `key`, `keys` or `tags`, or `when = after`",
    },
    Clash {
        rule: Rule::SettleOfPatterns,
        between: &["settle"],
        is_met: |write| {
            let names_keys = ["key", "keys", "tags"];
            write.places.has("settle")
                && write.places.has("pattern")
                && !names_keys.iter().any(|name| write.places.has(name))
        },
        message: "`settle` holds keys back, and a pattern does not tell its keys: write `key`, \
                  `keys` or `tags`, or remove `settle`",
    },
    Clash {
        rule: Rule::FailureOfPlainFunction,
        between: &["on_failure"],
        is_met: |write| !write.is_async && write.on_failure == OnFailure::Error,
        message: "a plain `fn` does not wait for its invalidation on a runtime's thread, and so \
                  cannot say what became of it: write `async fn`, or remove `on_failure`",
    },
];
