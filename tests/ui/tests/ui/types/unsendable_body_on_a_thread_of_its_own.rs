use std::rc::Rc;

use cache_runtime::cache_result;

#[cache_result(key = "user:<user_id>")]
async fn name_of(user_id: u64) -> String {
    let name = Rc::new(user_id.to_string());
    std::future::ready(()).await;
    (*name).clone()
}

fn must_be_send(_: impl Future + Send) {}

fn main() {
    must_be_send(name_of(7));
}
