use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>")]
async fn name_of(user_id: u64) -> impl std::fmt::Display {
    user_id.to_string()
}

fn main() {}
