//! The scenarios, each as small as its question allows.

use super::actors::{Aim, When};
use super::facts::Limits;
use super::scenario::Part::{self, Read, ReadAll, ReadTwice, Update, Write};
use super::scenario::{Policy, Scenario, Start};

const A: usize = 0;
const B: usize = 1;
const AFTER: Part = Write(Aim::Cell(0), When::After);
const AROUND: Part = Write(Aim::Cell(0), When::Around);
const TAG: Part = Write(Aim::Tag, When::After);
const AROUND_TAG: Part = Write(Aim::Tag, When::Around);

const NONE: Limits = Limits {
    lease_ends: 0,
    entry_ends: 0,
    tag_ends: 0,
    time: 0,
    crashes: 0,
    drops: 0,
    failures: 0,
    lost: 0,
    timeouts: 0,
};

const fn plain(name: &'static str, parts: &'static [(usize, Part)], limits: Limits) -> Scenario {
    Scenario {
        name,
        policy: Policy::Plain,
        start: Start::Nothing,
        cells: 1,
        processes: 2,
        parts,
        limits,
    }
}

/// One key, without windows and tags.
pub(super) const READS: &[Scenario] = &[
    plain("a read meets a write", &[(A, Read(0)), (B, AFTER)], NONE),
    plain(
        "reads share a load",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        NONE,
    ),
    plain(
        "a process waits for another",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        NONE,
    ),
    plain(
        "a read begins when one has ended",
        &[(A, Read(0)), (A, ReadTwice(0)), (B, AFTER)],
        NONE,
    ),
    plain("writes meet", &[(A, Read(0)), (A, AFTER), (B, AFTER)], NONE),
    Scenario {
        start: Start::Stored,
        ..plain(
            "an entry is evicted",
            &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
            Limits {
                entry_ends: 1,
                ..NONE
            },
        )
    },
    plain(
        "a lease ends early",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        Limits {
            lease_ends: 1,
            ..NONE
        },
    ),
    plain(
        "a lease ends early, and another process takes it",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        Limits {
            lease_ends: 1,
            ..NONE
        },
    ),
    plain(
        "the answer to a lease is lost, and it arrives late",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        Limits { lost: 1, ..NONE },
    ),
    plain(
        "a load fails",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        Limits {
            failures: 1,
            ..NONE
        },
    ),
    plain(
        "somebody stops waiting",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        Limits {
            timeouts: 1,
            ..NONE
        },
    ),
    plain(
        "somebody stops waiting for another process",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        Limits {
            timeouts: 1,
            ..NONE
        },
    ),
    plain(
        "a process is killed",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        Limits { crashes: 1, ..NONE },
    ),
    plain(
        "a call is dropped",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        Limits { drops: 1, ..NONE },
    ),
];

/// One key, and functions whose result is the new entry.
pub(super) const UPDATES: &[Scenario] = &[
    plain(
        "an update meets a write",
        &[(A, Read(0)), (A, Update(0)), (B, AFTER)],
        NONE,
    ),
    plain(
        "updates meet",
        &[(A, Update(0)), (B, Update(0)), (B, Read(0))],
        NONE,
    ),
    plain(
        "an update loses its lease to its own process",
        &[(A, Update(0)), (A, Read(0))],
        Limits {
            lease_ends: 1,
            ..NONE
        },
    ),
    plain(
        "an update loses its lease to another process",
        &[(A, Update(0)), (B, ReadTwice(0))],
        Limits {
            lease_ends: 1,
            ..NONE
        },
    ),
    plain(
        "an update is dropped",
        &[(A, Update(0)), (A, Read(0))],
        Limits { drops: 1, ..NONE },
    ),
    plain(
        "an update is dropped, and another process reads",
        &[(A, Update(0)), (B, Read(0))],
        Limits { drops: 1, ..NONE },
    ),
    plain(
        "an update is killed",
        &[(A, Update(0)), (B, Read(0)), (B, AFTER)],
        Limits { crashes: 1, ..NONE },
    ),
];

const fn old(
    policy: Policy,
    name: &'static str,
    parts: &'static [(usize, Part)],
    limits: Limits,
) -> Scenario {
    Scenario {
        policy,
        start: Start::Old,
        ..plain(name, parts, limits)
    }
}

const FAILS: Limits = Limits {
    failures: 1,
    ..NONE
};

/// One key, with an entry past its time to live.
pub(super) const WINDOWS: &[Scenario] = &[
    old(
        Policy::FailSafe,
        "fail-safe: reads share a load",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        FAILS,
    ),
    old(
        Policy::FailSafe,
        "fail-safe: a process waits for another",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        FAILS,
    ),
    old(
        Policy::FailSafe,
        "fail-safe: a lease ends early",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        Limits {
            lease_ends: 1,
            ..FAILS
        },
    ),
    old(
        Policy::Stale,
        "stale: reads share a refresh",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        FAILS,
    ),
    old(
        Policy::Stale,
        "stale: a process refreshes for another",
        &[(A, Read(0)), (B, Read(0)), (B, AFTER)],
        FAILS,
    ),
    old(
        Policy::StaleByCaller,
        "stale: callers refresh",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        FAILS,
    ),
    old(
        Policy::Soft,
        "soft timeout: reads share a load",
        &[(A, Read(0)), (A, Read(0)), (B, AFTER)],
        Limits {
            timeouts: 1,
            ..FAILS
        },
    ),
    old(
        Policy::FailSafe,
        "fail-safe: an update meets a read",
        &[(A, Read(0)), (A, Update(0)), (B, Read(0))],
        FAILS,
    ),
];

