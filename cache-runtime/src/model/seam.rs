//! The seams: what the code under test asks the model, and gets no answer to outside of a run.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::gate::{Act, Pass, gate};
use super::stage::{on, try_on};

/// Whether this thread explores.
pub(crate) fn is_exploring() -> bool {
    try_on(|_| ()).is_some()
}

/// Takes over a task that would else run beside the explorer.
pub(crate) fn adopt<F>(task: F, what: &str) -> Option<F>
where
    F: Future<Output = ()> + Send + 'static,
{
    match try_on(|stage| stage.is_crashing) {
        None => return Some(task),
        // With the process goes what it would have done. Not under the borrow: dropping the task
        // may come back here.
        Some(true) => drop(task),
        Some(false) => on(|stage| stage.start(Box::pin(task), what)),
    }
    None
}

/// Random bytes that are the same wherever the running task has seen the same.
pub(crate) fn random_bytes() -> Option<[u8; 16]> {
    let (history, number) = try_on(super::stage::Stage::draw)?;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&history.to_le_bytes());
    bytes[8..].copy_from_slice(&number.to_le_bytes());
    Some(bytes)
}

/// Notes that the running task may have changed what the tasks of its process share.
pub(crate) fn touch() {
    try_on(|stage| {
        if !stage.is_crashing {
            stage.touch();
        }
    });
}

/// Notes that the running task has looked at what they share.
pub(crate) fn look() {
    try_on(super::stage::Stage::look);
}

/// A pause until another process may have gone on; says whether there was time for it.
pub(crate) async fn pause(keys: &[Arc<str>], pausing: impl Future<Output = bool>) -> bool {
    if is_exploring() {
        gate(Act::Pause, keys).await == Pass::Go
    } else {
        pausing.await
    }
}

/// Waits for `future` until the explorer says that the time is up.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut time_up = pin!(gate(Act::TimeUp, &[]));
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = future.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        time_up.as_mut().poll(context).map(|_| None)
    })
    .await
}
