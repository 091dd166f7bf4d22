use cache_runtime::redis_retry;

#[redis_retry]
async fn reserve(seat: u32) -> u32 {
    seat
}

fn main() {}
