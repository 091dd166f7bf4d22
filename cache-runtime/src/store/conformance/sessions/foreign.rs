//! What Redis holds under a user's key that nobody wrote there, or nobody can read any more.

use redis::Value;

use super::*;
use crate::store::Store;

/// Head and data are called so before the id.
const HEAD: &[u8] = b"s";
const DATA: &[u8] = b"d";

pub(super) async fn all(stage: &Stage) {
    what_is_no_hash_is_corrupt_and_does_no_harm(stage).await;
    what_is_no_session_is_corrupt_and_does_no_harm(stage).await;
    a_head_is_what_it_was(stage).await;
    what_nobody_can_read_makes_way_in_the_end(stage).await;
    the_servers_time_is_what_counts(stage).await;
}

/// What another client does to the user's hash, with bytes that may be no text.
fn hash(user: &User<'_>, command: &str, rest: &[&[u8]]) -> Value {
    let mut cmd = redis::cmd(command);
    cmd.arg(format!("test:{}", user.key)).arg(rest);
    user.stage.run(&cmd)
}

fn field(kind: &[u8], number: u8) -> Vec<u8> {
    [kind, &id(number)].concat()
}

async fn what_is_no_hash_is_corrupt_and_does_no_harm(stage: &Stage) {
    let user = User::of(stage, "no hash");
    for (command, rest) in [("SET", &["x"][..]), ("LPUSH", &["x"]), ("SADD", &["x"])] {
        stage.foreign(command, &user.key, rest);
        assert_eq!(user.open(1).await, None);
        assert_eq!(user.make(user.new_session(1)).await, Creation::Corrupt);
        assert_eq!(user.get(1, &SECRET).await, Found::Corrupt);
        assert_eq!(user.save(1, &SECRET, SAVING).await, Change::Corrupt);
        assert_eq!(user.rotate(1, &SECRET, ROTATION).await, Change::Corrupt);
        assert_eq!(user.extend(1, HOUR, HOUR).await, Change::Corrupt);
        assert_eq!(user.revoke_others(1, &SECRET).await, Change::Corrupt);
        assert!(!user.delete(1, None).await && !user.delete(1, Some(&SECRET)).await);
        assert_eq!(stage.store.list_sessions(&user.key).await.unwrap(), None);
        let tally = sweep(stage, "no hash", true).await;
        assert_eq!((tally.corrupt, tally.active), (1, 0));
        assert_eq!(user.revoke().await, 0, "and whatever it was is gone");
        assert!(user.listed().await.is_empty());
    }
}

async fn what_is_no_session_is_corrupt_and_does_no_harm(stage: &Stage) {
    let user = User::of(stage, "no session");
    user.create(1).await;
    let Value::BulkString(good) = hash(&user, "HGET", &[&field(HEAD, 1)]) else {
        panic!("{}: it has no head", stage.name());
    };
    let mut later = good.clone();
    later[0] = 2;
    let mut endless = good.clone();
    endless[18..34].fill(0xff);
    let mut backwards = good.clone();
    backwards[18..26].copy_from_slice(&good[26..34]);
    backwards[25] = backwards[25].wrapping_add(1).max(1);
    let heads: [&[u8]; 6] = [b"", b"\x01", &good[..113], &later, &endless, b"text"];
    for head in heads {
        hash(
            &user,
            "HSET",
            &[&field(HEAD, 2), head, &field(DATA, 2), b"data"],
        );
        corrupt(&user, 2).await;
    }
    hash(&user, "HDEL", &[&field(DATA, 2)]);
    hash(&user, "HSET", &[&field(HEAD, 2), &good]);
    corrupt(&user, 2).await;
    hash(&user, "HDEL", &[&field(HEAD, 2)]);
    hash(&user, "HSET", &[&field(DATA, 2), b"data"]);
    corrupt(&user, 2).await;
    // It can be ended all the same.
    user.delete(2, None).await;
    assert_eq!(user.get(2, &SECRET).await, Found::Absent);
    hash(
        &user,
        "HSET",
        &[&field(HEAD, 2), b"x", &field(DATA, 2), b"x"],
    );
    assert_eq!(user.revoke_others(1, &SECRET).await, Change::Done(0));
    assert_eq!(user.get(2, &SECRET).await, Found::Absent);
    // A foreign generation is nobody's, and one without an end gets one.
    hash(&user, "HSET", &[b"g", b"foreign"]);
    hash(&user, "PERSIST", &[]);
    assert_eq!(user.open(7).await, Some([7; 16]));
    user.check_end();
    hash(&user, "PERSIST", &[]);
    sweep(stage, "no session", true).await;
    user.check_end();
    user.revoke().await;
}

