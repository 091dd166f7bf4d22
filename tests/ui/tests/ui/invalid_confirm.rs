use cache_runtime::invalidate_cache;

#[invalidate_cache(key = "user:<id>", confirm = replicas)]
async fn rename(id: u32) -> Option<u32> {
    Some(id)
}

fn main() {}
