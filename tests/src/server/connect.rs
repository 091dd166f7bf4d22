//! Speaks to a server the way a test wants to: bare, patient, uncounted.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, ToRedisArgs};

use super::RedisServer;

/// Long enough for a busy machine: a timeout of the harness is a failed test.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

impl RedisServer {
    /// Opens a connection that knows nothing of the cache.
    pub async fn connection(&self) -> MultiplexedConnection {
        let url = self.url();
        to(&url)
            .await
            .unwrap_or_else(|error| panic!("connecting to {url}: {error}"))
    }

    /// Runs one command, given as its words: `("SET", "key", bytes)`.
    pub async fn command<T: FromRedisValue>(&self, words: impl ToRedisArgs) -> T {
        let mut command = Cmd::new();
        command.arg(words);
        let answer = command.query_async(&mut self.connection().await).await;
        answer.unwrap_or_else(|error| panic!("{command:?} failed: {error}"))
    }
}

/// A connection that sends nothing on its own, or counted calls would include it.
pub(super) async fn to(url: &str) -> RedisResult<MultiplexedConnection> {
    let info = redis::IntoConnectionInfo::into_connection_info(url)?;
    let bare = info.redis_settings().clone().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(RESPONSE_TIMEOUT));
    Client::open(info.set_redis_settings(bare))?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}