/// One key, fenced while it is written.
pub(super) const FENCES: &[Scenario] = &[
    plain(
        "a fence: reads share a load",
        &[(A, Read(0)), (A, Read(0)), (B, AROUND)],
        NONE,
    ),
    plain(
        "a fence: reads of both processes",
        &[(A, Read(0)), (B, Read(0)), (B, AROUND)],
        NONE,
    ),
    plain(
        "fences meet",
        &[(A, Read(0)), (A, AROUND), (B, AROUND)],
        NONE,
    ),
    plain(
        "a fence meets an update",
        &[(A, Read(0)), (A, Update(0)), (B, AROUND)],
        NONE,
    ),
    plain(
        "a fence meets a write",
        &[(A, Read(0)), (A, AFTER), (B, AROUND)],
        NONE,
    ),
    Scenario {
        start: Start::Stored,
        ..plain(
            "a fence: its writer is killed",
            &[(A, Read(0)), (A, Read(0)), (B, AROUND)],
            Limits { crashes: 1, ..NONE },
        )
    },
    plain(
        "a fence: a call is dropped",
        &[(A, Read(0)), (A, Read(0)), (B, AROUND)],
        Limits { drops: 1, ..NONE },
    ),
    old(
        Policy::FailSafe,
        "a fence before an old entry",
        &[(A, Read(0)), (A, Read(0)), (B, AROUND)],
        FAILS,
    ),
];

const EVICTED: Limits = Limits {
    tag_ends: 1,
    ..NONE
};

/// One key under a tag.
pub(super) const TAGS: &[Scenario] = &[
    Scenario {
        policy: Policy::Tagged,
        ..plain(
            "a tag: reads of one key share a load",
            &[(A, Read(0)), (A, Read(0)), (B, TAG)],
            EVICTED,
        )
    },
    Scenario {
        policy: Policy::Tagged,
        ..plain(
            "a tag: reads of both processes",
            &[(A, Read(0)), (B, Read(0)), (B, TAG)],
            EVICTED,
        )
    },
    Scenario {
        policy: Policy::Tagged,
        ..plain(
            "a fenced tag",
            &[(A, Read(0)), (A, Read(0)), (B, AROUND_TAG)],
            NONE,
        )
    },
    old(
        Policy::TaggedFailSafe,
        "a tag on an old entry",
        &[(A, Read(0)), (A, Read(0)), (B, TAG)],
        FAILS,
    ),
];

const fn two(
    policy: Policy,
    name: &'static str,
    parts: &'static [(usize, Part)],
    limits: Limits,
) -> Scenario {
    Scenario {
        policy,
        cells: 2,
        ..plain(name, parts, limits)
    }
}

/// Two keys under one tag.
pub(super) const PAIRS: &[Scenario] = &[
    two(
        Policy::Tagged,
        "a tag: two keys",
        &[(A, Read(0)), (A, Read(1)), (B, TAG)],
        EVICTED,
    ),
    two(
        Policy::Tagged,
        "a tag: two keys of two processes",
        &[(A, Read(0)), (B, Read(1)), (B, TAG)],
        EVICTED,
    ),
];

/// Two keys, asked for at once.
pub(super) const BATCHES: &[Scenario] = &[
    two(
        Policy::Plain,
        "a batch meets a write",
        &[(A, ReadAll), (B, AFTER)],
        NONE,
    ),
    two(
        Policy::Plain,
        "a batch meets a read",
        &[(A, ReadAll), (A, Read(0)), (B, AFTER)],
        NONE,
    ),
    two(
        Policy::Plain,
        "a batch meets a read of another process",
        &[(A, ReadAll), (B, Read(0)), (B, AFTER)],
        NONE,
    ),
    two(
        Policy::Plain,
        "batches meet",
        &[(A, ReadAll), (A, ReadAll)],
        NONE,
    ),
    two(
        Policy::Plain,
        "batches of two processes meet",
        &[(A, ReadAll), (B, ReadAll)],
        NONE,
    ),
    two(
        Policy::Plain,
        "a batch fails",
        &[(A, ReadAll), (A, Read(0))],
        FAILS,
    ),
    two(
        Policy::Tagged,
        "a batch under a tag",
        &[(A, ReadAll), (B, TAG)],
        NONE,
    ),
];

/// All of them, the quickest first.
pub(super) const GROUPS: [&[Scenario]; 7] = [READS, UPDATES, FENCES, WINDOWS, TAGS, PAIRS, BATCHES];

pub(super) fn named(name: &str) -> Option<&'static Scenario> {
    let mut all = GROUPS.into_iter().flatten();
    all.find(|scenario| scenario.name == name)
}
