use std::collections::HashMap;

use cache_runtime::cache_many;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Id(u32);

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: &[Id]) -> HashMap<Id, String> {
    ids.iter().map(|id| (*id, id.0.to_string())).collect()
}

fn main() {}
