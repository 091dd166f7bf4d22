//! From measurements to a status, and from one status to the next.

use super::{HealthEvent, HealthReason, HealthStatus};
use crate::client::BreakerState;

/// From which point on something is an alert.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) failures: u32,
    pub(crate) memory_percent: u32,
}

/// What this process knows without asking anybody.
#[derive(Clone, Copy)]
pub(crate) struct Local {
    pub(crate) breaker: BreakerState,
    /// Invalidations that wait.
    pub(crate) journal: usize,
}

/// What checks have come to so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Course {
    pub(super) is_checked: bool,
    /// In a row.
    pub(super) failures: u32,
    pub(super) memory_percent: Option<u32>,
}

/// What was told to those who listen.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    is_unwell: bool,
    memory: bool,
    failures: bool,
}

pub(super) fn judge(
    course: Course,
    local: Local,
    limits: Limits,
) -> (HealthStatus, Vec<HealthReason>) {
    let is_memory_high = course
        .memory_percent
        .is_some_and(|percent| percent >= limits.memory_percent);
    let all = [
        (
            course.failures >= limits.failures,
            HealthReason::FailureLimit,
        ),
        (
            (1..limits.failures).contains(&course.failures),
            HealthReason::CheckFailed,
        ),
        (
            local.breaker != BreakerState::Closed,
            HealthReason::BreakerOpen,
        ),
        (local.journal > 0, HealthReason::InvalidationsQueued),
        (is_memory_high, HealthReason::MemoryHigh),
    ];
    let reasons = all.into_iter().filter(|(holds, _)| *holds);
    let reasons: Vec<_> = reasons.map(|(_, reason)| reason).collect();
    let is_of_no_use = |reason: &HealthReason| {
        matches!(
            reason,
            HealthReason::FailureLimit | HealthReason::BreakerOpen
        )
    };
    let status = match reasons.as_slice() {
        [] if course.is_checked => HealthStatus::Healthy,
        [] => HealthStatus::Unknown,
        reasons if reasons.iter().any(is_of_no_use) => HealthStatus::Unavailable,
        _ => HealthStatus::Degraded,
    };
    (status, reasons)
}

impl Told {
    /// What is to be told now that it has come to this; each once, until it is over.
    pub(super) fn update(&mut self, course: Course, reasons: &[HealthReason]) -> Vec<HealthEvent> {
        let has = |reason| reasons.contains(&reason);
        let before = std::mem::replace(
            self,
            Self {
                is_unwell: !reasons.is_empty(),
                memory: has(HealthReason::MemoryHigh),
                failures: has(HealthReason::FailureLimit),
            },
        );
        let percent = course.memory_percent.unwrap_or_default();
        let all = [
            (
                before.is_unwell,
                self.is_unwell,
                HealthEvent::Degraded(reasons.to_vec()),
            ),
            (before.memory, self.memory, HealthEvent::MemoryHigh(percent)),
            (
                before.failures,
                self.failures,
                HealthEvent::FailureLimit(course.failures),
            ),
            (!before.is_unwell, !self.is_unwell, HealthEvent::Recovered),
        ];
        let begun = all.into_iter().filter(|(was, is, _)| !was && *is);
        begun.map(|(_, _, event)| event).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        failures: 3,
        memory_percent: 90,
    };
    const WELL: Course = Course {
        is_checked: true,
        failures: 0,
        memory_percent: Some(10),
    };
    const QUIET: Local = Local {
        breaker: BreakerState::Closed,
        journal: 0,
    };

    fn failed(failures: u32) -> Course {
        Course { failures, ..WELL }
    }

    fn status(course: Course, local: Local) -> HealthStatus {
        judge(course, local, LIMITS).0
    }

    #[test]
    fn a_status_is_the_worst_of_its_reasons() {
        assert_eq!(status(Course::default(), QUIET), HealthStatus::Unknown);
        assert_eq!(status(WELL, QUIET), HealthStatus::Healthy);
        assert_eq!(status(failed(1), QUIET), HealthStatus::Degraded);
        assert_eq!(status(failed(2), QUIET), HealthStatus::Degraded);
        assert_eq!(status(failed(3), QUIET), HealthStatus::Unavailable);
        let queued = Local {
            journal: 1,
            ..QUIET
        };
        assert_eq!(status(WELL, queued), HealthStatus::Degraded);
        let breaker = BreakerState::Open;
        assert_eq!(
            status(WELL, Local { breaker, ..QUIET }),
            HealthStatus::Unavailable
        );
        let full = Course {
            memory_percent: Some(90),
            ..WELL
        };
        assert_eq!(status(full, QUIET), HealthStatus::Degraded);
        let below = Course {
            memory_percent: Some(89),
            ..WELL
        };
        assert_eq!(status(below, QUIET), HealthStatus::Healthy);
    }

    #[test]
    fn each_thing_is_told_when_it_begins_and_once() {
        let mut told = Told::default();
        let mut tell = |course: Course| {
            let (_, reasons) = judge(course, QUIET, LIMITS);
            told.update(course, &reasons)
        };
        let full = Course {
            memory_percent: Some(95),
            ..WELL
        };
        assert_eq!(tell(WELL), [], "nothing has to be recovered from");
        assert_eq!(
            tell(failed(1)),
            [HealthEvent::Degraded(vec![HealthReason::CheckFailed])]
        );
        assert_eq!(tell(failed(2)), []);
        assert_eq!(tell(failed(3)), [HealthEvent::FailureLimit(3)]);
        assert_eq!(tell(failed(4)), []);
        assert_eq!(tell(WELL), [HealthEvent::Recovered]);
        assert_eq!(
            tell(full),
            [
                HealthEvent::Degraded(vec![HealthReason::MemoryHigh]),
                HealthEvent::MemoryHigh(95)
            ]
        );
        assert_eq!(tell(full), []);
        assert_eq!(tell(WELL), [HealthEvent::Recovered]);
        assert_eq!(tell(full).len(), 2, "again");
    }
}
