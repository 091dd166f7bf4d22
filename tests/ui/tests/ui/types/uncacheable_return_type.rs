use cache_runtime::cache_result;

struct User {
    name: String,
}

#[cache_result(key = "user:<user_id>")]
async fn user(user_id: u64) -> User {
    User { name: user_id.to_string() }
}

fn main() {}
