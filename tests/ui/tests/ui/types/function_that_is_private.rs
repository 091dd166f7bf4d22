mod users {
    use cache_runtime::cache_result;

    #[cache_result(key = "user:<user_id>")]
    fn name_of(user_id: u64) -> String {
        user_id.to_string()
    }

    pub fn names() -> [String; 2] {
        [name_of(1), name_of_key(2).text().to_owned()]
    }
}

fn main() {
    users::names();
    users::name_of_key(7);
}
