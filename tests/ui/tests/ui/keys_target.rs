use cache_runtime::{KeyTemplate, cache_keys};

struct Keys<T>(T);

#[cache_keys]
impl<T> Keys<T> {
    const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
}

fn main() {}
