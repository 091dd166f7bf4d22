//! What each verb does to a user's sessions.

mod alike;
mod foreign;
mod many;

use std::sync::Arc;
use std::time::Duration;

use super::stage::Stage;
use crate::store::{
    ANONYMOUS, Change, Creation, Digest, Found, Head, Idle, LOGIN, NewSession, Rotation, Saving,
    SessionAt, SessionCursor, SessionField, SessionLimit, SessionTally, session_key,
};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// The usual rule.
const IDLE: Idle = Idle {
    active_gap: 5 * MINUTE,
    active: HOUR,
    usual: 30 * MINUTE,
    least: 15 * MINUTE,
    most: 2 * HOUR,
    touch_every: MINUTE,
};

const SECRET: Digest = [1; 32];
const OTHER: Digest = [2; 32];

const SAVING: Saving<'_> = Saving {
    revision: None,
    data: b"saved",
    body: None,
    end: None,
};

const ROTATION: Rotation<'_> = Rotation {
    fresh: &OTHER,
    grace: 10_000,
    body: None,
};

/// A user on a stage.
struct User<'a> {
    stage: &'a Stage,
    key: Arc<str>,
}

fn id(number: u8) -> SessionField {
    let mut id = *b"s:\0\r\n{}dg\xff\xfe\0";
    id[11] = number;
    id
}

impl<'a> User<'a> {
    fn on(stage: &'a Stage) -> Self {
        Self::of(stage, "any")
    }

    /// Of a kind of sessions that is counted apart.
    fn of(stage: &'a Stage, name: &str) -> Self {
        let key = session_key(name, &rand::random());
        Self { stage, key }
    }

    fn at(&self, number: u8) -> SessionAt<'_> {
        SessionAt {
            key: &self.key,
            id: id(number),
        }
    }

    fn new_session(&self, number: u8) -> NewSession<'_> {
        NewSession {
            at: self.at(number),
            digest: &SECRET,
            flags: 0,
            end: self.stage.store.now() + 24 * HOUR,
            idle: IDLE,
            body: b"body",
            data: b"data",
            expected: None,
            limit: None,
        }
    }

    async fn make(&self, new: NewSession<'_>) -> Creation {
        self.stage.store.create_session(new).await.unwrap()
    }

    async fn create(&self, number: u8) -> Head {
        match self.make(self.new_session(number)).await {
            Creation::Created { head, evicted: 0 } => head,
            other => panic!("{}: {other:?}", self.stage.name()),
        }
    }

    async fn get(&self, number: u8, digest: &Digest) -> Found {
        let get = self.stage.store.get_session(self.at(number), digest, None);
        get.await.unwrap()
    }

    /// As a request does.
    async fn visit(&self, number: u8) -> Head {
        let at = self.at(number);
        let get = self.stage.store.get_session(at, &SECRET, Some(IDLE));
        match get.await.unwrap() {
            Found::Session(found) => found.head,
            other => panic!("{}: {other:?}", self.stage.name()),
        }
    }

    async fn is_there(&self, number: u8) -> bool {
        matches!(self.get(number, &SECRET).await, Found::Session(_))
    }

    async fn save(&self, number: u8, digest: &Digest, saving: Saving<'_>) -> Change<Head> {
        let at = self.at(number);
        let save = self.stage.store.save_session(at, digest, saving);
        save.await.unwrap()
    }

    async fn rotate(&self, number: u8, digest: &Digest, rotation: Rotation<'_>) -> Change<Head> {
        let at = self.at(number);
        let rotate = self.stage.store.rotate_session(at, digest, rotation);
        rotate.await.unwrap()
    }

    async fn extend(&self, number: u8, by: u64, most: u64) -> Change<Head> {
        let at = self.at(number);
        let extend = self.stage.store.extend_session(at, &SECRET, by, most);
        extend.await.unwrap()
    }

    async fn delete(&self, number: u8, digest: Option<&Digest>) -> bool {
        let delete = self.stage.store.delete_session(self.at(number), digest);
        delete.await.unwrap()
    }

    async fn revoke(&self) -> u64 {
        self.stage.store.revoke_sessions(&self.key).await.unwrap()
    }

    async fn revoke_others(&self, number: u8, digest: &Digest) -> Change<u64> {
        let revoke = self.stage.store.revoke_others(self.at(number), digest);
        revoke.await.unwrap()
    }

    async fn open(&self, fresh: u8) -> Option<[u8; 16]> {
        let window = Duration::from_millis(LOGIN);
        let open = self.stage.store.open_login(&self.key, [fresh; 16], window);
        open.await.unwrap()
    }

    /// The names of those that are listed.
    async fn listed(&self) -> Vec<u8> {
        let list = self.stage.store.list_sessions(&self.key).await.unwrap();
        let mut all: Vec<_> = list.unwrap().iter().map(|(id, _)| id[11]).collect();
        all.sort_unstable();
        all
    }

    /// Nothing lives for ever.
    fn check_end(&self) {
        if self.stage.is_redis() {
            let end = match self.stage.foreign("PTTL", &self.key, &[]) {
                redis::Value::Int(millis) => millis,
                other => panic!("{other:?}"),
            };
            assert_ne!(end, -1, "{}: without an end", self.stage.name());
        }
    }
}

