use std::collections::HashMap;

use cache_runtime::cache_many;

struct Name(String);

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: &[u32]) -> HashMap<u32, Name> {
    ids.iter().map(|id| (*id, Name(id.to_string()))).collect()
}

fn main() {}
