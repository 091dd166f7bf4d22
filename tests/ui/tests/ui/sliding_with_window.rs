use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", ttl = "1h", stale = "5m", sliding = "10m")]
async fn name_of(id: u32) -> String {
    id.to_string()
}

fn main() {}
