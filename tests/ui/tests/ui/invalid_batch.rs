use std::collections::HashMap;

use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: impl AsRef<[u32]>) -> HashMap<u32, String> {
    ids.as_ref().iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
