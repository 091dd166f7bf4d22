use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", soft_timeout = "200ms")]
async fn name_of(id: u32) -> String {
    id.to_string()
}

fn main() {}
