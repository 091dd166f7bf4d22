//! What the model is asked.

use std::sync::Arc;

use super::embedded::Embedded;
use super::redis::Server;
use super::server::RedisServer;
use super::sim::Sim;

#[cfg(any(
    cache_mutant = "token",
    cache_mutant = "token_per_sending",
    cache_mutant = "publish_before_joiners",
    cache_mutant = "close_before_publish",
    cache_mutant = "stale_payload_from_lease",
    cache_mutant = "capture_before_load",
    cache_mutant = "random_generation",
    cache_mutant = "fenced_update",
    cache_mutant = "fence_around"
))]
mod guards;
#[cfg(not(any(
    cache_mutant = "token",
    cache_mutant = "token_per_sending",
    cache_mutant = "publish_before_joiners",
    cache_mutant = "close_before_publish",
    cache_mutant = "stale_payload_from_lease",
    cache_mutant = "capture_before_load",
    cache_mutant = "random_generation",
    cache_mutant = "fenced_update",
    cache_mutant = "fence_around"
)))]
mod promises;

fn embedded() -> Arc<Sim> {
    let (store, reach) = Embedded::store();
    Arc::new(Sim::new(store, reach))
}

fn on_redis(server: &RedisServer) -> Arc<Sim> {
    let (store, reach) = Server::store(&server.url());
    Arc::new(Sim::new(store, reach))
}
