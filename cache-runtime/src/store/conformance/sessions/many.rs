//! A hundred thousand sessions of twenty thousand users.

use super::*;
use crate::store::{MOST, Store};

const USERS: u64 = 20_000;
const EACH: u64 = 5;
/// No command may take longer, in microseconds.
const LONGEST: f64 = 5_000.0;

/// Writes users as the scripts do. Arguments: the first, how many sessions each, a head, what to
/// begin the keys with, the last.
const SEED: &str = r"
for user = ARGV[1], ARGV[5] do
    local key, fields = ARGV[4] .. string.format('%022d', user) .. '}', {}
    for id = 1, ARGV[2] do
        local name = string.format('%012d', id)
        fields[#fields + 1], fields[#fields + 2] = 's' .. name, ARGV[3]
        fields[#fields + 1], fields[#fields + 2] = 'd' .. name, string.rep('x', 200)
    end
    redis.call('HSET', key, unpack(fields))
    redis.call('PEXPIRE', key, 3600000)
end";

/// What the server has done so far: how often each command was called.
fn calls(stage: &Stage) -> std::collections::BTreeMap<String, u64> {
    let mut info = redis::cmd("INFO");
    let text: String = redis::from_redis_value(stage.run(info.arg("commandstats"))).unwrap();
    let one = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    };
    text.lines().filter_map(one).collect()
}

/// How often each command was called meanwhile, but for what this asks itself.
async fn called(stage: &Stage, what: impl Future<Output = ()>) -> Vec<(String, u64)> {
    let before = calls(stage);
    what.await;
    let mut after = calls(stage);
    after.remove("info");
    for (name, count) in &mut after {
        *count -= before.get(name).copied().unwrap_or(0);
    }
    after.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// What its main thread has worked so far, in microseconds: whatever else the machine does shows
/// in any other time.
fn worked(stage: &Stage) -> f64 {
    let mut info = redis::cmd("INFO");
    let text: String = redis::from_redis_value(stage.run(info.arg("cpu"))).unwrap();
    let one = |name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().parse::<f64>().unwrap()
    };
    1e6 * (one("used_cpu_user_main_thread:") + one("used_cpu_sys_main_thread:"))
}

/// How long the server works at something.
async fn work(stage: &Stage, what: impl Future<Output = ()>) -> f64 {
    let before = worked(stage);
    what.await;
    worked(stage) - before
}

fn count(calls: &[(String, u64)], name: &str) -> u64 {
    let of_it = calls.iter().find(|(called, _)| called == name);
    of_it.map_or(0, |(_, count)| *count)
}

fn head(deadline: u64, end: u64) -> Vec<u8> {
    let times = [0, 0, deadline, end, 0].map(u64::to_be_bytes).concat();
    let digests = [SECRET, [0; 32]].concat();
    [&[1, 0][..], &times, &digests, &[0; 8], &[b'b'; 300]].concat()
}

/// Users with so many sessions each, of which every one ends at that time.
fn seed(stage: &Stage, name: &str, (first, users): (u64, u64), each: u64, head: &[u8]) {
    for first in (first..first + users).step_by(1_000) {
        let mut eval = redis::cmd("EVAL");
        eval.arg(SEED).arg(0).arg(first).arg(each).arg(head);
        eval.arg(format!("test:[session]{name}{{"));
        eval.arg((first + 1_000).min(first + users) - 1);
        stage.run(&eval);
    }
}

fn seeded(name: &str, user: u64) -> Arc<str> {
    format!("[session]{name}{{{user:022}}}").into()
}

#[tokio::test]
async fn a_hundred_thousand_sessions_are_counted_and_cleaned_in_short_steps() {
    let stage = Stage::redis().await;
    let now = stage.store.now();
    let (live, over) = (head(now + HOUR, now + HOUR), head(now - 1, now + HOUR));
    seed(&stage, "kind", (0, USERS), EACH, &live);
    seed(&stage, "kind", (0, USERS / 4), EACH - 1, &over);
    let all = SessionTally {
        users: USERS,
        anonymous: 0,
        active: 80_000,
        expired: 20_000,
        removed: 0,
        corrupt: 0,
    };
    let (mut tally, mut time) = (SessionTally::default(), 0.0);
    let calls = called(&stage, async {
        let sweep = async { tally = sweep(&stage, "kind", false).await };
        time = work(&stage, sweep).await;
    });
    let calls = calls.await;
    assert_eq!(tally, all);
    assert_eq!(
        count(&calls, "keys") + count(&calls, "hgetall"),
        0,
        "{calls:?}"
    );
    let sent = u32::try_from(count(&calls, "evalsha") + count(&calls, "scan")).unwrap();
    let each = time / f64::from(sent);
    println!("{sent} commands took {each:.1} us each");
    assert!(each < LONGEST);
    let mut scan = redis::cmd("SCAN");
    scan.arg(0).arg("MATCH").arg(r"test:\[session\]kind{*");
    scan.arg("COUNT").arg(256);
    let scanning = work(&stage, async {
        for _ in 0..20 {
            stage.run(&scan);
        }
    });
    let scanning = scanning.await / 20.0;
    println!("a scan took {scanning:.1} us");
    assert!(scanning < LONGEST);
    let (mut cursor, mut removed) = (SessionCursor::default(), 0);
    for _ in 0..10 {
        let step = stage.store.sweep_sessions("kind", cursor, true).await;
        let (next, tally) = step.unwrap();
        assert_eq!(tally.removed, tally.expired);
        (cursor, removed) = (next, removed + tally.removed);
    }
    assert!(removed > 0 && !cursor.is_done(), "{removed}");
    one_round_trip(&stage).await;
}

/// Reading with a touch that is due, and listing.
async fn one_round_trip(stage: &Stage) {
    let user = User {
        stage,
        key: seeded("kind", USERS - 1),
    };
    let at = SessionAt {
        key: &user.key,
        id: *b"000000000001",
    };
    for round in 0..2 {
        let touched = called(stage, async {
            let get = stage.store.get_session(at, &SECRET, Some(IDLE)).await;
            assert!(matches!(get.unwrap(), Found::Session(_)));
        });
        let touched = touched.await;
        let listed = called(stage, async {
            let list = stage.store.list_sessions(&user.key).await.unwrap();
            assert_eq!(list.unwrap().len() as u64, EACH);
        });
        let listed = listed.await;
        // The server sees a script for the first time.
        if round > 0 {
            assert_eq!(
                (count(&touched, "evalsha"), count(&touched, "hset")),
                (1, 1)
            );
            assert_eq!(count(&listed, "evalsha"), 1, "{listed:?}");
            let only = ["evalsha", "hmget", "hset", "hkeys", "pttl", "pexpire"];
            let mut all = touched.iter().chain(&listed);
            assert!(all.all(|(name, _)| only.contains(&&**name)), "{touched:?}");
        }
        // Another touch is due; no key has to end for it.
        stage.tick(Duration::from_millis(MINUTE));
    }
}

#[tokio::test]
async fn a_user_with_as_many_sessions_as_may_be_is_no_burden() {
    const OPERATIONS: [&str; 7] = [
        "list",
        "sweep",
        "evict one",
        "evict all",
        "revoke others",
        "revoke all",
        "read",
    ];
    let stage = Stage::redis().await;
    let now = stage.store.now();
    let live = head(now + HOUR, now + HOUR);
    let mut least = [f64::MAX; OPERATIONS.len()];
    for attempt in 0..5 {
        for (operation, least) in least.iter_mut().enumerate() {
            let name = format!("burden{:x}", rand::random::<u32>());
            seed(&stage, &name, (0, 1), u64::from(MOST), &live);
            let user = User {
                stage: &stage,
                key: seeded(&name, 0),
            };
            let took = work(&stage, burden(&user, &name, operation)).await;
            // The first time the server compiles the script.
            if attempt > 0 {
                *least = least.min(took);
            }
        }
    }
    for (operation, took) in OPERATIONS.iter().zip(least) {
        println!("{operation}: {took:.0} us");
        assert!(took < LONGEST, "{operation}: {took} us");
    }
}

async fn burden(user: &User<'_>, name: &str, operation: usize) {
    let (store, each) = (&user.stage.store, u64::from(MOST));
    let at = SessionAt {
        key: &user.key,
        id: *b"000000000001",
    };
    let evicted = |creation| match creation {
        Creation::Created { evicted, .. } => evicted,
        other => panic!("{other:?}"),
    };
    match operation {
        0 => {
            let list = store.list_sessions(&user.key).await.unwrap();
            assert_eq!(list.unwrap().len() as u64, each);
        }
        1 => assert_eq!(sweep(user.stage, name, true).await.active, each),
        2 => assert_eq!(evicted(user.make(user.new_session(1)).await), 1),
        3 => {
            let only = NewSession {
                limit: Some(SessionLimit {
                    most: 1,
                    evicts: true,
                }),
                ..user.new_session(1)
            };
            assert_eq!(evicted(user.make(only).await), MOST);
        }
        4 => {
            let others = store.revoke_others(at, &SECRET).await.unwrap();
            assert_eq!(others, Change::Done(each - 1));
        }
        5 => assert_eq!(user.revoke().await, each),
        _ => {
            let get = store.get_session(at, &SECRET, Some(IDLE)).await.unwrap();
            assert!(matches!(get, Found::Session(_)));
        }
    }
}

#[tokio::test]
async fn memory_is_swept_in_steps_and_forgets_who_is_over() {
    const HERE: u64 = 1_000;
    let stage = Stage::memory();
    for _ in 0..HERE {
        User::of(&stage, "here").create(1).await;
    }
    User::of(&stage, "hereafter").create(1).await;
    let (mut cursor, mut steps, mut active) = (SessionCursor::default(), 0, 0);
    while !cursor.is_done() {
        let step = stage.store.sweep_sessions("here", cursor, true).await;
        let (next, tally) = step.unwrap();
        assert!(tally.active <= HERE / 2, "{tally:?}");
        (cursor, steps, active) = (next, steps + 1, active + tally.active);
    }
    assert_eq!(active, HERE);
    assert!(steps > 1);
    advance(&stage, HOUR);
    // Two of them go with each that comes, though nobody asks for them any more.
    for _ in 0..HERE / 2 {
        User::of(&stage, "here").create(1).await;
    }
    let Store::Memory(memory) = &stage.store else {
        panic!("it is memory");
    };
    let left = memory.records().sessions().len() as u64;
    assert!(left < HERE, "{left}");
}
