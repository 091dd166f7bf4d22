//! What the test wants the way to its server to be like now.

use std::net::SocketAddr;
use std::time::Duration;

use super::Refusal;

#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub(super) link: Link,
    /// Where new connections lead.
    pub(super) server: SocketAddr,
    /// Connections made at another count than this are closed.
    pub(super) cuts: u64,
    /// Connections made at another count than this lead nowhere any more.
    pub(super) vanishings: u64,
    pub(super) request_delay: Duration,
    pub(super) reply_delay: Duration,
    /// Up to how much more each reply is delayed.
    pub(super) jitter: Duration,
    pub(super) replies: Replies,
    /// What is answered in place of the server.
    pub(super) refusal: Option<Refusal>,
}

impl Conditions {
    pub(super) fn fair(server: SocketAddr) -> Self {
        Self {
            link: Link::Open,
            server,
            cuts: 0,
            vanishings: 0,
            request_delay: Duration::ZERO,
            reply_delay: Duration::ZERO,
            jitter: Duration::ZERO,
            replies: Replies::Whole,
            refusal: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Open,
    BlackHole,
    Refusing,
}

/// How replies arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    Whole,
    /// Half of it, and then the end of the connection.
    CutShort,
    Garbage,
    /// A byte, and then nothing for so long.
    Dripping(Duration),
}
