use cache_runtime::cache_result;

#[cache_result(key = "a-very-long-name-of-an-application:a-very-long-name-of-an-application:a-very-long-name-of-an-application:a-very-long-name-of-an-application:a-very-long-name-of-an-application:a-very-long-name-of-an-application:a-very-long-name-of-an-application:a-very-long-name-of-an-application:<user_id>")]
async fn name_of(user_id: u64) -> String {
    user_id.to_string()
}

fn main() {}
