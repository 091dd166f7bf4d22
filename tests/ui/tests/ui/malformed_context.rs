use cache_runtime::cache_result;

#[cache_result(key = "<@tenant.id>:user:<id>")]
async fn name_of(id: u32) -> String {
    id.to_string()
}

fn main() {}
