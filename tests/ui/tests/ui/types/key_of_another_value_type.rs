use cache_runtime::{KeyTemplate, cache_keys, cache_result};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<user_id>");
}

#[cache_result(key = CacheKeys::NAME.key(user_id))]
async fn names_of(user_id: u64) -> Result<Vec<String>, std::io::Error> {
    Ok(vec![user_id.to_string()])
}

fn main() {}
