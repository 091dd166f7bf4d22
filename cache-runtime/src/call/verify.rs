//! `verify`: on a share of the hits the body runs as well, to find entries that a write should
//! have invalidated and did not.

use std::sync::Arc;
use std::time::Duration;

use super::hooks::Hooks;
use super::limits::Ended;
use super::load::Load;
use super::read::Call;
use super::shape::Shape;
use super::site::Site;
use crate::cache::Cache;
use crate::observe::Event;
use crate::store::{Keyed, Read, Reading};

/// A write whose body has just ended may still be invalidating.
const GRACE: Duration = Duration::from_millis(250);

/// A hit on which the body runs as well.
pub(super) struct Verify<V> {
    pub(super) value: V,
    /// What the value was read from.
    pub(super) reading: Reading,
    pub(super) load: Load,
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Answers with what the body says, if it says anything: where the two differ, the entry may
    /// be old.
    pub(super) async fn compare(
        &self,
        verify: Verify<S::Value>,
        ended: Ended<S::Output>,
    ) -> S::Output {
        let Verify {
            value,
            reading,
            load,
        } = verify;
        let cache = load.cache.clone();
        let (outcome, _) = self.conclude(load, ended).await;
        cache.count(Event::Verified);
        let Ok(loaded) = outcome else {
            return S::join(Ok(value));
        };
        if !((self.ops)().is_same)(&value, &loaded, &self.site.format) {
            self.look_again(cache, reading);
        }
        S::join(Ok(loaded))
    }

    fn look_again(&self, cache: Cache, reading: Reading) {
        let Some((permit, key)) = cache.0.background.permit().zip(self.key.clone()) else {
            return;
        };
        let tags = self.tags.clone();
        permit.spawn(report_if_it_stays(self.site, cache, (key, tags), reading));
    }
}

/// An entry that is still there when every write has had its time is one that a write forgot.
async fn report_if_it_stays(
    site: &'static Site,
    cache: Cache,
    (key, tags): (Arc<str>, Vec<Arc<str>>),
    before: Reading,
) {
    tokio::time::sleep(GRACE).await;
    let (key, tags) = (&key, &tags[..]);
    let store = &cache.0.store;
    let now = store
        .read(Keyed { key, tags }, &mut cache.fresh_budget())
        .await;
    let is_answered = |now: &Read| matches!(now.fresh_entry(store.now()), Ok(Some(_)));
    if !now.is_ok_and(|now| now.reading.is_same(&before) && is_answered(&now)) {
        return;
    }
    cache.count(Event::Mismatch);
    tracing::warn!(
        site = site.name,
        template = site.template(0).map(crate::key::Template::text),
        "its entry differs from what its body loads: some write does not invalidate it"
    );
}
