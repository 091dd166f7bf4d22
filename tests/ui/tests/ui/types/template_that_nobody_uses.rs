use cache_runtime::{KeyTemplate, cache_keys};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:{user_id}");
}

fn main() {}
