use cache_runtime::KeyPart;

#[derive(KeyPart)]
union Id {
    small: u32,
    large: u64,
}

fn main() {}
