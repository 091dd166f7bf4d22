//! The rows, and the log of what was committed: `SQLite`, in a file that all processes write.
//!
//! Its calls block. They are short, and a call that a dropped future has not reached does not
//! happen afterwards: so a commit is never later than the invalidation that a drop sets off.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, Result, Row, TransactionBehavior, params};

use crate::choices::{KEYS, Write};

/// The version of a row that nobody has written.
const FIRST: u32 = 1;

/// One process's way to the database. Reads don't wait for writes.
pub(crate) struct Database {
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

/// Who writes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writing {
    pub(crate) worker: u32,
    pub(crate) incarnation: u32,
    pub(crate) write: Write,
}

/// A write that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WriteId(i64);

/// A version that was committed, with the write that it is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit {
    pub(crate) id: WriteId,
    pub(crate) writing: Writing,
    pub(crate) key: u32,
    pub(crate) version: u32,
    /// When its invalidation had returned `Applied`, or surely was in force.
    pub(crate) applied_at: Option<Duration>,
}

impl Database {
    /// Creates the file, with all rows in it.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let database = Self::open(path)?;
        let mut writer = database.writer.lock();
        let rows = writer.transaction()?;
        rows.execute_batch(include_str!("schema.sql"))?;
        for key in 0..KEYS {
            rows.execute("INSERT INTO rows VALUES (?, ?)", params![key, FIRST])?;
        }
        rows.commit()?;
        drop(writer);
        Ok(database)
    }

    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            reader: Mutex::new(connect(path)?),
            writer: Mutex::new(connect(path)?),
        })
    }

    pub(crate) fn version(&self, key: u32) -> Result<u32> {
        let reader = self.reader.lock();
        let mut query = reader.prepare_cached("SELECT version FROM rows WHERE key = ?")?;
        query.query_row([key], |row| row.get(0))
    }

    /// Gives each of the rows its next version, all at once; says which the last one got.
    pub(crate) fn commit(&self, writing: Writing, keys: &[u32]) -> Result<(WriteId, u32)> {
        const WRITE: &str = "INSERT INTO writes (worker, incarnation, kind) VALUES (?, ?, ?)";
        const ROW: &str = "UPDATE rows SET version = version + 1 WHERE key = ? RETURNING version";
        const COMMIT: &str = "INSERT INTO commits VALUES (?, ?, ?)";
        let mut writer = self.writer.lock();
        let all = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (worker, incarnation) = (writing.worker, writing.incarnation);
        all.prepare_cached(WRITE)?
            .execute(params![worker, incarnation, writing.write as u8])?;
        let (id, mut version) = (all.last_insert_rowid(), 0);
        for key in keys {
            version = all
                .prepare_cached(ROW)?
                .query_row([key], |row| row.get(0))?;
            all.prepare_cached(COMMIT)?
                .execute(params![id, key, version])?;
        }
        all.commit()?;
        Ok((WriteId(id), version))
    }

    /// Notes from when on the invalidation of this write is in force.
    pub(crate) fn applied(&self, id: WriteId, at: Duration) -> Result<()> {
        let at = i64::try_from(at.as_nanos()).unwrap_or(i64::MAX);
        let writer = self.writer.lock();
        let mut update = writer.prepare_cached("UPDATE writes SET applied_at = ? WHERE id = ?")?;
        update.execute(params![at, id.0])?;
        Ok(())
    }

    /// Everything that was committed.
    pub(crate) fn commits(&self) -> Result<Vec<Commit>> {
        let reader = self.reader.lock();
        let mut query = reader.prepare(
            "SELECT worker, incarnation, kind, key, version, applied_at, id
             FROM commits JOIN writes ON id = write_id",
        )?;
        query.query_map([], commit)?.collect()
    }
}

fn commit(row: &Row<'_>) -> Result<Commit> {
    let (kind, applied_at): (u8, Option<i64>) = (row.get(2)?, row.get(5)?);
    let write = Write::ALL.into_iter().find(|write| *write as u8 == kind);
    Ok(Commit {
        id: WriteId(row.get(6)?),
        writing: Writing {
            worker: row.get(0)?,
            incarnation: row.get(1)?,
            write: write.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
        },
        key: row.get(3)?,
        version: row.get(4)?,
        applied_at: applied_at
            .and_then(|at| u64::try_from(at).ok())
            .map(Duration::from_nanos),
    })
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_handler(Some(wait))?;
    // Readers go on while somebody writes. What a killed process has written is in the kernel's
    // hands, so nobody waits for the disk.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    Ok(connection)
}

/// The library's own pauses are of milliseconds, its transactions of microseconds.
fn wait(_times: i32) -> bool {
    std::thread::sleep(Duration::from_micros(50));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_is_a_version_more_and_is_logged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.db");
        let (database, other) = (
            Database::create(&path).unwrap(),
            Database::open(&path).unwrap(),
        );
        let writing = Writing {
            worker: 1,
            incarnation: 2,
            write: Write::After,
        };
        let (first, _) = database.commit(writing, &[7, 8]).unwrap();
        other.commit(writing, &[7]).unwrap();
        database.applied(first, Duration::from_nanos(12)).unwrap();
        assert_eq!([7, 8, 9].map(|key| other.version(key).unwrap()), [3, 2, 1]);
        let log = other.commits().unwrap();
        let log: Vec<_> = log.iter().map(|one| (one.key, one.version)).collect();
        assert_eq!(log, [(7, 2), (8, 2), (7, 3)]);
        let applied = other.commits().unwrap()[0];
        assert_eq!(applied.applied_at, Some(Duration::from_nanos(12)));
        assert_eq!(applied.writing, writing);
    }
}
