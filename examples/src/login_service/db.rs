//! The database: `SQLite`, in this process's memory.

use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

pub(crate) type Db = SqlitePool;

pub(crate) async fn open() -> Result<Db, sqlx::Error> {
    // One connection, and never another: each to `:memory:` would be a database of its own.
    let one = SqlitePoolOptions::new().max_connections(1);
    let kept = one.idle_timeout(None).max_lifetime(None);
    let db = kept.connect("sqlite::memory:").await?;
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&db)
        .await?;
    Ok(db)
}
