use cache_runtime::redis_retry;

#[redis_retry(max_retries = 3)]
async fn reserve(seat: u32) {
    let _ = seat;
}

fn main() {}
