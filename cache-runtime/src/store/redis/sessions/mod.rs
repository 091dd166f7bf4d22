//! Sessions on Redis: each verb is one script on one key.
//!
//! What may be executed twice without harm is sent once more when the connection is lost under it:
//! reading, deleting, revoking, extending and rotating. The others are not.
//!
//! The time is the server's own, so neither another clock nor a command that arrives late ends a
//! session too early or lets it live on. Only a clock that a test moves is told to the scripts.

mod answers;
mod endings;
pub(super) mod scripts;
mod sweep;

use std::sync::Arc;

use ::redis::{Cmd, Value};

use super::Redis;
use super::scripts::Script;
use crate::client::WireKey;
use crate::entry::Generation;
use crate::error::Fault;
use crate::store::sessions::{
    Change, Creation, Digest, Found, Head, Idle, MOST, NewSession, Rotation, Saving, SessionAt,
    SessionField,
};
use answers::{created, ended, found, head_of, listed, saved};
use endings::Ended;
pub(super) use endings::Endings;

/// How many servers in a row a verb may meet that have just come.
const TAKEOVERS: usize = 3;

/// Whether a script may run twice.
#[derive(Clone, Copy)]
enum Sent {
    Once,
    Again,
}

impl Redis {
    pub(in crate::store) async fn open_login(
        &self,
        key: &str,
        fresh: Generation,
        window: u64,
    ) -> Result<Option<Generation>, Fault> {
        let run = self.on_key(Script::OpenLogin, Sent::Once, key, |cmd| {
            cmd.arg(fresh.as_slice()).arg(window.max(1));
        });
        Ok(match run.await? {
            Some(Value::BulkString(generation)) => generation.try_into().ok(),
            _ => None,
        })
    }

    pub(in crate::store) async fn create_session(
        &self,
        new: &NewSession<'_>,
    ) -> Result<Creation, Fault> {
        let most = new.limit.map_or(MOST, |limit| limit.most.clamp(1, MOST));
        let evicts = new.limit.is_none_or(|limit| limit.evicts);
        let run = self.on_key(Script::CreateSession, Sent::Once, new.at.key, |cmd| {
            cmd.arg(&new.at.id).arg(new.digest).arg(new.flags);
            cmd.arg(new.end).arg(&new.idle.numbers());
            cmd.arg(new.body).arg(new.data);
            cmd.arg(new.expected.as_ref().map_or(&[][..], |expected| expected));
            cmd.arg(most).arg(u8::from(evicts));
        });
        Ok(created(run.await?))
    }

