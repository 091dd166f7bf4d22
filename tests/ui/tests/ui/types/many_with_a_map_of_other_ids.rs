use std::collections::HashMap;

use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: &[u32]) -> HashMap<u64, String> {
    ids.iter().map(|id| (u64::from(*id), id.to_string())).collect()
}

fn main() {}
