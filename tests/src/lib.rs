//! Starts real Redis servers for tests and benchmarks, and breaks the way to them; and a browser.
//!
//! A test owns its server and shares it with nobody, so tests run in parallel.
//!
//! ```no_run
//! use cache_tests::{FaultProxy, RedisServer};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let server = RedisServer::start().await;
//! let proxy = FaultProxy::before(server.port());
//! server.command::<()>(("SET", "greeting", "hello")).await;
//! assert_eq!(server.calls("set").await, 1);
//! println!("{} directly, {} through the proxy", server.url(), proxy.url());
//! # }
//! ```
//!
//! # Panics
//!
//! Every method panics when its server does not do what it was asked: a test
//! cannot go on without it, and is not skipped.

#![expect(
    clippy::missing_panics_doc,
    reason = "said once, above, for every method"
)]

#[cfg(feature = "browser")]
mod browser;
mod clock;
mod fault;
mod latencies;
mod port;
mod proxy;
mod scattered;
mod server;

#[cfg(feature = "browser")]
pub use browser::{Browser, Chromium};
pub use clock::now;
pub use fault::Fault;
pub use latencies::Latencies;
pub use proxy::{FaultProxy, Refusal};
pub use scattered::scattered;
pub use server::{
    Authority, Identity, Monitor, RedisCluster, RedisServer, SentinelSet, TlsServer, Validity,
};
