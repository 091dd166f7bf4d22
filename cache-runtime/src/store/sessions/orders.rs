//! Requests of one user that run at once, in every order of their steps: no session comes back, no
//! revocation and no change is lost.
//!
//! A step is a verb, which is atomic. Answers get lost: then the verb was executed, or will be
//! later, after any other step, and the request goes on as it does without an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Change, Creation, Digest, Found, Idle, LOGIN, NewSession, Rotation, Saving, SessionAt,
    SessionField,
};
use crate::entry::Generation;
use crate::store::memory::Users;

const HOUR: u64 = 3_600_000;
const GRACE: u64 = 10_000;

const IDLE: Idle = Idle {
    active_gap: HOUR,
    active: HOUR,
    usual: HOUR,
    least: HOUR,
    most: HOUR,
    touch_every: 0,
};

/// The session that all requests but a login are made with, and another of the same user.
const OURS: SessionField = [1; 12];
const THEIRS: SessionField = [2; 12];
const TOKEN: Digest = [1; 32];

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Reads, which is a touch, and saves; again if somebody else was faster.
    Edit,
    Logout,
    RevokeAll,
    RevokeOthers,
    Rotate,
    Extend,
    Login,
    /// So much time passes that whatever is idle ends.
    Idle,
}

/// How the rules are broken, to show that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    SavingRevives,
    TouchingRevives,
    RevisionIsIgnored,
    GenerationIsIgnored,
    GenerationSurvives,
    OthersKeepGeneration,
    OpeningIsSentAgain,
    FormerTokenRotates,
}

/// A verb on its way.
#[derive(Clone, Copy, Debug)]
enum Sending {
    Get,
    Save {
        revision: u64,
        data: u32,
    },
    Delete,
    Revoke,
    RevokeOthers,
    Rotate {
        fresh: Digest,
    },
    Extend,
    Open {
        fresh: Generation,
    },
    Create {
        begun: Generation,
    },
    /// What a flawed touch does after reading.
    WriteBack,
    Wait,
}

enum Answer {
    Found(Found),
    Saved(Change<super::Head>),
    Opened(Generation),
    Created(Creation),
    Whatever,
}

/// How a verb fares.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    /// It was executed, and nobody knows.
    Unheard,
    /// It will be executed some time.
    Late,
}

/// What the one who asked knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Open,
    Done,
    /// There is no session any more, or the login was refused.
    Refused,
    Unknown,
}

#[derive(Clone)]
struct Request {
    act: Act,
    next: Option<Sending>,
    outcome: Outcome,
    /// When its login began: the step at which the answer that it goes by was given.
    began: Option<usize>,
}

#[derive(Clone)]
struct World {
    users: Users,
    key: Arc<str>,
    flaw: Option<Flaw>,
    now: u64,
    requests: Vec<Request>,
    late: Vec<(usize, Sending)>,
    losses: u8,
    steps: usize,
    live: BTreeSet<SessionField>,
    ended: BTreeSet<SessionField>,
    /// What our token was replaced by.
    rotated: Option<Digest>,
    /// When a session's login began.
    began: BTreeMap<SessionField, usize>,
    /// When all were revoked last, and all but ours; and when time passed.
    revoked: usize,
    others_revoked: usize,
    waited: usize,
}

type Verdict = Result<(), &'static str>;

#[derive(Default)]
struct Explored {
    schedules: usize,
    steps: usize,
    trace: Vec<String>,
}

