use cache_runtime::cache_result;

#[cache_result(key = "name:<name>")]
async fn trimmed(name: &str) -> &str {
    name.trim()
}

fn main() {}
