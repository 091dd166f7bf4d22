use cache_runtime::redis::aio::MultiplexedConnection;
use cache_runtime::with_redis;

#[with_redis]
async fn online(redis: &mut MultiplexedConnection) -> Result<u64, std::fmt::Error> {
    let _ = redis;
    Ok(1)
}

fn main() {}
