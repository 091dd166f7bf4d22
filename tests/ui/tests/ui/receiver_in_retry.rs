use cache_runtime::{Failure, redis_retry};

struct Orders;

impl Orders {
    #[redis_retry]
    async fn reserve(self) -> Result<(), Failure> {
        let Self = self;
        Ok(())
    }
}

fn main() {}
