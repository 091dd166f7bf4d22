use cache_runtime::invalidate_cache;

#[invalidate_cache(pattern = "user:<user_id>")]
async fn rename(user_id: u64, name: String) {
    println!("{user_id} is {name} now");
}

fn main() {}