impl Explored {
    /// Goes on in every way.
    fn explore(&mut self, world: &World) -> Verdict {
        self.steps += 1;
        let mut is_over = true;
        for number in 0..world.requests.len() {
            let Some(sending) = world.requests[number].next else {
                continue;
            };
            is_over = false;
            for fate in world.fates(sending) {
                let mut world = world.clone();
                self.trace.push(format!("{number} {sending:?} {fate:?}"));
                world.send(number, sending, *fate)?;
                self.explore(&world)?;
                self.trace.pop();
            }
        }
        for at in 0..world.late.len() {
            is_over = false;
            let mut world = world.clone();
            let (number, sending) = world.late.remove(at);
            self.trace.push(format!("{number} {sending:?} arrives"));
            world.execute(number, sending)?;
            self.explore(&world)?;
            self.trace.pop();
        }
        if is_over {
            self.schedules += 1;
            world.clone().end()?;
        }
        Ok(())
    }
}

impl World {
    fn new(acts: &[Act], losses: u8, flaw: Option<Flaw>) -> Self {
        let requests = acts.iter().enumerate().map(|(number, act)| Request {
            act: *act,
            next: Some(act.first(number)),
            outcome: Outcome::Open,
            began: None,
        });
        let mut world = Self {
            users: Users::default(),
            key: super::session_key("", &[7; 16]),
            flaw,
            now: 1,
            requests: requests.collect(),
            late: Vec::new(),
            losses,
            steps: 1,
            live: BTreeSet::from([OURS, THEIRS]),
            ended: BTreeSet::new(),
            rotated: None,
            began: BTreeMap::from([(OURS, 0), (THEIRS, 0)]),
            revoked: 0,
            others_revoked: 0,
            waited: 0,
        };
        for id in [OURS, THEIRS] {
            world.create(id, None);
        }
        world
    }

