use cache_runtime::invalidate_cache;

#[invalidate_cache(key = "user:<id>", on_failure = error)]
async fn rename(id: u32) -> u32 {
    id
}

fn main() {}
