use cache_runtime::KeyPart;

#[derive(KeyPart)]
struct Place {
    latitude: f64,
    name: String,
}

fn main() {}