    fn fates(&self, sending: Sending) -> &'static [Fate] {
        if self.losses == 0 || matches!(sending, Sending::Wait) {
            &[Fate::Answered]
        } else {
            &[Fate::Answered, Fate::Unheard, Fate::Late]
        }
    }

    fn send(&mut self, number: usize, sending: Sending, fate: Fate) -> Verdict {
        match fate {
            Fate::Answered => {
                let answer = self.execute(number, sending)?;
                self.answered(number, answer)
            }
            Fate::Unheard => {
                self.losses -= 1;
                self.execute(number, sending)?;
                self.unheard(number, sending);
                Ok(())
            }
            Fate::Late => {
                self.losses -= 1;
                self.late.push((number, sending));
                self.unheard(number, sending);
                Ok(())
            }
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn create(&mut self, id: SessionField, expected: Option<Generation>) -> Creation {
        let new = NewSession {
            at: SessionAt { key: &self.key, id },
            digest: &TOKEN,
            flags: 0,
            end: 24 * HOUR,
            idle: IDLE,
            body: &[],
            data: &0_u32.to_be_bytes(),
            expected,
            limit: None,
        };
        self.users.create(&new, self.now)
    }

    fn execute(&mut self, number: usize, sending: Sending) -> Result<Answer, &'static str> {
        let (key, now) = (self.key.clone(), self.now);
        let at = SessionAt {
            key: &key,
            id: OURS,
        };
        let mut created = None;
        self.steps += 1;
        let answer = match sending {
            Sending::Get => Answer::Found(self.users.get(at, &TOKEN, Some(IDLE), now)),
            Sending::Save { revision, data } => Answer::Saved(self.save(revision, data)),
            Sending::Delete => {
                self.users.delete(at, Some(&TOKEN), now);
                Answer::Whatever
            }
            Sending::Revoke => {
                self.revoke();
                Answer::Whatever
            }
            Sending::RevokeOthers => {
                self.revoke_others();
                Answer::Whatever
            }
            Sending::Rotate { fresh } => {
                self.rotate(fresh)?;
                Answer::Whatever
            }
            Sending::Extend => {
                self.users.extend(at, &TOKEN, HOUR, now);
                Answer::Whatever
            }
            Sending::Open { fresh } => Answer::Opened(self.users.open(&key, fresh, LOGIN, now)),
            Sending::Create { begun } => {
                let id = login(number);
                let expected = (!self.has(Flaw::GenerationIsIgnored)).then_some(begun);
                created = Some(id);
                Answer::Created(self.create(id, expected))
            }
            Sending::WriteBack => {
                self.create(OURS, None);
                Answer::Whatever
            }
            Sending::Wait => {
                self.now += HOUR;
                self.waited = self.steps;
                Answer::Whatever
            }
        };
        if let Some(id) = created {
            let began = self.requests[number].began.unwrap_or(0);
            self.began.insert(id, began);
        }
        self.look(created)?;
        Ok(answer)
    }

    fn save(&mut self, revision: u64, data: u32) -> Change<super::Head> {
        let (key, now) = (self.key.clone(), self.now);
        let at = SessionAt {
            key: &key,
            id: OURS,
        };
        let data = data.to_be_bytes();
        let saving = Saving {
            revision: (!self.has(Flaw::RevisionIsIgnored)).then_some(revision),
            data: &data,
            body: None,
            end: None,
        };
        let saved = self.users.save(at, &TOKEN, &saving, now);
        if saved == Change::Gone && self.has(Flaw::SavingRevives) {
            self.create(OURS, None);
        }
        saved
    }

    fn revoke(&mut self) {
        let key = self.key.clone();
        let kept = self.has(Flaw::GenerationSurvives);
        let kept = kept.then(|| self.users.open(&key, [0; 16], LOGIN, self.now));
        self.users.revoke(&key, self.now);
        if let Some(kept) = kept {
            self.users.open(&key, kept, LOGIN, self.now);
        }
        self.revoked = self.steps;
    }

    fn revoke_others(&mut self) {
        let key = self.key.clone();
        let at = SessionAt {
            key: &key,
            id: OURS,
        };
        let kept = self.has(Flaw::OthersKeepGeneration);
        let kept = kept.then(|| self.users.open(&key, [0; 16], LOGIN, self.now));
        if let Change::Done(_) = self.users.revoke_others(at, &TOKEN, self.now) {
            self.others_revoked = self.steps;
            if let Some(kept) = kept {
                self.users.open(&key, kept, LOGIN, self.now);
            }
        }
    }

    fn rotate(&mut self, fresh: Digest) -> Verdict {
        let (key, now) = (self.key.clone(), self.now);
        let at = SessionAt {
            key: &key,
            id: OURS,
        };
        let rotation = Rotation {
            fresh: &fresh,
            grace: GRACE,
            body: None,
        };
        let mut rotated = self.users.rotate(at, &TOKEN, &rotation, now);
        if rotated == Change::Former && self.has(Flaw::FormerTokenRotates) {
            let current = self.rotated.unwrap_or(TOKEN);
            rotated = self.users.rotate(at, &current, &rotation, now);
        }
        if matches!(rotated, Change::Done(_)) {
            let before = self.rotated.replace(fresh);
            if before.is_some_and(|before| before != fresh) {
                return Err("one token was replaced by two");
            }
        }
        Ok(())
    }

    /// What has become of the sessions; only `created` may be new.
    fn look(&mut self, created: Option<SessionField>) -> Verdict {
        let live = self.users.list(&self.key, self.now);
        let live: BTreeSet<_> = live.into_iter().map(|(id, _)| id).collect();
        for id in &live {
            if self.ended.contains(id) {
                return Err("a session has come back");
            }
            if !self.live.contains(id) && created != Some(*id) {
                return Err("a session has come from nowhere");
            }
            let began = self.began.get(id).copied().unwrap_or(0);
            let others_revoked = if *id == OURS { 0 } else { self.others_revoked };
            if began < self.revoked.max(others_revoked) {
                return Err("a revocation was lost");
            }
        }
        self.ended.extend(self.live.difference(&live));
        self.live = live;
        Ok(())
    }

    fn answered(&mut self, number: usize, answer: Answer) -> Verdict {
        let mut next = None;
        let mut outcome = Outcome::Done;
        match answer {
            Answer::Found(Found::Session(_)) if self.has(Flaw::TouchingRevives) => {
                next = Some(Sending::WriteBack);
            }
            Answer::Found(Found::Session(found)) | Answer::Saved(Change::Conflict(found)) => {
                next = Some(save(number, &found));
            }
            Answer::Whatever if self.has(Flaw::TouchingRevives) => outcome = Outcome::Unknown,
            Answer::Saved(Change::Done(_))
            | Answer::Created(Creation::Created { .. })
            | Answer::Whatever => {}
            Answer::Found(_) | Answer::Saved(_) => outcome = Outcome::Refused,
            Answer::Opened(begun) => {
                self.requests[number].began = Some(self.steps);
                next = Some(Sending::Create { begun });
            }
            Answer::Created(_) => {
                let began = self.requests[number].began.unwrap_or(0);
                if began > self.revoked.max(self.others_revoked).max(self.waited) {
                    return Err("a login was refused for no reason");
                }
                outcome = Outcome::Refused;
            }
        }
        self.requests[number].next = next;
        if next.is_none() {
            self.requests[number].outcome = outcome;
        }
        Ok(())
    }

    /// As the store and its callers do without an answer: what may be executed twice is sent
    /// again, and a login begins anew.
    fn unheard(&mut self, number: usize, sending: Sending) {
        let next = match sending {
            Sending::Open { .. } if self.has(Flaw::OpeningIsSentAgain) => Some(sending),
            Sending::Open { fresh } => Some(Sending::Open {
                fresh: [fresh[0].wrapping_add(100); 16],
            }),
            Sending::Save { .. } | Sending::Create { .. } => None,
            _ => Some(sending),
        };
        self.requests[number].next = next;
        if next.is_none() {
            self.requests[number].outcome = Outcome::Unknown;
        }
    }

    /// All tokens that our session ever had.
    fn tokens(&self) -> Vec<Digest> {
        let fresh = (0..self.requests.len()).map(fresh_token);
        std::iter::once(TOKEN).chain(fresh).collect()
    }

    /// When nothing is on its way any more.
    fn end(&mut self) -> Verdict {
        self.now += GRACE;
        let key = self.key.clone();
        let at = SessionAt {
            key: &key,
            id: OURS,
        };
        let mut found = Vec::new();
        for token in self.tokens() {
            if let Found::Session(session) = self.users.get(at, &token, None, self.now) {
                found.push(session);
            }
        }
        self.look(None)?;
        if found.len() != usize::from(self.live.contains(&OURS)) {
            return Err("a session has no token, or several");
        }
        let Some(session) = found.pop() else {
            return Ok(());
        };
        if self.is_ended_by(Act::Logout) && !self.acts(Act::Rotate) {
            return Err("a logout was lost");
        }
        let data = number_in(&session.data);
        for (number, request) in self.requests.iter().enumerate() {
            let is_in = data & (1 << number) != 0;
            let is_wrong = match request.outcome {
                Outcome::Done => !is_in,
                Outcome::Refused => is_in,
                Outcome::Open | Outcome::Unknown => false,
            };
            if request.act == Act::Edit && is_wrong {
                return Err("a change was lost");
            }
        }
        Ok(())
    }

    fn acts(&self, act: Act) -> bool {
        self.requests.iter().any(|request| request.act == act)
    }

    fn is_ended_by(&self, act: Act) -> bool {
        let mut requests = self.requests.iter();
        requests.any(|request| request.act == act && request.outcome == Outcome::Done)
    }
}

