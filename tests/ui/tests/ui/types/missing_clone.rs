use cache_runtime::cache_result;

#[derive(serde::Serialize, serde::Deserialize)]
struct User {
    name: String,
}

#[cache_result(key = "user:<user_id>")]
fn user(user_id: u64) -> User {
    User { name: user_id.to_string() }
}

fn main() {}
