//! Spreads what tasks ask for.

/// A number for a round of a task, which looks random and is always the same.
///
/// Tasks that count up meet at a key that is being loaded, and from then on go together, from one
/// miss to the next.
///
/// ```
/// use cache_tests::scattered;
///
/// assert_eq!(scattered(1, 2), scattered(1, 2));
/// assert_ne!(scattered(1, 2) % 200, scattered(2, 2) % 200);
/// ```
pub fn scattered(task: u64, round: u64) -> u64 {
    (task << 32 | round).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}
