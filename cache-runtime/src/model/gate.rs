//! Gates: where a task waits until the explorer lets it go on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::hash::{self, mix};
use super::stage::{on, try_on};

/// What somebody is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A call begins.
    Begin,
    Read,
    Lease,
    Publish,
    Put,
    Release,
    Invalidate,
    Fence,
    Unfence,
    /// The store has done it, and its answer arrives.
    Answer,
    Load,
    /// A load has found its value, and is about to return it.
    Loaded,
    Commit,
    /// Another process loads; its key is looked at again after a while.
    Pause,
    /// Waiting for another call ends without it.
    TimeUp,
}

/// How somebody goes through a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Go,
    /// The unlikely way: no answer comes, the load fails, the time is up.
    Otherwise,
}

/// Somebody at a gate.
pub(super) struct Waiting {
    pub(super) task: usize,
    pub(super) act: Act,
    pub(super) keys: Vec<Arc<str>>,
    pub(super) passed: Option<Pass>,
    /// A number for the gate, whoever waits there.
    pub(super) gate: u64,
    ticket: u64,
}

impl Act {
    /// Whether something is learnt behind the gate that is noted then.
    pub(super) fn has_answer(self) -> bool {
        !matches!(
            self,
            Self::Answer | Self::Loaded | Self::Pause | Self::TimeUp
        )
    }
}

impl Waiting {
    pub(super) fn new(task: usize, ticket: u64, act: Act, keys: Vec<Arc<str>>) -> Self {
        let sums = keys.iter().map(|key| hash::of_text(key));
        let gate = sums.fold(act as u64, mix);
        Self {
            task,
            act,
            keys,
            passed: None,
            gate,
            ticket,
        }
    }
}

/// Waits until the explorer lets the running task go on.
pub(super) fn gate(act: Act, keys: &[Arc<str>]) -> Gate {
    let mut keys = keys.to_vec();
    // In whatever order a map gave them.
    keys.sort_unstable();
    Gate {
        act,
        keys,
        ticket: None,
    }
}

pub(super) struct Gate {
    act: Act,
    keys: Vec<Arc<str>>,
    ticket: Option<u64>,
}

impl Future for Gate {
    type Output = Pass;

    fn poll(mut self: Pin<&mut Self>, _task: &mut Context<'_>) -> Poll<Pass> {
        let Some(ticket) = self.ticket else {
            let (act, keys) = (self.act, std::mem::take(&mut self.keys));
            self.ticket = Some(on(|stage| stage.wait(act, keys)));
            return Poll::Pending;
        };
        on(|stage| {
            let running = stage.running;
            let mut waiting = stage.waiting.iter_mut();
            let Some(waiting) = waiting.find(|it| it.ticket == ticket) else {
                return Poll::Pending;
            };
            // Whoever has taken the future over.
            waiting.task = running;
            let Some(pass) = waiting.passed else {
                return Poll::Pending;
            };
            stage.waiting.retain(|it| it.ticket != ticket);
            Poll::Ready(pass)
        })
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            try_on(|stage| stage.waiting.retain(|it| it.ticket != ticket));
        }
    }
}
