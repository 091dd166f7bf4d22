//! Whatever is done in whatever order, Redis answers as memory does.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const CASES: u32 = 128;

#[derive(Clone, Debug)]
enum Verb {
    Open(u8),
    Create {
        number: u8,
        expected: Option<u8>,
        limit: Option<(u32, bool)>,
        hours: u64,
    },
    Get {
        number: u8,
        secret: u8,
        is_touch: bool,
    },
    Save {
        number: u8,
        secret: u8,
        revision: Option<u64>,
        hours: Option<u64>,
        has_body: bool,
    },
    Extend {
        number: u8,
        secret: u8,
        minutes: u64,
    },
    Rotate {
        number: u8,
        secret: u8,
        fresh: u8,
        minutes: u64,
    },
    Delete {
        number: u8,
        secret: Option<u8>,
    },
    List,
    Revoke,
    RevokeOthers {
        number: u8,
        secret: u8,
    },
    Sweep(bool),
    Advance(u64),
}

/// Whole minutes: the server's own time goes on meanwhile, but not for as long.
fn verb() -> impl Strategy<Value = Verb> {
    use proptest::option::of;
    let (number, secret) = (0..4_u8, 0..3_u8);
    let at = (number.clone(), secret.clone());
    prop_oneof![
        2 => (1..4_u8).prop_map(Verb::Open),
        6 => (number.clone(), of(1..4_u8), of((0..4_u32, any::<bool>())), 0..3_u64).prop_map(
            |(number, expected, limit, hours)| Verb::Create { number, expected, limit, hours }
        ),
        4 => (at.clone(), any::<bool>()).prop_map(
            |((number, secret), is_touch)| Verb::Get { number, secret, is_touch }
        ),
        4 => (at.clone(), of(0..3_u64), of(0..3_u64), any::<bool>()).prop_map(
            |((number, secret), revision, hours, has_body)| {
                Verb::Save { number, secret, revision, hours, has_body }
            }
        ),
        2 => (at.clone(), 0..200_u64).prop_map(
            |((number, secret), minutes)| Verb::Extend { number, secret, minutes }
        ),
        3 => (at.clone(), secret.clone(), 0..3_u64).prop_map(
            |((number, secret), fresh, minutes)| Verb::Rotate { number, secret, fresh, minutes }
        ),
        2 => (number, of(secret)).prop_map(|(number, secret)| Verb::Delete { number, secret }),
        2 => Just(Verb::List),
        1 => Just(Verb::Revoke),
        1 => at.prop_map(|(number, secret)| Verb::RevokeOthers { number, secret }),
        1 => any::<bool>().prop_map(Verb::Sweep),
        4 => prop_oneof![1..6_u64, 10..70_u64].prop_map(Verb::Advance),
    ]
}

/// What it answers, with times counted from the start.
#[expect(clippy::too_many_lines, reason = "an arm for each verb")]
async fn run(user: &User<'_>, name: &str, start: u64, verb: &Verb) -> String {
    let (stage, digest) = (user.stage, |secret| [secret + 1; 32]);
    match *verb {
        Verb::Open(fresh) => format!("{:?}", user.open(fresh).await),
        Verb::Create {
            number,
            expected,
            limit,
            hours,
        } => {
            let new = NewSession {
                digest: &digest(0),
                end: stage.store.now() + hours * HOUR,
                flags: number % 2,
                expected: expected.map(|fresh| [fresh; 16]),
                limit: limit.map(|(most, evicts)| SessionLimit { most, evicts }),
                ..user.new_session(number)
            };
            match user.make(new).await {
                Creation::Created { head, evicted } => {
                    format!("{evicted} {:?}", since(start, head))
                }
                other => format!("{other:?}"),
            }
        }
        Verb::Get {
            number,
            secret,
            is_touch,
        } => {
            let (at, digest) = (user.at(number), digest(secret));
            let get = stage
                .store
                .get_session(at, &digest, is_touch.then_some(IDLE));
            match get.await.unwrap() {
                Found::Session(found) => format!("{:?}", (since(start, found.head), found.data)),
                other => format!("{other:?}"),
            }
        }
        Verb::Save {
            number,
            secret,
            revision,
            hours,
            has_body,
        } => {
            let body = [secret];
            let saving = Saving {
                revision,
                data: &[number, secret],
                body: has_body.then_some(&body[..]),
                end: hours.map(|hours| stage.store.now() + hours * HOUR),
            };
            changed(start, user.save(number, &digest(secret), saving).await)
        }
        Verb::Extend {
            number,
            secret,
            minutes,
        } => {
            let (at, digest) = (user.at(number), digest(secret));
            let most = 2 * HOUR;
            let extend = stage
                .store
                .extend_session(at, &digest, minutes * MINUTE, most);
            changed(start, extend.await.unwrap())
        }
        Verb::Rotate {
            number,
            secret,
            fresh,
            minutes,
        } => {
            let rotation = Rotation {
                fresh: &digest(fresh),
                grace: minutes * MINUTE,
                body: (minutes == 1).then_some(b"rotated"),
            };
            changed(start, user.rotate(number, &digest(secret), rotation).await)
        }
        Verb::Delete { number, secret } => {
            let digest = secret.map(digest);
            format!("{}", user.delete(number, digest.as_ref()).await)
        }
        Verb::List => {
            let list = stage.store.list_sessions(&user.key).await.unwrap().unwrap();
            let mut list: Vec<_> = list
                .into_iter()
                .map(|(id, head)| (id[11], since(start, head)))
                .collect();
            list.sort_by_key(|(id, _)| *id);
            format!("{list:?}")
        }
        Verb::Revoke => format!("{}", user.revoke().await),
        Verb::RevokeOthers { number, secret } => {
            format!("{:?}", user.revoke_others(number, &digest(secret)).await)
        }
        Verb::Sweep(removes) => format!("{:?}", sweep(stage, name, removes).await),
        Verb::Advance(minutes) => {
            advance(stage, minutes * MINUTE);
            String::new()
        }
    }
}

fn since(start: u64, head: Head) -> Head {
    let since = |time: u64| time.wrapping_sub(start);
    Head {
        created: since(head.created),
        accessed: since(head.accessed),
        deadline: since(head.deadline),
        end: since(head.end),
        ..head
    }
}

fn changed(start: u64, change: Change<Head>) -> String {
    match change {
        Change::Done(head) => format!("{:?}", since(start, head)),
        Change::Conflict(found) => format!("{:?}", (since(start, found.head), found.data)),
        other => format!("{other:?}"),
    }
}

#[test]
fn redis_answers_as_memory_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (memory, server) = runtime.block_on(async { (Stage::memory(), Stage::redis().await) });
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let number = Cell::new(0);
    let verbs = proptest::collection::vec(verb(), 1..40);
    let outcome = TestRunner::new(config).run(&verbs, |verbs| {
        number.set(number.get() + 1);
        let name = format!("alike {}", number.get());
        let stages = [&memory, &server];
        let users = stages.map(|stage| (User::of(stage, &name), stage.store.now()));
        for (at, verb) in verbs.iter().enumerate() {
            let answers = users
                .each_ref()
                .map(|(user, start)| runtime.block_on(run(user, &name, *start, verb)));
            prop_assert_eq!(&answers[0], &answers[1], "{} {:?}", at, verb);
            users[1].0.check_end();
        }
        runtime.block_on(async { users[1].0.revoke().await });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
