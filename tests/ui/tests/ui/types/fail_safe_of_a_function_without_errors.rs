use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", fail_safe = "1h")]
async fn name_of(id: u32) -> String {
    id.to_string()
}

fn main() {}
