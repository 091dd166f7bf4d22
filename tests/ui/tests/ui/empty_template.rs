use cache_runtime::cache_result;

#[cache_result(key = "")]
async fn names() -> Vec<String> {
    Vec::new()
}

fn main() {}
