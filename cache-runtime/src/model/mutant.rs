//! Which guard this build lacks, if any.

/// Every guard that can be left out, for a macro of whoever asks.
macro_rules! with_mutants {
    ($then:ident) => {
        $then! {
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
    };
}

macro_rules! names {
    ($($name:literal),+ $(,)?) => {
        /// Not in a build for use.
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

with_mutants!(names);
pub(super) use with_mutants;
