use cache_runtime::cache_result;

const SECONDS: u64 = 60;

#[cache_result(key = "user:<user_id>", ttl = SECONDS)]
async fn name_of(user_id: u64) -> String {
    user_id.to_string()
}

fn main() {}
