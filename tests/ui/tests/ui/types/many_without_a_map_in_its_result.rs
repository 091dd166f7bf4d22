use cache_runtime::cache_many;

#[cache_many(key = "user:<id>", by = id in ids)]
async fn names(ids: &[u32]) -> Result<Vec<String>, std::fmt::Error> {
    Ok(ids.iter().map(ToString::to_string).collect())
}

fn main() {}
