//! A process that does as it is told, one order a line, until it is killed.
//!
//! `actor <redis url> <lease in milliseconds> <folder>`: the folder is the database, a file a row.
//! It answers each order with one line, and while one runs it may say how far it is.

#![expect(
    clippy::expect_used,
    reason = "a test waits for it, and sees why it ended"
)]

mod order;
mod rows;
mod stampede;
mod stop_at;

use std::time::Duration;

use cache_runtime::Cache;

use crate::order::Order;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().expect("url, lease and folder");
    let (url, lease, folder) = (argument(), argument(), argument());
    let cache = Cache::builder()
        .redis_url(url)
        .lease(Duration::from_millis(lease.parse().expect("a number")))
        .build()
        .expect("a valid configuration");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for line in std::io::stdin().lines() {
        let order: Order = line.expect("text").parse().expect("an order");
        let answer = runtime.block_on(cache.scope(order.follow(&cache, folder.as_ref())));
        println!("{answer}");
    }
}
