//! Finds a loopback port that a server of ours may take.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which the kernel takes the ports of outgoing connections.
///
/// A client that keeps connecting to a closed port of that range sooner or
/// later connects to itself, and the restarted server finds its port taken.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// A port nobody listens on. Another process may still be faster to take it.
pub(crate) fn free() -> u16 {
    listen().0
}

/// A port, and what listens there.
pub(crate) fn listen() -> (u16, TcpListener) {
    std::iter::repeat_with(candidate)
        .take(1_000)
        .find_map(|port| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?)))
        .unwrap_or_else(|| panic!("no free loopback port from {FIRST} to {}", FIRST + COUNT))
}

/// Random rather than counted up: test binaries that run side by side would race.
fn candidate() -> u16 {
    let random = RandomState::new().hash_one(0_u8) % u64::from(COUNT);
    FIRST + u16::try_from(random).unwrap_or_default()
}
