use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", hard_timeout = "2s")]
async fn name_of(id: u32) -> Result<String, std::fmt::Error> {
    Ok(id.to_string())
}

fn main() {}
