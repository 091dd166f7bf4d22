use std::collections::HashMap;

use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids, key_ignores(suffix))]
async fn names(ids: &[u32], suffix: String) -> HashMap<u32, String> {
    let names = ids.iter().map(|id| (*id, id.to_string())).collect();
    drop(suffix);
    names
}

fn main() {}
