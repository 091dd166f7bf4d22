use cache_runtime::invalidate_cache;

#[invalidate_cache(key = "user:<id>", on_failure = error)]
async fn rename(id: u32) -> Result<u32, std::fmt::Error> {
    Ok(id)
}

fn main() {}
