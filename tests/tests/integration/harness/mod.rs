//! The harness does what the other tests rely on.

mod proxy;
mod server;
