use cache_runtime::cache_result;

#[cache_result(key = "count:<T>")]
async fn count<T>() -> u64 {
    0
}

fn main() {}
