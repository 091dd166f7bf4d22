use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", errors = "5s", fail_safe = "1h")]
async fn name_of(id: u32) -> Result<String, String> {
    Ok(id.to_string())
}

fn main() {}
