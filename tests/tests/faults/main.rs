//! Whatever becomes of the server, callers get their answers, and no invalidation is lost. A
//! binary of its own, because it measures.

#![expect(clippy::expect_used, reason = "the whole crate is tests")]

use std::time::Duration;

use cache_runtime::Cache;
use cache_tests::FaultProxy;

mod confirm;
mod flapping;
mod kinds;
mod refusals;
mod reliability;
mod restart;
mod session_takeover;
#[path = "../integration/support.rs"]
#[expect(dead_code, reason = "the other binary uses all of it")]
mod support;
mod takeover;

/// Durations are measured, so these tests take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A cache behind a proxy.
fn through(proxy: &FaultProxy) -> Cache {
    Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("a valid configuration")
}

/// As long as anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);
