//! How often someone may try: guessing passwords is to take longer than anyone has.

use std::net::IpAddr;
use std::time::Duration;

use cache_runtime::{Cache, KeyWriter, Secret};

use crate::failure::Failure;

const MINUTE: Duration = Duration::from_secs(60);

/// For one address, whatever names it tries.
const OF_AN_ADDRESS: u64 = 30;
/// For one name from one address. Not for the name alone: then anyone could lock out its owner.
const OF_A_NAME: u64 = 5;

/// Counts an attempt, or says that it is one too many.
///
/// While Redis is away it is an error: nobody could be signed in anyway.
pub(crate) async fn attempt(address: IpAddr, name: &str) -> Result<(), Failure> {
    let cache = Cache::current();
    let everything = format!("attempts:{address}");
    // A digest: what is typed as a name may be anything, a password too.
    let name = KeyWriter::text_of(&Secret::new(name.to_lowercase()));
    let one_name = format!("attempts:{address}:{name}");
    for (limit, most) in [(everything, OF_AN_ADDRESS), (one_name, OF_A_NAME)] {
        let allowance = cache.limit(&limit, most, MINUTE).take().await?;
        if !allowance.is_allowed {
            return Err(Failure::TooManyAttempts(allowance.retry_after));
        }
    }
    Ok(())
}
