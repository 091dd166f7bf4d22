//! What a call decides by the value: its lifetime, and whether it is stored.

use super::lifetime::Ttl;

/// Decisions by the value; each wraps those before it.
pub trait Hooks<V> {
    /// A time to live of the value's own.
    fn ttl(&self, value: &V) -> Option<Ttl>;
    /// Whether the value is stored.
    fn stores(&self, value: &V) -> bool;
}

impl<V> Hooks<V> for () {
    fn ttl(&self, _value: &V) -> Option<Ttl> {
        None
    }

    fn stores(&self, _value: &V) -> bool {
        true
    }
}

impl<V, H: Hooks<V>> Hooks<V> for &H {
    fn ttl(&self, value: &V) -> Option<Ttl> {
        (**self).ttl(value)
    }

    fn stores(&self, value: &V) -> bool {
        (**self).stores(value)
    }
}

/// `ttl = |value| ..`
pub struct TtlOf<F, H>(pub(super) F, pub(super) H);

impl<V, F: Fn(&V) -> std::time::Duration, H: Hooks<V>> Hooks<V> for TtlOf<F, H> {
    fn ttl(&self, value: &V) -> Option<Ttl> {
        Some(Ttl::exactly((self.0)(value)))
    }

    fn stores(&self, value: &V) -> bool {
        self.1.stores(value)
    }
}

/// `store_if = |value| ..`
pub struct StoreIf<F, H>(pub(super) F, pub(super) H);

impl<V, F: Fn(&V) -> bool, H: Hooks<V>> Hooks<V> for StoreIf<F, H> {
    fn ttl(&self, value: &V) -> Option<Ttl> {
        self.1.ttl(value)
    }

    fn stores(&self, value: &V) -> bool {
        (self.0)(value) && self.1.stores(value)
    }
}
