use std::collections::HashMap;

use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: u32) -> HashMap<u32, String> {
    HashMap::from([(ids, ids.to_string())])
}

fn main() {}
