use cache_runtime::{KeyTemplate, cache_keys, cache_result};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<user_id>");
}

#[cache_result(key = CacheKeys::NAME.key(login))]
async fn name_of(login: String) -> String {
    login
}

fn main() {}
