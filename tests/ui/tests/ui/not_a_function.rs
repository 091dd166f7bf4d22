use cache_runtime::cache_result;

#[cache_result(key = "user")]
pub struct User;

fn main() {}
