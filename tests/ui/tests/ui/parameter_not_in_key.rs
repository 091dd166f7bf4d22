use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>")]
async fn name_of(class_id: u64, user_id: u64) -> String {
    format!("{user_id} of {class_id}")
}

fn main() {}
