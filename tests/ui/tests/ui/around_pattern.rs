use cache_runtime::invalidate_cache;

#[invalidate_cache(pattern = "user:<id>:*", when = around)]
async fn rename(id: u32) -> Option<u32> {
    Some(id)
}

fn main() {}
