use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", hard_timeout = "2s")]
async fn name_of(id: u32) -> String {
    id.to_string()
}

fn main() {}
