//! Sweeps up what is left of ended sessions, in the background.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::task::AbortHandle;

use super::events::SessionEvent;
use super::listing::SessionCleanup;
use super::shared::Shared;
use crate::client::engine;
use crate::store::{SessionCursor, SessionTally};

/// If the process that sweeps is killed, another may after this time.
const LEASE: Duration = Duration::from_secs(30);
/// Between two steps, for those who wait for the server.
const PAUSE: Duration = Duration::from_millis(5);

/// Sweeps about once in `every`, until the last handle is gone or the cache is shut down.
///
/// Without a thread of our own there is a log entry, and Redis ends keys by itself.
pub(super) fn start(shared: &Arc<Shared>, every: Duration) -> Option<AbortHandle> {
    engine::spawn(now_and_then(Arc::downgrade(shared), every))
}

async fn now_and_then(shared: Weak<Shared>, every: Duration) {
    let Some(mut ending) = shared.upgrade().map(|shared| shared.cache.ending()) else {
        return;
    };
    loop {
        // Processes that were started together are not to sweep together.
        let pause = every.mul_f64(0.9 + rand::random::<f64>() / 5.0);
        let sweeping = async {
            tokio::time::sleep(pause).await;
            sweep_in_turn(&shared, every).await
        };
        let ended = ending.wait_for(|is_ending| *is_ending);
        match select(pin!(ended), pin!(sweeping)).await {
            Either::Right((Some(()), _)) => {}
            _ => return,
        }
    }
}

/// One process sweeps, and once in that time; nothing if there is nobody to sweep for.
async fn sweep_in_turn(shared: &Weak<Shared>, every: Duration) -> Option<()> {
    let (cache, name) = {
        let shared = shared.upgrade()?;
        (
            shared.cache.clone(),
            format!("[sessions] cleanup {}", shared.name),
        )
    };
    // While Redis is away, another time.
    let Ok(Some(_alone)) = cache.try_lock(&name, LEASE).await else {
        return Some(());
    };
    let turn = cache.limit(&name, 1, every.mul_f64(0.8));
    if !turn.take().await.is_ok_and(|turn| turn.is_allowed) {
        return Some(());
    }
    let (mut cursor, mut all) = (SessionCursor::default(), SessionTally::default());
    while !cursor.is_done() {
        // Held for one step only: the last handle may go meanwhile.
        let Ok((next, tally)) = shared.upgrade()?.sweep(cursor, true).await else {
            return Some(());
        };
        cursor = next;
        all += tally;
        tokio::time::sleep(PAUSE).await;
    }
    let cleanup = SessionCleanup::from(all);
    shared
        .upgrade()?
        .events
        .tell(SessionEvent::Cleaned(cleanup));
    Some(())
}
