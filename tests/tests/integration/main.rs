//! One binary for all tests that need a server: a module is a feature.

#![expect(clippy::expect_used, reason = "the whole crate is tests")]
#![expect(
    clippy::items_after_statements,
    reason = "what a test annotates stands beside what it asserts"
)]
#![expect(
    clippy::async_yields_async,
    reason = "tasks are spawned inside a scope, awaited outside"
)]

mod adversity;
mod blocking;
mod catalogue;
mod coherence;
mod configuration;
mod dropped;
mod fences;
mod flights;
mod foreign;
mod golden_keys;
mod harness;
mod health;
mod hygiene;
mod injectivity;
mod locks;
mod manual;
mod many;
mod reads;
mod retry;
mod round_trips;
mod runtimes;
mod session_races;
mod sessions;
mod sessions_web;
mod shapes;
mod support;
mod tags;
mod topologies;
mod transactions;
mod verify;
mod warming;
mod windows;
mod writes;
