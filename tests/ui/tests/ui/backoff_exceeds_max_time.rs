use cache_runtime::{Failure, redis_retry};

#[redis_retry(backoff = "10s", max_time = "10s")]
async fn reserve(seat: u32) -> Result<(), Failure> {
    let _ = seat;
    Ok(())
}

fn main() {}
