use std::collections::HashMap;

use cache_runtime::cache_result;

#[cache_result(key = "page:<query>")]
async fn page(query: HashMap<String, String>) -> String {
    format!("{query:?}")
}

fn main() {}
