//! Who takes part: calls as an annotation makes them, over rows of a database that the explorer
//! lets them read and write.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::gate::{Act, Pass, gate};
use super::hash::mix;
use super::scenario::Policy;
use super::sim::learn;
use super::stage::on;
use crate::__private::{
    KeySource, Site, Template, Ttl, Windows, batch, call, many, returns, tag as template, write,
};
use crate::Cache;

/// The time to live of every entry, and the length of its windows.
pub(super) const SECONDS: u64 = 60;
const MILLIS: u64 = SECONDS * 1000;
const KEYS: &[KeySource] = &[KeySource::template("cell:<n>")];
const TAGS: &[Template] = &[template("group")];

static PLAIN: Site = Site::read("plain").keys(KEYS);
static STALE: Site = Site::read("stale")
    .keys(KEYS)
    .windows(Windows::new().stale(MILLIS));
static STALE_BY_CALLER: Site = Site::read("stale by caller")
    .keys(KEYS)
    .windows(Windows::new().stale(MILLIS).refresh_by_caller());
static FAIL_SAFE: Site = Site::read("fail-safe")
    .keys(KEYS)
    .windows(Windows::new().fail_safe(MILLIS));
static SOFT: Site = Site::read("soft")
    .keys(KEYS)
    .windows(Windows::new().fail_safe(MILLIS).soft_timeout(MILLIS));
static TAGGED: Site = Site::read("tagged").keys(KEYS).tags(TAGS);
static TAGGED_FAIL_SAFE: Site = Site::read("tagged, fail-safe")
    .keys(KEYS)
    .tags(TAGS)
    .windows(Windows::new().fail_safe(MILLIS));
static MANY: Site = Site::read("many").keys(KEYS);
static MANY_TAGGED: Site = Site::read("many, tagged").keys(KEYS).tags(TAGS);
static UPDATE: Site = Site::update("update").keys(KEYS);
static WRITE: Site = Site::write("write").keys(KEYS).tags(TAGS);
static AROUND: Site = Site::write("around").keys(KEYS).tags(TAGS).around();

/// What a loader fails with.
#[derive(Clone, Debug)]
pub(super) struct Broken;

type Output = Result<u64, Broken>;
type Many = Result<BTreeMap<u64, u64>, Broken>;

static CELLS: LazyLock<[Arc<str>; 2]> = LazyLock::new(|| ["cell:0".into(), "cell:1".into()]);
static TAG: LazyLock<Arc<str>> = LazyLock::new(|| "[tag]group".into());

pub(super) fn key(cell: usize) -> Arc<str> {
    CELLS[cell].clone()
}

/// The cell that this is the key of.
pub(super) fn cell(key: &str) -> usize {
    usize::from(key == &*CELLS[1])
}

pub(super) fn tag() -> Arc<str> {
    TAG.clone()
}

/// A call of a cached function.
pub(super) async fn read(cache: Cache, cell: usize, policy: Policy) {
    gate(Act::Begin, &[key(cell)]).await;
    let known = on(|stage| stage.known(cell));
    learn(known, || format!("{known} is known"));
    let site = match policy {
        Policy::Plain => &PLAIN,
        Policy::Stale => &STALE,
        Policy::StaleByCaller => &STALE_BY_CALLER,
        Policy::FailSafe => &FAIL_SAFE,
        Policy::Soft => &SOFT,
        Policy::Tagged => &TAGGED,
        Policy::TaggedFailSafe => &TAGGED_FAIL_SAFE,
    };
    let mut reading = call(site, returns::<Output>().__cache_shape()).cache(cache);
    if policy.is_tagged() {
        reading = reading.tag(0, &[]);
    }
    let reading = reading.key(&[&(cell as u64)]).ttl(Ttl::seconds(SECONDS));
    let body = move || load(cell);
    let output = match policy {
        Policy::Stale | Policy::Soft => reading.read_behind(body).await,
        _ => reading.read(body).await,
    };
    if let Ok(value) = output {
        on(|stage| stage.answer(value, known));
    }
}

async fn load(cell: usize) -> Output {
    load_all(&[cell]).await.map(|values| values[0].1)
}

