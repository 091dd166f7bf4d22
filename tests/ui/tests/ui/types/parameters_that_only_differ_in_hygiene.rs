use cache_runtime::cache_result;

macro_rules! cached {
    ($name:ident, $id:ident) => {
        #[cache_result(key = "user:<id>")]
        async fn $name(id: u64, $id: u64) -> u64 {
            id + $id
        }
    };
}

cached!(sum, id);

fn main() {}
