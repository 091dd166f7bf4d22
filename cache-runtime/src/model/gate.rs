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
    pub(super) key: Arc<str>,
    pub(super) passed: Option<Pass>,
    ticket: u64,
    /// What the key held when the pause began.
    content: Option<u64>,
    has_changed: bool,
}

impl Act {
    /// Whether something is learnt behind the gate that is noted then.
    pub(super) fn has_answer(self) -> bool {
        !matches!(self, Self::Answer | Self::Loaded | Self::Pause | Self::TimeUp)
    }
}

impl Waiting {
    pub(super) fn new(task: usize, ticket: u64, act: Act, key: Arc<str>) -> Self {
        Self {
            task,
            act,
            key,
            passed: None,
            ticket,
            content: None,
            has_changed: false,
        }
    }

    pub(super) fn gate(&self) -> u64 {
        mix(self.act as u64, hash::of_text(&self.key))
    }

    pub(super) fn state(&self) -> u64 {
        mix(self.gate(), u64::from(self.has_changed))
    }

    pub(super) fn look_at(&mut self, content: u64) {
        let before = *self.content.get_or_insert(content);
        self.has_changed |= before != content;
    }

    /// Whether there is anything new to see.
    pub(super) fn has_changed(&self) -> bool {
        self.has_changed
    }
}

/// Waits until the explorer lets the running task go on.
pub(super) fn gate(act: Act, key: &Arc<str>) -> Gate {
    Gate {
        act,
        key: key.clone(),
        ticket: None,
    }
}

pub(super) struct Gate {
    act: Act,
    key: Arc<str>,
    ticket: Option<u64>,
}

impl Future for Gate {
    type Output = Pass;

    fn poll(mut self: Pin<&mut Self>, _task: &mut Context<'_>) -> Poll<Pass> {
        let Some(ticket) = self.ticket else {
            let (act, key) = (self.act, self.key.clone());
            self.ticket = Some(on(|stage| stage.wait(act, key)));
            return Poll::Pending;
        };
        on(|stage| {
            let waiting = &mut stage.waiting;
            let at = waiting.iter().position(|it| it.ticket == ticket);
            match at.and_then(|at| waiting[at].passed) {
                Some(pass) => {
                    waiting.retain(|it| it.ticket != ticket);
                    Poll::Ready(pass)
                }
                None => Poll::Pending,
            }
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
