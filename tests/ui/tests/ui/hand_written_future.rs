use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>")]
fn name_of(user_id: u64) -> impl Future<Output = String> {
    std::future::ready(user_id.to_string())
}

fn main() {}
