use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", fail_safe = "1h", soft_timeout = "2s", hard_timeout = "1s")]
async fn name_of(id: u32) -> Result<String, cache_runtime::Error> {
    Ok(id.to_string())
}

fn main() {}