/// Nothing but what asks for it notices.
async fn corrupt(user: &User<'_>, number: u8) {
    let name = user.stage.name();
    assert_eq!(user.get(number, &SECRET).await, Found::Corrupt, "{name}");
    assert_eq!(user.save(number, &SECRET, SAVING).await, Change::Corrupt);
    assert_eq!(user.extend(number, HOUR, HOUR).await, Change::Corrupt);
    assert_eq!(
        user.rotate(number, &SECRET, ROTATION).await,
        Change::Corrupt
    );
    assert_eq!(
        user.make(user.new_session(number)).await,
        Creation::Collision
    );
    assert!(!user.delete(number, Some(&SECRET)).await);
    assert!(user.is_there(1).await);
    assert_eq!(
        sweep(user.stage, "no session", true).await.corrupt,
        1,
        "{name}"
    );
}

/// The bytes are read by other versions too.
async fn a_head_is_what_it_was(stage: &Stage) {
    let user = User::of(stage, "golden");
    let now = stage.store.now();
    let number = |time: u64| time.to_be_bytes();
    let head = [
        &[1, ANONYMOUS][..],
        &number(now - 5),
        &number(now - 4),
        &number(now + HOUR),
        &number(now + 2 * HOUR),
        &number(7),
        &SECRET,
        &OTHER,
        &number(now + 1_000),
        b"body",
    ]
    .concat();
    hash(
        &user,
        "HSET",
        &[&field(HEAD, 1), &head, &field(DATA, 1), b""],
    );
    for (digest, is_former) in [(&SECRET, false), (&OTHER, true)] {
        let expected = Head {
            created: now - 5,
            accessed: now - 4,
            deadline: now + HOUR,
            end: now + 2 * HOUR,
            revision: 7,
            flags: ANONYMOUS,
            is_former,
            body: b"body".to_vec(),
        };
        match user.get(1, digest).await {
            Found::Session(found) => assert_eq!((found.head, &*found.data), (expected, &b""[..])),
            other => panic!("{}: {other:?}", stage.name()),
        }
    }
    // Written by a script it is the same.
    user.extend(1, HOUR, HOUR).await;
    let written = hash(&user, "HGET", &[&field(HEAD, 1)]);
    assert_eq!(written, Value::BulkString(head), "{}", stage.name());
    user.check_end();
    user.revoke().await;
}

async fn what_nobody_can_read_makes_way_in_the_end(stage: &Stage) {
    let user = User::of(stage, "full");
    user.create(0).await;
    for number in 0..crate::store::MOST {
        let name = [&[0; 8][..], &number.to_be_bytes()].concat();
        let (head, data) = ([HEAD, &name].concat(), [DATA, &name].concat());
        hash(&user, "HSET", &[&head, b"?", &data, b"?"]);
    }
    let limited = NewSession {
        limit: Some(SessionLimit {
            most: 2,
            evicts: false,
        }),
        ..user.new_session(1)
    };
    let creation = user.make(limited).await;
    let is_created = matches!(creation, Creation::Created { evicted: 0, .. });
    assert!(is_created, "{}: {creation:?}", stage.name());
    assert_eq!(hash(&user, "HLEN", &[]), Value::Int(4));
    assert_eq!(user.listed().await, [0, 1]);
    user.revoke().await;
}

/// As in any process that has no clock of a test's.
async fn the_servers_time_is_what_counts(stage: &Stage) {
    let Store::Redis(redis) = &stage.store else {
        panic!("{}: it is no Redis", stage.name());
    };
    let user = User::of(stage, "time");
    let Value::Array(time) = stage.run(&redis::cmd("TIME")) else {
        panic!("{}: no time", stage.name());
    };
    let time: Vec<u64> = time
        .into_iter()
        .map(|part| redis::from_redis_value(part).unwrap())
        .collect();
    let (before, server) = (time[0] * 1_000, redis.with_server_time());
    let new = NewSession {
        end: before + 24 * HOUR,
        ..user.new_session(1)
    };
    let Creation::Created { head, .. } = server.create_session(&new).await.unwrap() else {
        panic!("{}: not created", stage.name());
    };
    assert!(
        (before..before + MINUTE).contains(&head.created),
        "{}",
        stage.name()
    );
    assert_eq!(head.deadline, head.created + HOUR);
    let left = u64::try_from(stage.end(&user.key).as_millis()).unwrap();
    assert!((HOUR - MINUTE..=HOUR).contains(&left), "{left}");
    let Found::Session(found) = server
        .get_session(user.at(1), &SECRET, Some(IDLE))
        .await
        .unwrap()
    else {
        panic!("{}: not found", stage.name());
    };
    assert_eq!(found.head, head);
    user.revoke().await;
}
