//! Who takes part: calls as an annotation makes them, with loaders and writers that the explorer
//! lets through.

use std::sync::Arc;

use super::stage::{Act, Pass, gate, observe, on};
use crate::__private::{KeySource, Site, Ttl, call, shape, write};
use crate::Cache;

static READ: Site = Site::read("read").keys(&[KeySource::template("cell:<n>")]);
static UPDATE: Site = Site::update("update").keys(&[KeySource::template("cell:<n>")]);
static WRITE: Site = Site::write("write").keys(&[KeySource::template("cell:<n>")]);

/// What a loader fails with.
#[derive(Clone, Debug)]
pub(super) struct Broken;

pub(super) fn key(cell: usize) -> Arc<str> {
    format!("cell:{cell}").into()
}

/// A read through the cache.
pub(super) async fn read(cache: Cache, cell: usize) {
    gate(Act::Begin, &key(cell)).await;
    let floor = on(|stage| stage.floor(cell));
    observe(floor, || format!("it must see {floor} or later"));
    let call = call(&READ, shape!(Result<u64, Broken>)).cache(cache);
    let call = call.key(&[&(cell as u64)]).ttl(Ttl::seconds(60));
    if let Ok(value) = call.read(|| load(cell)).await {
        on(|stage| stage.read_ends(value, floor));
    }
}

async fn load(cell: usize) -> Result<u64, Broken> {
    let _loading = Loading::of(cell);
    if gate(Act::Load, &key(cell)).await == Pass::Otherwise {
        observe(0, || "fails".to_owned());
        return Err(Broken);
    }
    let value = on(|stage| stage.row(cell));
    observe(value + 1, || format!("finds {value}"));
    Ok(value)
}

/// A load is over however it ends.
struct Loading(usize, u64);

impl Loading {
    fn of(cell: usize) -> Self {
        Self(cell, on(|stage| stage.load_begins(cell)))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        on(|stage| stage.load_ends(self.0, self.1));
    }
}

/// A write that invalidates when it has committed.
pub(super) async fn invalidate(cache: Cache, cell: usize) {
    let write = write(&WRITE).cache(cache).key(0, &[&(cell as u64)]);
    let value = write.run(|| commit(cell)).await;
    on(|stage| stage.promise(cell, value));
}

/// A write whose result is the new entry.
pub(super) async fn update(cache: Cache, cell: usize) {
    gate(Act::Begin, &key(cell)).await;
    observe(0, || "updates".to_owned());
    let call = call(&UPDATE, shape!(Result<u64, Broken>)).cache(cache);
    let call = call.key(&[&(cell as u64)]).ttl(Ttl::seconds(60));
    let value = call.update(async || Ok(commit(cell).await)).await;
    if let Ok(value) = value {
        on(|stage| stage.promise(cell, value));
    }
}

async fn commit(cell: usize) -> u64 {
    gate(Act::Commit, &key(cell)).await;
    let value = on(|stage| stage.commit(cell));
    observe(value, || format!("makes it {value}"));
    value
}
