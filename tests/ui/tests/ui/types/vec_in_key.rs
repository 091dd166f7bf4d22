use cache_runtime::cache_result;

#[cache_result(key = "users:<ids>")]
async fn users(ids: Vec<u64>) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

fn main() {}