fn advance(stage: &Stage, millis: u64) {
    stage.advance(Duration::from_millis(millis));
}

fn gone<T>(change: &Change<T>) -> bool {
    matches!(change, Change::Gone)
}

async fn sweep(stage: &Stage, name: &str, removes: bool) -> SessionTally {
    let (mut cursor, mut sum) = (SessionCursor::default(), SessionTally::default());
    while !cursor.is_done() {
        let step = stage.store.sweep_sessions(name, cursor, removes);
        let (next, tally) = step.await.unwrap();
        (cursor, sum) = (next, sum + tally);
    }
    sum
}

impl std::ops::Add for SessionTally {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

/// All on one stage: a server for each takes longer than they do.
async fn all(stage: &Stage) {
    a_session_is_found_by_its_secret_only(stage).await;
    creation_never_overwrites(stage).await;
    what_is_gone_is_never_saved_or_rotated_or_extended(stage).await;
    a_save_keeps_the_lifetime_and_loses_no_change(stage).await;
    idle_sessions_end_as_the_rule_says(stage).await;
    extending_goes_as_far_as_it_may(stage).await;
    a_former_token_reads_and_saves_for_a_while(stage).await;
    a_login_that_began_before_a_revocation_is_refused(stage).await;
    a_login_has_its_time_and_no_more(stage).await;
    of_too_many_the_least_recently_used_makes_way(stage).await;
    revoking_ends_all_or_all_others(stage).await;
    sweeping_counts_and_takes_away_what_is_over(stage).await;
}

#[tokio::test]
async fn memory_does_as_the_scenarios_say() {
    all(&Stage::memory()).await;
}

#[tokio::test]
async fn redis_does_as_the_scenarios_say() {
    let stage = Stage::redis().await;
    all(&stage).await;
    foreign::all(&stage).await;
}

#[tokio::test]
async fn a_cluster_does_as_the_scenarios_say() {
    let stage = Stage::cluster().await;
    all(&stage).await;
    foreign::all(&stage).await;
}

async fn a_session_is_found_by_its_secret_only(stage: &Stage) {
    let user = User::on(stage);
    assert_eq!(user.get(1, &SECRET).await, Found::Absent);
    let created = user.create(1).await;
    let now = stage.store.now();
    assert_eq!(created.created, now);
    assert_eq!(
        (created.deadline, created.end),
        (now + HOUR, now + 24 * HOUR)
    );
    assert_eq!((created.revision, &*created.body), (0, &b"body"[..]));
    match user.get(1, &SECRET).await {
        Found::Session(found) => {
            assert_eq!(found.head, created, "{}", stage.name());
            assert_eq!(found.data, b"data");
        }
        other => panic!("{}: {other:?}", stage.name()),
    }
    assert_eq!(user.get(1, &OTHER).await, Found::Absent);
    assert_eq!(user.get(1, &[0; 32]).await, Found::Absent, "no former one");
    assert_eq!(user.get(2, &SECRET).await, Found::Absent);
    user.check_end();
}

async fn creation_never_overwrites(stage: &Stage) {
    let user = User::on(stage);
    user.create(1).await;
    let other = NewSession {
        digest: &OTHER,
        ..user.new_session(1)
    };
    assert_eq!(user.make(other).await, Creation::Collision);
    assert!(user.is_there(1).await);
    // Neither does it bring an end that is over.
    let over = NewSession {
        end: stage.store.now(),
        ..user.new_session(2)
    };
    let creation = user.make(over).await;
    assert!(matches!(creation, Creation::Created { evicted: 0, .. }));
    assert_eq!(user.get(2, &SECRET).await, Found::Absent);
    assert_eq!(user.listed().await, [1]);
    user.check_end();
}

async fn what_is_gone_is_never_saved_or_rotated_or_extended(stage: &Stage) {
    let user = User::on(stage);
    user.create(2).await;
    for end in 0..4 {
        user.create(1).await;
        match end {
            0 => assert!(user.delete(1, Some(&SECRET)).await),
            1 => assert!(user.delete(1, None).await),
            2 => assert_eq!(user.revoke().await, 2),
            _ => advance(stage, HOUR),
        }
        assert!(gone(&user.save(1, &SECRET, SAVING).await));
        assert!(gone(&user.rotate(1, &SECRET, ROTATION).await));
        assert!(gone(&user.extend(1, HOUR, HOUR).await));
        assert!(gone(&user.revoke_others(1, &SECRET).await));
        assert!(!user.delete(1, Some(&SECRET)).await);
        assert!(!user.is_there(1).await, "{}", stage.name());
        assert_eq!(user.is_there(2).await, end < 2);
    }
    assert!(user.listed().await.is_empty());
}

async fn a_save_keeps_the_lifetime_and_loses_no_change(stage: &Stage) {
    let user = User::on(stage);
    let created = user.create(1).await;
    advance(stage, 20 * MINUTE);
    let saving = Saving {
        revision: Some(0),
        body: Some(b"new"),
        ..SAVING
    };
    let saved = Head {
        revision: 1,
        body: b"new".to_vec(),
        ..created
    };
    assert_eq!(user.save(1, &SECRET, saving).await, Change::Done(saved));
    match user.save(1, &SECRET, saving).await {
        Change::Conflict(now) => {
            assert_eq!((now.head.revision, &*now.data), (1, &b"saved"[..]));
        }
        other => panic!("{}: {other:?}", stage.name()),
    }
    assert!(gone(&user.save(1, &OTHER, SAVING).await));
    let end = stage.store.now() + 90 * HOUR;
    let moved = Saving {
        end: Some(end),
        ..SAVING
    };
    match user.save(1, &SECRET, moved).await {
        Change::Done(head) => assert_eq!((head.end, head.deadline), (end, end)),
        other => panic!("{}: {other:?}", stage.name()),
    }
    advance(stage, 89 * HOUR);
    assert!(user.is_there(1).await, "{}", stage.name());
    let over = Saving {
        end: Some(0),
        ..SAVING
    };
    assert!(matches!(user.save(1, &SECRET, over).await, Change::Done(_)));
    assert_eq!(user.get(1, &SECRET).await, Found::Absent);
}

async fn idle_sessions_end_as_the_rule_says(stage: &Stage) {
    let user = User::on(stage);
    let created = user.create(1).await;
    let start = created.created;
    // Not written down yet, then active, then back after a while, then old.
    for (at, accessed, deadline) in [
        (MINUTE - 1, 0, HOUR),
        (MINUTE, MINUTE, HOUR + MINUTE),
        (20 * MINUTE, 20 * MINUTE, HOUR + MINUTE),
        (50 * MINUTE, 50 * MINUTE, 80 * MINUTE),
        (52 * MINUTE, 52 * MINUTE, 112 * MINUTE),
    ] {
        advance(stage, start + at - stage.store.now());
        let head = user.visit(1).await;
        let times = (head.accessed - start, head.deadline - start);
        assert_eq!(times, (accessed, deadline), "{} at {at}", stage.name());
        user.check_end();
    }
    while stage.store.now() < start + 23 * HOUR {
        advance(stage, 14 * MINUTE);
        user.visit(1).await;
    }
    let old = user.visit(1).await;
    assert!(old.deadline - stage.store.now() <= 30 * MINUTE, "halved");
    while stage.store.now() < start + 24 * HOUR - 14 * MINUTE {
        advance(stage, 14 * MINUTE);
        user.visit(1).await;
    }
    assert_eq!(user.visit(1).await.deadline, created.end);
    advance(stage, 14 * MINUTE);
    assert!(!user.is_there(1).await, "{}", stage.name());
}

async fn extending_goes_as_far_as_it_may(stage: &Stage) {
    let user = User::on(stage);
    let created = user.create(1).await;
    for (by, most, deadline) in [
        (MINUTE, 2 * HOUR, HOUR),
        (90 * MINUTE, 2 * HOUR, 90 * MINUTE),
        (9 * HOUR, 2 * HOUR, 2 * HOUR),
        (u64::MAX, u64::MAX, 24 * HOUR),
    ] {
        match user.extend(1, by, most).await {
            Change::Done(head) => assert_eq!(head.deadline, created.created + deadline),
            other => panic!("{}: {other:?}", stage.name()),
        }
    }
    // The server goes on by itself.
    advance(stage, 24 * HOUR - 30_000);
    assert!(user.is_there(1).await, "{}", stage.name());
}

async fn a_former_token_reads_and_saves_for_a_while(stage: &Stage) {
    let user = User::on(stage);
    user.create(1).await;
    let rotation = Rotation {
        body: Some(b"admin"),
        ..ROTATION
    };
    for _ in 0..2 {
        // The second is the first, whose answer was lost.
        match user.rotate(1, &SECRET, rotation).await {
            Change::Done(head) => {
                assert_eq!((head.revision, &*head.body), (1, &b"admin"[..]));
                assert!(!head.is_former);
            }
            other => panic!("{}: {other:?}", stage.name()),
        }
    }
    for (digest, is_former) in [(&SECRET, true), (&OTHER, false)] {
        match user.get(1, digest).await {
            Found::Session(found) => assert_eq!(found.head.is_former, is_former),
            other => panic!("{}: {other:?}", stage.name()),
        }
        match user.save(1, digest, SAVING).await {
            Change::Done(head) => assert_eq!(head.is_former, is_former),
            other => panic!("{}: {other:?}", stage.name()),
        }
    }
    let third = Rotation {
        fresh: &[3; 32],
        ..ROTATION
    };
    assert_eq!(user.rotate(1, &SECRET, third).await, Change::Former);
    assert_eq!(user.revoke_others(1, &SECRET).await, Change::Former);
    advance(stage, 9_999);
    assert!(user.is_there(1).await, "{}", stage.name());
    advance(stage, 1);
    assert_eq!(user.get(1, &SECRET).await, Found::Absent);
    assert!(!user.delete(1, Some(&SECRET)).await);
    // A rotation without grace ends the token at once, and the one before it.
    let at_once = Rotation { grace: 0, ..third };
    assert!(matches!(
        user.rotate(1, &OTHER, at_once).await,
        Change::Done(_)
    ));
    assert_eq!(user.get(1, &OTHER).await, Found::Absent);
    assert!(user.delete(1, Some(&[3; 32])).await);
}

async fn a_login_that_began_before_a_revocation_is_refused(stage: &Stage) {
    let user = User::on(stage);
    user.create(1).await;
    for (round, all) in [true, false, true].into_iter().enumerate() {
        let number = 10 + u8::try_from(round).unwrap();
        let begun = user.open(number).await.unwrap();
        assert_eq!(user.open(99).await, Some(begun), "one for all in flight");
        if all {
            user.revoke().await;
            user.create(1).await;
        } else {
            let others = user.revoke_others(1, &SECRET).await;
            assert!(matches!(others, Change::Done(_)));
        }
        let login = NewSession {
            expected: Some(begun),
            ..user.new_session(number)
        };
        assert_eq!(
            user.make(login).await,
            Creation::Revoked,
            "{}",
            stage.name()
        );
        // One that begins now is another.
        let begun = user.open(number + 100).await;
        assert_eq!(begun, Some([number + 100; 16]));
        let login = NewSession {
            expected: begun,
            ..login
        };
        let creation = user.make(login).await;
        assert!(
            matches!(creation, Creation::Created { .. }),
            "{}",
            stage.name()
        );
        user.check_end();
    }
}

async fn a_login_has_its_time_and_no_more(stage: &Stage) {
    let user = User::on(stage);
    let begun = user.open(1).await;
    advance(stage, LOGIN - 10_000);
    let login = |number| NewSession {
        expected: begun,
        ..user.new_session(number)
    };
    let creation = user.make(login(1)).await;
    assert!(
        matches!(creation, Creation::Created { .. }),
        "{}",
        stage.name()
    );
    // What a logout leaves is for logins in flight only.
    assert!(user.delete(1, None).await);
    let creation = user.make(login(2)).await;
    assert!(
        matches!(creation, Creation::Created { .. }),
        "{}",
        stage.name()
    );
    assert!(user.delete(2, None).await);
    user.check_end();
    advance(stage, LOGIN);
    assert_eq!(user.make(login(3)).await, Creation::Revoked);
    if stage.is_redis() {
        let exists = stage.foreign("EXISTS", &user.key, &[]);
        assert_eq!(exists, redis::Value::Int(0));
    }
}

async fn of_too_many_the_least_recently_used_makes_way(stage: &Stage) {
    let user = User::on(stage);
    for number in 1..=3 {
        user.create(number).await;
        advance(stage, MINUTE);
    }
    user.visit(1).await;
    let limited = |number, most, evicts| NewSession {
        limit: Some(SessionLimit { most, evicts }),
        ..user.new_session(number)
    };
    assert_eq!(user.make(limited(4, 3, false)).await, Creation::Full);
    assert_eq!(user.listed().await, [1, 2, 3], "{}", stage.name());
    let evicted = |creation| match creation {
        Creation::Created { evicted, .. } => evicted,
        other => panic!("{}: {other:?}", stage.name()),
    };
    assert_eq!(evicted(user.make(limited(4, 4, false)).await), 0);
    assert_eq!(evicted(user.make(limited(5, 3, true)).await), 2);
    assert_eq!(user.listed().await, [1, 4, 5], "{}", stage.name());
    // Those that are over count for nobody.
    advance(stage, HOUR - MINUTE);
    user.create(6).await;
    advance(stage, MINUTE);
    assert_eq!(evicted(user.make(limited(7, 2, false)).await), 0);
    assert_eq!(user.listed().await, [6, 7], "{}", stage.name());
    assert_eq!(evicted(user.make(limited(8, 0, true)).await), 2);
    assert_eq!(user.listed().await, [8]);
    user.check_end();
}

async fn revoking_ends_all_or_all_others(stage: &Stage) {
    let (user, other) = (User::on(stage), User::on(stage));
    for number in 1..=3 {
        user.create(number).await;
        other.create(number).await;
    }
    assert_eq!(user.revoke_others(2, &SECRET).await, Change::Done(2));
    assert_eq!(user.listed().await, [2], "{}", stage.name());
    assert_eq!(user.revoke().await, 1);
    assert_eq!(user.revoke().await, 0);
    assert!(user.listed().await.is_empty());
    assert_eq!(other.listed().await, [1, 2, 3]);
}

async fn sweeping_counts_and_takes_away_what_is_over(stage: &Stage) {
    let (user, other, nobody) = {
        let user = || User::of(stage, "kind");
        (user(), user(), user())
    };
    user.create(1).await;
    advance(stage, HOUR / 2);
    for (user, number) in [(&user, 2), (&user, 3), (&other, 1)] {
        user.create(number).await;
    }
    nobody.open(1).await;
    let anonymous = NewSession {
        flags: ANONYMOUS,
        ..nobody.new_session(1)
    };
    nobody.make(anonymous).await;
    advance(stage, HOUR / 2);
    let seen = SessionTally {
        users: 2,
        anonymous: 1,
        active: 4,
        expired: 1,
        removed: 0,
        corrupt: 0,
    };
    assert_eq!(sweep(stage, "kind", false).await, seen, "{}", stage.name());
    let removed = SessionTally { removed: 1, ..seen };
    assert_eq!(sweep(stage, "kind", true).await, removed);
    let left = SessionTally { expired: 0, ..seen };
    assert_eq!(sweep(stage, "kind", true).await, left, "{}", stage.name());
    for another in ["", "kin", "kinds", "*", "k{nd"] {
        let none = SessionTally::default();
        assert_eq!(sweep(stage, another, true).await, none, "{another}");
    }
    stage.store.sweep("*").await.unwrap();
    assert_eq!(user.listed().await, [2, 3], "not an entry");
    user.check_end();
}
