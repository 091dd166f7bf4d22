use cache_runtime::invalidate_cache;

#[invalidate_cache(key = "user:<user_id>", on = ok)]
async fn rename(user_id: u64) -> String {
    user_id.to_string()
}

fn main() {}
