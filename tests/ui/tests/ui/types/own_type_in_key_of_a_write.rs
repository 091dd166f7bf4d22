use cache_runtime::invalidate_cache;

struct UserId(u64);

#[invalidate_cache(key = "user:<user_id>")]
async fn rename(user_id: UserId) {
    println!("{}", user_id.0);
}

fn main() {}
