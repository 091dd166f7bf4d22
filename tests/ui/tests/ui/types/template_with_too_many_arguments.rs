use cache_runtime::{KeyTemplate, cache_keys, cache_result};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<user_id>");
}

#[cache_result(key = CacheKeys::NAME.key(class_id, user_id))]
async fn name_of(class_id: u64, user_id: u64) -> String {
    format!("{user_id} of {class_id}")
}

fn main() {}
