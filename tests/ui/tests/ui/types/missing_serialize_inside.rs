use cache_runtime::cache_result;

#[derive(Clone, serde::Deserialize)]
struct User {
    name: String,
}

#[cache_result(key = "users")]
async fn users() -> Option<Vec<User>> {
    None
}

fn main() {}
