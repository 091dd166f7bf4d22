//! A hit in the embedded store, which waits for nothing and allocates no key.

use std::sync::Arc;

use super::read::Call;
use super::scope::{self, Usage};
use super::shape::Shape;
use super::site::SiteKind;
use crate::cache::{Current, current_in};
use crate::entry::Kind;
use crate::key::{KeyPart, Template};
use crate::observe::Event;
use crate::store::{Content, MemoryEntry, Store};

/// An entry in memory that answers a call.
pub(super) struct InMemory {
    cache: Current,
    entry: Arc<MemoryEntry>,
}

impl<S: Shape, H> Call<S, H> {
    /// The entry of this key, if the cache of this call has it in memory and it answers the call.
    pub(super) fn find_in_memory(
        &self,
        template: &Template,
        parts: &[&dyn KeyPart],
    ) -> Option<InMemory> {
        let mut context = scope::context();
        let cache = current_in(&mut context, self.cache.as_ref());
        let Store::Memory(memory) = &cache.0.store else {
            return None;
        };
        if self.site.kind != SiteKind::Read || !self.site.windows.ends_with_a_hit() {
            return None;
        }
        let entry = template.render_with(parts, |key| {
            let usage = context.usage_of(&cache, key, &self.tags);
            let reads = matches!(usage, Usage::Normal | Usage::ReadOnly);
            reads.then(|| memory.fresh(key, &self.tags)).flatten()
        })?;
        self.is_answered_by(&entry)
            .then(|| InMemory { cache, entry })
    }

    fn is_answered_by(&self, entry: &MemoryEntry) -> bool {
        let Content::Value(value) = &entry.content else {
            return false;
        };
        entry.kind == Kind::Value
            && entry.version == self.site.format.schema_version()
            && (**value).type_id() == ((self.ops)().type_id)()
    }

    /// The value that was found when the key was rendered.
    pub(super) fn answer(&self) -> Option<S::Output> {
        let InMemory { cache, entry } = self.found.as_ref()?;
        let Content::Value(value) = &entry.content else {
            return None;
        };
        let value = ((self.ops)().open)(&**value)?;
        cache.count(Event::Hit);
        Some(S::join(Ok(value)))
    }
}
