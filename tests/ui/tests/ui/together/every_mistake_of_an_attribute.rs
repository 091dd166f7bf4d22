use cache_runtime::cache_result;

#[cache_result(key = "user:<usr_id>:<user_id", tll = 5, ttl = "x", version = 0, codec = xml)]
async fn name_of(user_id: u64) -> String {
    user_id.to_string()
}

fn main() {}
