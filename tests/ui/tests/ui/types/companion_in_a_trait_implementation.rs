use cache_runtime::cache_result;

trait Users {
    fn name_of(&self, user_id: u64) -> String;
}

struct Database;

impl Users for Database {
    #[cache_result(key = "user:<user_id>")]
    fn name_of(&self, user_id: u64) -> String {
        user_id.to_string()
    }
}

fn main() {}
