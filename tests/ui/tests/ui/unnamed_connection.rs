use cache_runtime::redis::AsyncCommands;
use cache_runtime::{Error, with_redis};

#[with_redis]
async fn online(redis: &mut impl AsyncCommands) -> Result<u64, Error> {
    let _ = redis;
    Ok(1)
}

fn main() {}
