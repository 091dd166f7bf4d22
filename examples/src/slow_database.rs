//! A database to keep away from: it answers correctly, and late.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cache_runtime::KeyPart;
use serde::{Deserialize, Serialize};

const LATENCY: Duration = Duration::from_millis(80);
const LAST_USER: UserId = UserId(9);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, KeyPart)]
pub(crate) struct UserId(pub(crate) u32);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) title: String,
}

/// `Clone`, so that callers who wait for one load can share its error.
#[derive(Clone, Debug)]
pub(crate) struct DbError(UserId);

impl fmt::Display for DbError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "there is no user {}", self.0.0)
    }
}

impl std::error::Error for DbError {}

static ROWS: Mutex<Vec<(UserId, Assignment)>> = Mutex::new(Vec::new());

pub(crate) async fn select(user: UserId) -> Result<Vec<Assignment>, DbError> {
    reach(user).await?;
    let rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(rows
        .iter()
        .filter(|(owner, _)| *owner == user)
        .map(|(_, row)| row.clone())
        .collect())
}

pub(crate) async fn insert(user: UserId, title: &str) -> Result<Assignment, DbError> {
    reach(user).await?;
    let row = Assignment {
        title: title.to_owned(),
    };
    ROWS.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((user, row.clone()));
    Ok(row)
}

async fn reach(user: UserId) -> Result<(), DbError> {
    tokio::time::sleep(LATENCY).await;
    if user > LAST_USER {
        Err(DbError(user))
    } else {
        Ok(())
    }
}
