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
use tokio::runtime::Builder;

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
    let mut multi = Builder::new_multi_thread();
    let crowd = multi.worker_threads(2).enable_all().build();
    // Where answers arrive only while the call waits for them: it waits at each of its awaits.
    let alone = Builder::new_current_thread().enable_all().build();
    let (crowd, alone) = (crowd.expect("a runtime"), alone.expect("a runtime"));
    for line in std::io::stdin().lines() {
        let order: Order = line.expect("text").parse().expect("an order");
        let runtime = if order.stops() { &alone } else { &crowd };
        let answer = runtime.block_on(cache.scope(order.follow(&cache, folder.as_ref())));
        println!("{answer}");
    }
}
