use cache_runtime::cache_result;

#[cache_result(key = "weather:<latitude>")]
async fn weather(latitude: f64) -> String {
    latitude.to_string()
}

fn main() {}
