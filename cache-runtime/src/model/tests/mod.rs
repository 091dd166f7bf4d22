//! What the model is asked.

use std::sync::Arc;

use super::embedded::Embedded;
use super::mutant::with_mutants;
use super::redis::Server;
use super::sim::Sim;
use crate::store::RedisServer;

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

fn on_redis(server: &Arc<RedisServer>) -> Arc<Sim> {
    let (store, reach) = Server::store(server);
    Arc::new(Sim::new(store, reach))
}