/// A call of a function that answers for several ids.
pub(super) async fn read_all(cache: Cache, cells: usize, policy: Policy) {
    let cells: Vec<_> = (0..cells).collect();
    let keys: Vec<_> = cells.iter().map(|cell| key(*cell)).collect();
    gate(Act::Begin, &keys).await;
    let known = cells.iter().map(|cell| on(|stage| stage.known(*cell)));
    let known: Vec<_> = known.collect();
    learn(known.iter().copied().fold(0, mix), || {
        format!("{known:?} is known")
    });
    let site = if policy.is_tagged() {
        &MANY_TAGGED
    } else {
        &MANY
    };
    let ids: Vec<u64> = cells.iter().map(|cell| *cell as u64).collect();
    let shape = returns::<Many>().__cache_shape();
    let reading = many(site, shape, batch(&ids)).cache(cache);
    let reading = reading.each(|id, one| {
        let one = if policy.is_tagged() {
            one.tag(0, &[])
        } else {
            one
        };
        one.key(&[id])
    });
    let output = reading.ttl(Ttl::seconds(SECONDS)).read(load_many).await;
    for (id, value) in output.into_iter().flatten() {
        let cell = usize::try_from(id).unwrap();
        on(|stage| stage.answer(value, known[cell]));
    }
}

async fn load_many(ids: Vec<u64>) -> Many {
    let cells: Vec<_> = ids
        .into_iter()
        .map(|id| usize::try_from(id).unwrap())
        .collect();
    let values = load_all(&cells).await?;
    Ok(values
        .into_iter()
        .map(|(cell, value)| (cell as u64, value))
        .collect())
}

async fn load_all(cells: &[usize]) -> Result<Vec<(usize, u64)>, Broken> {
    let loads = cells
        .iter()
        .map(|cell| Loading(*cell, on(|stage| stage.load_begins(*cell))));
    let _loads: Vec<_> = loads.collect();
    let keys: Vec<_> = cells.iter().map(|cell| key(*cell)).collect();
    if gate(Act::Load, &keys).await == Pass::Otherwise {
        learn(0, || "an error".to_owned());
        return Err(Broken);
    }
    let values = cells
        .iter()
        .map(|cell| (*cell, on(|stage| stage.value(*cell))));
    let values: Vec<_> = values.collect();
    let sum = values.iter().fold(1, |sum, (_, value)| mix(sum, *value));
    learn(sum, || format!("{values:?}"));
    gate(Act::Loaded, &keys).await;
    Ok(values)
}

/// A load is over however it ends.
struct Loading(usize, u64);

impl Drop for Loading {
    fn drop(&mut self) {
        on(|stage| stage.load_ends(self.0, self.1));
    }
}

/// What a write invalidates.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aim {
    Cell(usize),
    /// The tag, and with it all cells.
    Tag,
}

impl Aim {
    fn cells(self, cells: usize) -> Vec<usize> {
        match self {
            Self::Cell(cell) => vec![cell],
            Self::Tag => (0..cells).collect(),
        }
    }
}

/// How a write goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    After,
    Around,
}

/// A call of a function that writes and invalidates.
pub(super) async fn invalidate(cache: Cache, aim: Aim, when: When) {
    let site = match when {
        When::After => &WRITE,
        When::Around => &AROUND,
    };
    let write = write(site).cache(cache);
    let write = match aim {
        Aim::Cell(cell) => write.key(0, &[&(cell as u64)]),
        Aim::Tag => write.tag(0, &[]),
    };
    let written = write.run(|| commit(aim, when)).await;
    on(|stage| stage.make_known(&written));
}

/// A call of a function whose result is the new entry.
pub(super) async fn update(cache: Cache, cell: usize) {
    gate(Act::Begin, &[key(cell)]).await;
    learn(0, || "an update".to_owned());
    let updating = call(&UPDATE, returns::<Output>().__cache_shape())
        .cache(cache)
        .key(&[&(cell as u64)])
        .ttl(Ttl::seconds(SECONDS));
    let body = async || Ok(commit(Aim::Cell(cell), When::After).await[0].1);
    if let Ok(value) = updating.update(body).await {
        on(|stage| stage.make_known(&[(cell, value)]));
    }
}

/// Writes the rows, and says what they hold then.
async fn commit(aim: Aim, when: When) -> Vec<(usize, u64)> {
    let cells = aim.cells(on(|stage| stage.facts.rows()));
    let keys: Vec<_> = cells.iter().map(|cell| key(*cell)).collect();
    gate(Act::Commit, &keys).await;
    let written = on(|stage| {
        let written: Vec<_> = cells
            .iter()
            .map(|cell| (*cell, stage.commit(*cell)))
            .collect();
        if when == When::Around {
            stage.fence(&written);
        }
        written
    });
    learn(0, || format!("{written:?}"));
    written
}
