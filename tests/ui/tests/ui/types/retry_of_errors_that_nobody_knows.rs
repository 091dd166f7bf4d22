use cache_runtime::redis_retry;

#[redis_retry]
async fn reserve(seat: u32) -> Result<u32, std::fmt::Error> {
    Ok(seat)
}

fn main() {}
