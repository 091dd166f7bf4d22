use cache_runtime::cache_result;

struct User {
    id: u64,
}

#[cache_result(key = "user:<user.idd>")]
async fn name_of(user: &User) -> String {
    user.id.to_string()
}

fn main() {}
