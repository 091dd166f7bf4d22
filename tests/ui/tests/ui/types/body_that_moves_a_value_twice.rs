use cache_runtime::cache_result;

#[cache_result(key = "user:<name>")]
async fn greeting(name: String) -> String {
    drop(name);
    name
}

fn main() {}
