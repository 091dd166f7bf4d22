//! What the model is asked.

use std::sync::Arc;

use super::embedded::Embedded;
use super::mutant::with_mutants;
use super::redis::Server;
use super::server::RedisServer;
use super::sim::Sim;

macro_rules! modules {
    ($($name:literal),+ $(,)?) => {
        #[cfg(any($(cache_mutant = $name),+))]
        mod guards;
        #[cfg(not(any($(cache_mutant = $name),+)))]
        mod promises;
    };
}

with_mutants!(modules);

fn embedded() -> Arc<Sim> {
    let (store, reach) = Embedded::store();
    Arc::new(Sim::new(store, reach))
}

fn on_redis(server: &RedisServer) -> Arc<Sim> {
    let (store, reach) = Server::store(&server.url());
    Arc::new(Sim::new(store, reach))
}
