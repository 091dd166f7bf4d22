use std::rc::Rc;

use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", stale = "5m")]
async fn name_of(id: u32) -> String {
    let id = Rc::new(id);
    std::future::ready(()).await;
    id.to_string()
}

fn main() {}