    pub(in crate::store) async fn get_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        idle: Option<Idle>,
    ) -> Result<Found, Fault> {
        let run = self.on_session(Script::GetSession, Sent::Again, at, digest, |cmd| {
            if let Some(idle) = idle {
                cmd.arg(&idle.numbers());
            }
        });
        Ok(found(run.await?))
    }

    pub(in crate::store) async fn save_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        saving: &Saving<'_>,
    ) -> Result<Change<Head>, Fault> {
        let run = self.on_session(Script::SaveSession, Sent::Once, at, digest, |cmd| {
            cmd.arg(saving.revision.map_or(String::new(), |is| is.to_string()));
            cmd.arg(saving.end.map_or(String::new(), |end| end.to_string()));
            cmd.arg(saving.data);
            if let Some(body) = saving.body {
                cmd.arg(body);
            }
        });
        Ok(saved(run.await?, head_of))
    }

    pub(in crate::store) async fn extend_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        by: u64,
    ) -> Result<Change<Head>, Fault> {
        let run = self.on_session(Script::ExtendSession, Sent::Again, at, digest, |cmd| {
            cmd.arg(by);
        });
        Ok(saved(run.await?, head_of))
    }

    pub(in crate::store) async fn rotate_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        rotation: &Rotation<'_>,
    ) -> Result<Change<Head>, Fault> {
        let run = self.on_session(Script::RotateSession, Sent::Again, at, digest, |cmd| {
            cmd.arg(rotation.fresh).arg(rotation.grace);
            if let Some(body) = rotation.body {
                cmd.arg(body);
            }
        });
        Ok(saved(run.await?, head_of))
    }

    pub(in crate::store) async fn delete_session(
        &self,
        at: SessionAt<'_>,
        digest: Option<&Digest>,
    ) -> Result<bool, Fault> {
        let changes = self.changes();
        let run = self.on_key(Script::DeleteSession, Sent::Again, at.key, |cmd| {
            cmd.arg(&at.id);
            if let Some(digest) = digest {
                cmd.arg(digest);
            }
        });
        let is_ended = run.await? == Some(Value::Int(1));
        if is_ended {
            let ended = Ended {
                generation: Vec::new(),
                heads: vec![[b"s", &at.id[..]].concat()],
            };
            self.remember_ending(at.key, ended, changes);
        }
        Ok(is_ended)
    }

    pub(in crate::store) async fn list_sessions(
        &self,
        key: &str,
    ) -> Result<Option<Vec<(SessionField, Head)>>, Fault> {
        let run = self.on_key(Script::ListSessions, Sent::Again, key, |_| {});
        Ok(run.await?.map(listed))
    }

    pub(in crate::store) async fn revoke_sessions(&self, key: &Arc<str>) -> Result<u64, Fault> {
        let changes = self.changes();
        let run = self.on_key(Script::RevokeSessions, Sent::Again, key, |_| {});
        let Some((live, ended)) = run.await?.as_ref().and_then(ended) else {
            return Ok(0);
        };
        self.remember_ending(key, ended, changes);
        Ok(live)
    }

    pub(in crate::store) async fn revoke_others(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
    ) -> Result<Change<u64>, Fault> {
        let (script, changes) = (Script::RevokeOtherSessions, self.changes());
        let run = self.on_session(script, Sent::Again, at, digest, |_| {});
        Ok(
            saved(run.await?, |_, answer| ended(answer)).map(|(live, ended)| {
                self.remember_ending(at.key, ended, changes);
                live
            }),
        )
    }

    /// The same as it is in a process with no clock of a test's.
    #[cfg(test)]
    pub(in crate::store) fn with_server_time(&self) -> Self {
        let clock = crate::client::ServerClock::new(crate::clock::Clock::system());
        Self {
            clock: clock.into(),
            ..self.clone()
        }
    }

    async fn on_session(
        &self,
        script: Script,
        sent: Sent,
        at: SessionAt<'_>,
        digest: &Digest,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Option<Value>, Fault> {
        let run = self.on_key(script, sent, at.key, |cmd| {
            cmd.arg(&at.id).arg(digest);
            arguments(cmd);
        });
        run.await
    }

    /// As [`on_user`](Self::on_user), but not at a server that lacks what has ended lately.
    async fn on_key(
        &self,
        script: Script,
        sent: Sent,
        key: &str,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Option<Value>, Fault> {
        for _ in 0..TAKEOVERS {
            let changes = self.changes();
            self.end_again(key, changes).await?;
            let answer = self
                .on_user(script, sent, self.wire(key), &arguments)
                .await?;
            // Another server may have answered. What has changed something has done so to a
            // session that is ended again, whoever was asked.
            if changes == self.changes() || matches!(sent, Sent::Once) {
                return Ok(answer);
            }
        }
        Err(Fault::NotConnected)
    }

    /// Runs a script on a user's hash. Nothing if the key holds something else.
    async fn on_user(
        &self,
        script: Script,
        sent: Sent,
        key: WireKey<'_>,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Option<Value>, Fault> {
        let now = self.clock.set_by_hand().map(|now| now.to_string());
        let now = now.unwrap_or_default();
        let keys = [key];
        let run = || {
            script.run(self.link(), &keys, self.budget, |cmd| {
                cmd.arg(&now);
                arguments(cmd);
            })
        };
        let answer = match (run().await, sent) {
            (Err(fault), Sent::Again) if fault.is_lost_connection() => Box::pin(run()).await,
            (answer, _) => answer,
        };
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Fault::WrongType) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
