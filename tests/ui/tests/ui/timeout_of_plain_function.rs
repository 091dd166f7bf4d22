use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", hard_timeout = "2s")]
fn name_of(id: u32) -> Result<String, cache_runtime::Error> {
    Ok(id.to_string())
}

fn main() {}
