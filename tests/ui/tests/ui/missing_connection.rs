use cache_runtime::{Error, with_redis};

struct Users;

impl Users {
    #[with_redis]
    async fn online(&self) -> Result<u64, Error> {
        Ok(1)
    }
}

fn main() {}
