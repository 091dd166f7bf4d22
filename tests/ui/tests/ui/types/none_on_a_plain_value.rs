use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>", none = skip)]
async fn name_of(user_id: u64) -> Result<String, std::io::Error> {
    Ok(user_id.to_string())
}

fn main() {}
