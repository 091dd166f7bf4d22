use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>")]
const fn twice(user_id: u64) -> u64 {
    user_id * 2
}

fn main() {}
