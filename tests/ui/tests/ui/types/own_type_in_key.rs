use cache_runtime::cache_result;

struct UserId(u64);

#[cache_result(key = "user:<user_id>")]
async fn name_of(user_id: UserId) -> String {
    user_id.0.to_string()
}

fn main() {}
