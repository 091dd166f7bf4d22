use cache_runtime::cache_result;

struct Db;

#[cache_result(key = "user:<id>", stale = "5m", key_ignores(db))]
async fn name_of(id: u32, db: &Db) -> String {
    let Db = db;
    id.to_string()
}

fn main() {}