impl Act {
    fn first(self, number: usize) -> Sending {
        match self {
            Self::Edit => Sending::Get,
            Self::Logout => Sending::Delete,
            Self::RevokeAll => Sending::Revoke,
            Self::RevokeOthers => Sending::RevokeOthers,
            Self::Rotate => Sending::Rotate {
                fresh: fresh_token(number),
            },
            Self::Extend => Sending::Extend,
            Self::Login => Sending::Open {
                fresh: [byte(number) + 10; 16],
            },
            Self::Idle => Sending::Wait,
        }
    }
}

/// Adds this request's own bit.
fn save(number: usize, found: &super::StoredSession) -> Sending {
    Sending::Save {
        revision: found.head.revision,
        data: number_in(&found.data) | 1 << number,
    }
}

fn number_in(data: &[u8]) -> u32 {
    u32::from_be_bytes(data.try_into().unwrap())
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap()
}

/// The token that a request rotates to, and the session of one that logs in.
fn fresh_token(number: usize) -> Digest {
    [byte(number) + 50; 32]
}

fn login(number: usize) -> SessionField {
    [byte(number) + 50; 12]
}

const ALL: [Act; 8] = [
    Act::Edit,
    Act::Logout,
    Act::RevokeAll,
    Act::RevokeOthers,
    Act::Rotate,
    Act::Extend,
    Act::Login,
    Act::Idle,
];

