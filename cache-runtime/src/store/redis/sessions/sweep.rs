//! Sessions of all users: `SCAN` in bounded steps, and a script for each user that it finds.

use ::redis::Value;
use futures_util::future::try_join_all;

use super::Sent;
use super::answers::counted;
use crate::client::WireKey;
use crate::error::Fault;
use crate::store::redis::scripts::Script;
use crate::store::redis::{Redis, sweep};
use crate::store::sessions::{Place, SessionCursor, SessionTally, before_locator};

/// Keys a `SCAN` looks at.
const LOOKED_AT: usize = 256;
/// Scripts that are sent at once: the server runs them one after the other without a pause.
const AT_ONCE: usize = 16;
/// Sessions that they may meet together; after more they are sent one by one for a while.
const MANY: u64 = 256;

impl Redis {
    pub(in crate::store) async fn sweep_sessions(
        &self,
        name: &str,
        cursor: SessionCursor,
        removes: bool,
    ) -> Result<(SessionCursor, SessionTally), Fault> {
        let (cursor, mut primaries) = match cursor.0 {
            Place::Scan { cursor, primaries } => (cursor, primaries),
            Place::Start if self.is_cluster() => (b"0".to_vec(), self.layout().await?.0),
            Place::Start => (b"0".to_vec(), Vec::new()),
            place @ (Place::After(_) | Place::End) => {
                return Ok((SessionCursor(place), SessionTally::default()));
            }
        };
        let pattern = format!("{}{}", self.namespace, before_locator(name));
        let pattern = format!("{}*", sweep::glob_escaped(&pattern));
        let at = primaries.last();
        let (next, keys) = self.scan(&cursor, &pattern, LOOKED_AT, at).await?;
        let tally = self.count_sessions(&keys, removes).await?;
        if next == b"0" {
            primaries.pop();
        }
        let place = if next == b"0" && primaries.is_empty() {
            Place::End
        } else {
            Place::Scan {
                cursor: next,
                primaries,
            }
        };
        Ok((SessionCursor(place), tally))
    }

    async fn count_sessions(&self, keys: &[Vec<u8>], removes: bool) -> Result<SessionTally, Fault> {
        let (mut tally, mut at_once, mut rest) = (SessionTally::default(), AT_ONCE, keys);
        while !rest.is_empty() {
            let (keys, others) = rest.split_at(at_once.min(rest.len()));
            let each = keys.iter().map(|key| self.count_user(key, removes));
            let mut together = SessionTally::default();
            for user in try_join_all(each).await? {
                together += user;
            }
            let is_many = together.active + together.expired > MANY;
            at_once = if is_many { 1 } else { AT_ONCE };
            tally += together;
            rest = others;
        }
        Ok(tally)
    }

    async fn count_user(&self, key: &[u8], removes: bool) -> Result<SessionTally, Fault> {
        let key = WireKey::whole(key);
        let run = self.on_user(Script::SweepSessions, Sent::Again, key, |cmd| {
            cmd.arg(u8::from(removes));
        });
        Ok(tally(run.await?, removes))
    }
}

fn tally(answer: Option<Value>, removes: bool) -> SessionTally {
    let parts = match answer {
        Some(Value::Array(parts)) => parts,
        // It holds something else.
        _ => Vec::new(),
    };
    let numbers: Vec<_> = parts.iter().filter_map(counted).collect();
    let [named, anonymous, expired, corrupt] = numbers[..] else {
        return SessionTally {
            corrupt: 1,
            ..SessionTally::default()
        };
    };
    SessionTally {
        users: u64::from(named > 0),
        anonymous,
        active: named + anonymous,
        expired,
        removed: if removes { expired } else { 0 },
        corrupt,
    }
}
