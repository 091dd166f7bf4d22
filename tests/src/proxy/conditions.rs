//! What the test wants the way to its server to be like now.

use std::time::Duration;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Conditions {
    pub(super) link: Link,
    /// Connections made at another count than this are closed.
    pub(super) cuts: u64,
    pub(super) request_delay: Duration,
    pub(super) reply_delay: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    #[default]
    Open,
    BlackHole,
    Refusing,
}
