//! Which guard this build lacks, if any.

macro_rules! mutants {
    ($($name:literal),+ $(,)?) => {
        /// Nothing in a build for use.
        #[cfg(any($(cache_mutant = $name),+))]
        pub(super) const MUTANT: &str = {
            let mut mutant = "";
            $(if cfg!(cache_mutant = $name) { mutant = $name; })+
            mutant
        };

        /// Every guard that can be left out.
        pub(super) const ALL: &[&str] = &[$($name),+];
    };
}

mutants! {
    "token",
    "token_per_sending",
    "publish_before_joiners",
    "close_before_publish",
    "stale_payload_from_lease",
    "capture_before_load",
    "random_generation",
    "fenced_update",
    "fence_around",
}
