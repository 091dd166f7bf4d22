use cache_runtime::invalidate_cache;

#[invalidate_cache(key = "user:<id>", on_failure = error)]
fn rename(id: u32) -> Result<u32, cache_runtime::Error> {
    Ok(id)
}

fn main() {}
