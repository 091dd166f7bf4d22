use cache_runtime::{KeyName, cache_result};

#[cache_result(key = "all:<T.NAME>")]
async fn names<T: KeyName>() -> Vec<String> {
    vec![T::NAME.to_owned()]
}

fn main() {}
