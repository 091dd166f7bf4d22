use cache_runtime::{RedisConnection, with_redis};

#[with_redis]
async fn online(redis: &mut RedisConnection) -> Result<u64, std::fmt::Error> {
    let _ = redis;
    Ok(1)
}

fn main() {}
