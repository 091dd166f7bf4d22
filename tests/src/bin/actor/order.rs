//! What it can be told.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cache_runtime::Cache;

use crate::stop_at::StopAt;
use crate::{rows, stampede};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// `stampede <round> <start>`: many calls at once, at this nanosecond of the common clock.
    Stampede { round: u64, start: Duration },
    /// `pace <start>`: what as many calls take that nobody coordinates.
    Pace { start: Duration },
    /// `hold <id>`: loads a row, and never ends.
    Hold { id: u64 },
    /// `read <id>`
    Read { id: u64 },
    /// `around <id> <await>` and `update <id> <await>`: writes a row, and stops at this await.
    Write { how: How, id: u64, stop: u64 },
}

/// How a row is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Around,
    Update,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let mut number = || {
            let word = words.next().unwrap_or_default();
            word.parse().map_err(|_| format!("`{line}` lacks a number"))
        };
        Ok(match name {
            "stampede" => Self::Stampede {
                round: number()?,
                start: Duration::from_nanos(number()?),
            },
            "pace" => Self::Pace {
                start: Duration::from_nanos(number()?),
            },
            "hold" => Self::Hold { id: number()? },
            "read" => Self::Read { id: number()? },
            "around" | "update" => Self::Write {
                how: if name == "around" {
                    How::Around
                } else {
                    How::Update
                },
                id: number()?,
                stop: number()?,
            },
            _ => return Err(format!("`{line}` is no order")),
        })
    }
}

impl Order {
    /// Whether it is to be stopped at one of its awaits.
    pub(crate) fn stops(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    /// Does it, and gives the answer.
    pub(crate) async fn follow(self, cache: &Cache, folder: &Path) -> String {
        let folder: Arc<Path> = folder.into();
        match self {
            Self::Stampede { round, start } => stampede::run(round, start).await,
            Self::Pace { start } => stampede::pace(cache, start).await,
            Self::Hold { id } => rows::held(id, folder).await.to_string(),
            Self::Read { id } => {
                let loads = cache.stats().loads;
                let version = rows::row(id, folder).await;
                match cache.stats().loads - loads {
                    1 => format!("{version} after 1 load"),
                    loads => format!("{version} after {loads} loads"),
                }
            }
            Self::Write { how, id, stop } => {
                match how {
                    How::Around => StopAt::new(stop, rows::around(id, folder)).await,
                    How::Update => StopAt::new(stop, rows::update(id, folder)).await,
                };
                "done".to_owned()
            }
        }
    }
}
