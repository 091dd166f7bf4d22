use cache_runtime::cache_result;

trait Users {
    #[cache_result(key = "user:<user_id>")]
    fn name_of(user_id: u64) -> String;
}

fn main() {}
