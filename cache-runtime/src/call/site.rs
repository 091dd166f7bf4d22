//! What an attribute wrote down about its function: one static a function, known at link time.

use std::any::TypeId;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::windows::Windows;
use crate::cache::{Cache, Terms};
use crate::entry::{Fingerprint, Format};
use crate::key::Template;
use crate::observe::Event;

/// The template of a tag, which follows the rules of a key.
pub const fn tag(text: &'static str) -> Template {
    Template::parse(text)
}

/// What an annotated function does to its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SiteKind {
    /// `#[cache_result]`
    Read,
    /// `#[update_cache]`
    Update,
    /// `#[cache_many]`
    Many,
    /// `#[invalidate_cache]`
    Write,
}

/// Where the keys of a function come from.
pub enum KeySource {
    /// A template in place.
    Template(Template),
    /// A pattern in place.
    Pattern(Template),
    /// A constant of type `KeyTemplate`.
    Constant(fn() -> &'static str),
    /// The companion of a cached function, by name.
    Companion(&'static str),
    /// Any other expression, as written.
    Computed(&'static str),
}

impl KeySource {
    /// A template in place.
    pub const fn template(text: &'static str) -> Self {
        Self::Template(Template::parse(text))
    }

    /// A pattern in place.
    pub const fn pattern(text: &'static str) -> Self {
        Self::Pattern(Template::pattern(text))
    }

    /// A constant of type `KeyTemplate`.
    pub const fn constant(text: fn() -> &'static str) -> Self {
        Self::Constant(text)
    }

    /// The companion of a cached function, by name.
    pub const fn companion(name: &'static str) -> Self {
        Self::Companion(name)
    }

    /// Any other expression, as written.
    pub const fn computed(text: &'static str) -> Self {
        Self::Computed(text)
    }
}

/// An annotated function.
pub struct Site {
    pub(crate) kind: SiteKind,
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [KeySource],
    pub(crate) value: Option<&'static str>,
    pub(crate) ttl: Option<&'static str>,
    pub(crate) companion: Option<&'static str>,
    pub(crate) external: Option<&'static str>,
    pub(crate) format: Format,
    pub(crate) tags: &'static [Template],
    pub(crate) windows: Windows,
    /// Whether its keys are fenced while its body runs.
    pub(crate) is_around: bool,
    /// How its keys are invalidated after its body.
    pub(crate) terms: Terms,
    max_loads: Option<usize>,
    loads: OnceLock<Semaphore>,
    has_warned: AtomicBool,
    pub(crate) place: &'static Location<'static>,
    fingerprint: OnceLock<(TypeId, Fingerprint)>,
}

impl Site {
    #[track_caller]
    const fn new(kind: SiteKind, name: &'static str) -> Self {
        Self {
            kind,
            name,
            keys: &[],
            value: None,
            ttl: None,
            companion: None,
            external: None,
            format: Format::new(),
            tags: &[],
            windows: Windows::new(),
            is_around: false,
            terms: Terms {
                settle: Duration::ZERO,
                replicas: 0,
            },
            max_loads: None,
            loads: OnceLock::new(),
            has_warned: AtomicBool::new(false),
            place: Location::caller(),
            fingerprint: OnceLock::new(),
        }
    }

    /// A function under `#[cache_result]`.
    #[track_caller]
    pub const fn read(name: &'static str) -> Self {
        Self::new(SiteKind::Read, name)
    }

    /// A function under `#[cache_many]`.
    #[track_caller]
    pub const fn many(name: &'static str) -> Self {
        Self::new(SiteKind::Many, name)
    }

    /// A function under `#[update_cache]`.
    #[track_caller]
    pub const fn update(name: &'static str) -> Self {
        Self::new(SiteKind::Update, name)
    }

    /// A function under `#[invalidate_cache]`.
    #[track_caller]
    pub const fn write(name: &'static str) -> Self {
        Self::new(SiteKind::Write, name)
    }

    /// Its keys.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [KeySource]) -> Self {
        self.keys = keys;
        self
    }

    /// Its return type, as written.
    #[must_use]
    pub const fn value(mut self, value: &'static str) -> Self {
        self.value = Some(value);
        self
    }

    /// Its time to live, as written.
    #[must_use]
    pub const fn ttl(mut self, ttl: &'static str) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// The name of its companion.
    #[must_use]
    pub const fn companion(mut self, name: &'static str) -> Self {
        self.companion = Some(name);
        self
    }

    /// Why nothing here caches what it invalidates.
    #[must_use]
    pub const fn external(mut self, reason: &'static str) -> Self {
        self.external = Some(reason);
        self
    }

    /// How its entries are written.
    #[must_use]
    pub const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Its tags.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [Template]) -> Self {
        self.tags = tags;
        self
    }

    /// What holds past the time to live.
    #[must_use]
    pub const fn windows(mut self, windows: Windows) -> Self {
        self.windows = windows;
        self
    }

    /// `when = around`
    #[must_use]
    pub const fn around(mut self) -> Self {
        self.is_around = true;
        self
    }

    /// `settle = ..`, in milliseconds.
    #[must_use]
    pub const fn settle(mut self, millis: u64) -> Self {
        self.terms.settle = Duration::from_millis(millis);
        self
    }

    /// `confirm = replicas(..)`
    #[must_use]
    pub const fn confirm(mut self, replicas: u32) -> Self {
        self.terms.replicas = replicas;
        self
    }

    /// How many of its loads may run at once in this process.
    #[must_use]
    pub const fn max_loads(mut self, most: usize) -> Self {
        self.max_loads = Some(most);
        self
    }

    /// The fingerprint of the value type; a generic function has one static and many types.
    pub(crate) fn fingerprint(
        &self,
        value: TypeId,
        compute: impl Fn() -> Fingerprint,
    ) -> Fingerprint {
        let (known, fingerprint) = self.fingerprint.get_or_init(|| (value, compute()));
        if *known == value {
            *fingerprint
        } else {
            compute()
        }
    }

    /// What bounds its concurrent loads, if anything does.
    pub(crate) fn limit(&self) -> Option<&Semaphore> {
        self.max_loads
            .map(|most| self.loads.get_or_init(|| Semaphore::new(most)))
    }

    /// Whether this is the first of its warnings.
    pub(crate) fn warns_first_time(&self) -> bool {
        !self.has_warned.swap(true, Ordering::Relaxed)
    }

    /// Counts, and says once, that a key needs a part of the key context that the caller lacks.
    pub(super) fn lack(&self, name: &'static str, cache: &Cache) {
        cache.count(Event::ContextMissing);
        if self.warns_first_time() {
            tracing::warn!(
                site = self.name,
                "its key needs `<@{name}>`, and it is called outside of `key_context(\"{name}\", ..)`: \
                 for this call it has no key"
            );
        }
    }

    /// The template of the key at `index`, where it was written in place.
    pub(crate) fn template(&self, index: usize) -> Option<&'static Template> {
        match self.keys.get(index)? {
            KeySource::Template(template) | KeySource::Pattern(template) => Some(template),
            _ => None,
        }
    }
}
