use std::rc::Rc;

use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", stale = "5m", key_ignores(db))]
async fn name_of(id: u32, db: Rc<u32>) -> String {
    format!("{id}{db}")
}

fn main() {}
