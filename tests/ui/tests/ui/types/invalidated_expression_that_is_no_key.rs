use cache_runtime::invalidate_cache;

#[invalidate_cache(keys = [format!("user:{user_id}")])]
async fn rename(user_id: u64) {
    println!("{user_id}");
}

fn main() {}
