use cache_runtime::cache_result;

struct Database;

#[cache_result(key = "user:<user_id>", cache = db, key_ignores(db))]
async fn name_of(db: &Database, user_id: u64) -> String {
    user_id.to_string()
}

fn main() {}
