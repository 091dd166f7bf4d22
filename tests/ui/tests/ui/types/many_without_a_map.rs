use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: &[u32]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn main() {}
