use cache_runtime::invalidate_cache;

struct User {
    id: u64,
}

#[invalidate_cache(key = "user:<return.idd>")]
async fn create() -> Result<User, std::io::Error> {
    Ok(User { id: 1 })
}

fn main() {}
