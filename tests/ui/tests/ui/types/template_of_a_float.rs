use cache_runtime::{KeyTemplate, cache_keys};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const WEATHER: KeyTemplate<(f64,), String> = KeyTemplate::new("weather:<latitude>");
}

fn main() {}
