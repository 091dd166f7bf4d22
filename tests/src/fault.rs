//! All that can go wrong on the way to a server, one by one.

use std::time::Duration;

use crate::{FaultProxy, Refusal};

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $fault:ident => $name:literal,)+) => {
        /// A fault of the server, or of the way to it, that a [`FaultProxy`] which speaks makes.
        ///
        /// ```
        /// use cache_tests::Fault;
        ///
        /// assert!(Fault::ALL.iter().any(|fault| fault.name() == "black hole"));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[doc = $doc])+ $fault,)+ }

        impl Fault {
            /// Each of them.
            pub const ALL: [Self; [$(Self::$fault,)+].len()] = [$(Self::$fault,)+];

            /// What it is called in tables.
            pub fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)+ }
            }

            /// What it is.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$fault => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

faults! {
    /// Each answer arrives 20 ms late.
    Delay => "delay",
    /// Each answer arrives up to 40 ms late, at random.
    Jitter => "jitter",
    /// Each answer arrives 2 s late, which is more than a call waits.
    Overdue => "overdue",
    /// Each connection ends in the middle of its next reply.
    CutShort => "cut in a reply",
    /// The connection leads nowhere, and nobody says so; new ones are served.
    HalfOpen => "half-open",
    /// Nothing gets through, and nothing is closed.
    BlackHole => "black hole",
    /// Replies are no Redis protocol.
    Garbage => "garbage",
    /// Replies arrive a byte each 20 ms.
    Drip => "slow drip",
    /// Connections are closed, and new ones refused.
    Refused => "refused",
    /// The server reads its dump.
    Loading => "LOADING",
    /// The server is a replica: it takes no writes.
    ReadOnly => "READONLY",
    /// The server is full: it takes no writes.
    OutOfMemory => "OOM",
    /// A script runs and does not end.
    Busy => "BUSY",
    /// The password has changed.
    NoAuth => "NOAUTH",
    /// Each server says that another one has the key.
    Moved => "MOVED",
    /// Nobody has the key.
    ClusterDown => "CLUSTERDOWN",
}

impl Fault {
    /// Lets it begin.
    pub async fn begin(self, proxy: &FaultProxy) {
        let late = |millis| proxy.delay_replies(Duration::from_millis(millis));
        match self {
            Self::Delay => late(20),
            Self::Jitter => proxy.jitter_replies(Duration::from_millis(40)),
            Self::Overdue => late(2_000),
            Self::CutShort => proxy.cut_replies_short(),
            Self::HalfOpen => proxy.forget_connections(),
            Self::BlackHole => proxy.black_hole(),
            Self::Garbage => proxy.garble_replies(),
            Self::Drip => proxy.drip_replies(Duration::from_millis(20)),
            Self::Refused => proxy.refuse().await,
            Self::Loading => proxy.answer_with(Refusal::Loading),
            Self::ReadOnly => proxy.answer_with(Refusal::ReadOnly),
            Self::OutOfMemory => proxy.answer_with(Refusal::OutOfMemory),
            Self::Busy => proxy.answer_with(Refusal::Busy),
            Self::NoAuth => proxy.answer_with(Refusal::NoAuth),
            Self::Moved => proxy.answer_with(Refusal::Moved),
            Self::ClusterDown => proxy.answer_with(Refusal::ClusterDown),
        }
    }

    /// Ends whatever there is.
    pub async fn end(proxy: &FaultProxy) {
        proxy.delay_replies(Duration::ZERO);
        proxy.jitter_replies(Duration::ZERO);
        proxy.heal().await;
    }
}
