//! Which worker is killed, and when.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A worker that is killed, and how long after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) worker: u32,
    pub(crate) at: Duration,
}

/// Kills spread over a run: more than one every two and a half seconds, four at least.
pub(crate) fn plan(seed: u64, time: Duration, workers: u32) -> Vec<Kill> {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = u32::try_from(time.as_secs() * 2 / 5).map_or(u32::MAX, |kills| kills.max(4));
    let pace = time / (count + 1);
    let kill = |turn| Kill {
        worker: rng.random_range(0..workers),
        at: pace * turn + pace.mul_f64(rng.random_range(0.5..1.5)),
    };
    (0..count).map(kill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_seed_decides_who_is_killed_and_when() {
        assert_eq!(plan(7, MINUTE, 4), plan(7, MINUTE, 4));
        assert_ne!(plan(8, MINUTE, 4), plan(7, MINUTE, 4));
    }

    #[test]
    fn there_are_enough_and_all_are_in_time() {
        assert!(plan(7, MINUTE, 4).len() >= 20);
        assert!(plan(7, Duration::from_secs(8), 4).len() >= 4);
        for seed in 0..1_000 {
            let plan = plan(seed, MINUTE, 4);
            assert!(plan.is_sorted_by_key(|kill| kill.at));
            let last = plan.last().unwrap().at;
            assert!(last + Duration::from_secs(1) < MINUTE, "{last:?}");
        }
    }
}
