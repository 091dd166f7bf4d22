use cache_runtime::{Failure, redis_retry};

struct Seat;

#[redis_retry]
async fn reserve(id: u32, seat: Seat) -> Result<u32, Failure> {
    drop(seat);
    Ok(id)
}

fn main() {}
