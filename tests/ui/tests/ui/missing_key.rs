use cache_runtime::cache_result;

#[cache_result(ttl = 60)]
async fn names() -> Vec<String> {
    Vec::new()
}

fn main() {}
