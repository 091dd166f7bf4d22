use cache_runtime::cache_result;

#[derive(Clone, serde::Deserialize)]
struct User {
    name: String,
}

#[cache_result(key = "user:<user_id>")]
async fn user(user_id: u64) -> Result<User, std::io::Error> {
    Ok(User { name: user_id.to_string() })
}

fn main() {}
