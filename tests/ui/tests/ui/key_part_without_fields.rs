use cache_runtime::KeyPart;

#[derive(KeyPart)]
struct Everything;

fn main() {}
