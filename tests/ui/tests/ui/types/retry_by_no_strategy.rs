use cache_runtime::redis_retry;

struct Never;

#[redis_retry(on = Never)]
async fn reserve(seat: u32) -> Result<u32, std::fmt::Error> {
    Ok(seat)
}

fn main() {}