/// All groups of so many of these, the same one twice too.
fn groups(of: &[Act], size: usize) -> Vec<Vec<Act>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let rest = groups(&of[at..], size - 1);
        rest.into_iter().map(move |mut group| {
            group.push(of[at]);
            group
        })
    };
    (0..of.len()).flat_map(with_first).collect()
}

#[test]
fn no_order_brings_a_session_back_or_loses_a_revocation_or_a_change() {
    let mut explored = Explored::default();
    let kinds = [
        Act::Edit,
        Act::Logout,
        Act::RevokeAll,
        Act::Rotate,
        Act::Idle,
        Act::Login,
    ];
    let mut all: Vec<_> = groups(&ALL, 3)
        .into_iter()
        .map(|group| (group, 1))
        .collect();
    all.extend(groups(&ALL, 2).into_iter().map(|group| (group, 2)));
    let all_of_four = groups(&kinds, 4).into_iter().map(|group| (group, 0));
    all.extend(all_of_four);
    for (acts, losses) in &all {
        let before = explored.schedules;
        if let Err(what) = explored.explore(&World::new(acts, *losses, None)) {
            panic!("{what}: {acts:?}\n{}", explored.trace.join("\n"));
        }
        assert!(explored.schedules > before);
    }
    println!(
        "{} groups, {} schedules, {} steps",
        all.len(),
        explored.schedules,
        explored.steps
    );
    assert!(explored.schedules > 50_000);
}

#[test]
fn every_broken_rule_is_found() {
    for (flaw, acts, losses, what) in [
        (
            Flaw::SavingRevives,
            [Act::Edit, Act::Logout],
            0,
            "come back",
        ),
        (
            Flaw::TouchingRevives,
            [Act::Edit, Act::RevokeAll],
            0,
            "come back",
        ),
        (
            Flaw::RevisionIsIgnored,
            [Act::Edit, Act::Edit],
            0,
            "change was lost",
        ),
        (
            Flaw::GenerationIsIgnored,
            [Act::Login, Act::RevokeAll],
            0,
            "revocation",
        ),
        (
            Flaw::GenerationSurvives,
            [Act::Login, Act::RevokeAll],
            0,
            "revocation",
        ),
        (
            Flaw::OthersKeepGeneration,
            [Act::Login, Act::RevokeOthers],
            0,
            "revocation",
        ),
        (
            Flaw::OpeningIsSentAgain,
            [Act::Login, Act::RevokeAll],
            1,
            "revocation",
        ),
        (
            Flaw::FormerTokenRotates,
            [Act::Rotate, Act::Rotate],
            0,
            "token was",
        ),
    ] {
        let world = |flaw| World::new(&acts, losses, flaw);
        Explored::default().explore(&world(None)).unwrap();
        let found = Explored::default().explore(&world(Some(flaw)));
        let found = found.expect_err("nothing is found");
        assert!(found.contains(what), "{flaw:?}: {found}");
    }
}
