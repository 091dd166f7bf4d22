#![deny(unused_must_use)]

use cache_runtime::cache_result;

#[must_use]
#[cache_result(key = "user:<user_id>")]
fn name_of(user_id: u64) -> String {
    user_id.to_string()
}

fn main() {
    name_of(7);
}
