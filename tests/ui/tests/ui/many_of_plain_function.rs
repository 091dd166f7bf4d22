use std::collections::HashMap;

use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids)]
fn names(ids: &[u32]) -> HashMap<u32, String> {
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
