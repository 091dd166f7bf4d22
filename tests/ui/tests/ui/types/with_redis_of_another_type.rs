use cache_runtime::{Error, with_redis};

#[with_redis]
async fn online(user: u64) -> Result<u64, Error> {
    Ok(user)
}

fn main() {}
