//! Several processes on one server, some of them killed. A binary of its own, because it measures
//! durations; its tests take turns.

#![expect(
    clippy::async_yields_async,
    reason = "tasks are spawned inside a scope, awaited outside"
)]
#![expect(clippy::expect_used, reason = "the whole crate is tests")]

mod actor;
mod leases;
mod soak;
mod stampede;
mod writers;

/// Whoever holds it has the machine for itself.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
