use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>")]
async fn greet(user_id: u64) {
    println!("{user_id}");
}

fn main() {}
