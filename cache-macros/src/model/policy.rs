//! How long an entry lives, and how it is written.

use proc_macro2::Span;
use syn::Expr;

use super::InScope;

#[derive(Default)]
pub(crate) struct Policy {
    /// With the text the user wrote.
    pub(crate) ttl: Option<(Ttl, String)>,
    pub(crate) jitter: Option<Jitter>,
    /// With the place of its value, where rustc reports a type that has no `None`.
    pub(crate) none: Option<(Keep, Span)>,
    /// With the place of its value, where rustc reports a function that cannot fail.
    pub(crate) errors: Option<(Ttl, Span)>,
    pub(crate) store_if: Option<Expr>,
}

pub(crate) enum Ttl {
    Millis(u64),
    Short,
    Default,
    Long,
    Exactly(InScope),
    /// A closure over the value.
    Of(Expr),
}

#[derive(Clone, Copy)]
pub(crate) enum Jitter {
    Percent(u8),
    Millis(u64),
}

pub(crate) enum Keep {
    Never,
    For(Ttl),
}

/// What an entry is good for beyond its ttl, and how a load may keep its caller
/// waiting. Times are in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) stale: Option<u64>,
    /// With the place of its value, where rustc reports a function that cannot fail.
    pub(crate) fail_safe: Option<(u64, Span)>,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) refresh: Refresh,
    pub(crate) soft_timeout: Option<u64>,
    pub(crate) hard_timeout: Option<u64>,
    pub(crate) sliding: Option<u64>,
    pub(crate) verify: Option<f64>,
}

impl Windows {
    /// Whether the function may run on when its caller has been answered.
    pub(crate) fn need_background(&self) -> bool {
        let is_refreshed = self.stale.is_some() || self.refresh_ahead.is_some();
        (is_refreshed && self.refresh == Refresh::Background) || self.soft_timeout.is_some()
    }
}

/// Who runs the function for an entry that can still be answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    Background,
    Caller,
}

/// How an entry is written; all `None` is the default format.
#[derive(Clone, Default)]
pub(crate) struct Format {
    pub(crate) version: Option<u32>,
    /// Where `postcard` is written.
    pub(crate) postcard: Option<Span>,
    /// From how many bytes on, and where that is written.
    pub(crate) compress: Option<(u32, Span)>,
    pub(crate) max_entry: Option<u32>,
}
