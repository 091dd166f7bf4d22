use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id")]
async fn name_of() -> String {
    String::new()
}

fn main() {}
