use cache_runtime::cache_result;

#[cache_result(key = "user:<id>", tags = ["class:<class>"], key_ignores(class))]
async fn name_of(id: u32, class: u32) -> String {
    format!("{id} of {class}")
}

fn main() {}
