use std::collections::HashMap;

use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids, key_ignores(db))]
async fn names(ids: &[u32], db: &mut Vec<u32>) -> HashMap<u32, String> {
    db.extend(ids);
    ids.iter().map(|id| (*id, id.to_string())).collect()
}

fn main() {}
