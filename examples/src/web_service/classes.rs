//! Classes, who is in them, and how they do.

use cache_runtime::{Cache, cache_result, invalidate_cache};
use sqlx::SqliteExecutor;

use crate::db::Db;
use crate::failure::Failure;
use crate::keys::CacheKeys;
use crate::model::{Analytics, Class, ClassId, Named, UserId};

#[cache_result(key = CacheKeys::CLASS_INFO.key(id), ttl = default, key_ignores(db))]
pub(crate) async fn class(db: &Db, id: ClassId) -> Result<Class, Failure> {
    let query = sqlx::query_as("SELECT id, name FROM classes WHERE id = ?");
    Ok(query.bind(id).fetch_one(db).await?)
}

#[cache_result(key = CacheKeys::CLASS_STUDENTS.key(id), ttl = default, key_ignores(db))]
pub(crate) async fn students_of(db: &Db, id: ClassId) -> Result<Vec<UserId>, Failure> {
    let query = sqlx::query_scalar("SELECT user_id FROM enrolments WHERE class_id = ?");
    Ok(query.bind(id).fetch_all(db).await?)
}

/// Every grade would change it, so no write invalidates it: it may be five minutes old.
#[cache_result(key = CacheKeys::CLASS_ANALYTICS.key(id), ttl = short, key_ignores(db))]
pub(crate) async fn analytics_of(db: &Db, id: ClassId) -> Result<Analytics, Failure> {
    let query = sqlx::query_as(include_str!("analytics.sql"));
    Ok(query.bind(id).fetch_one(db).await?)
}

pub(crate) async fn create(db: &Db, new: Named) -> Result<Class, Failure> {
    let query = sqlx::query_as("INSERT INTO classes (name) VALUES (?) RETURNING id, name");
    Ok(query.bind(new.name).fetch_one(db).await?)
}

/// A row that two lists show: both go.
#[invalidate_cache(keys = [CacheKeys::CLASS_STUDENTS.key(id), CacheKeys::USER_CLASSES.key(user_id)])]
pub(crate) async fn enrol(
    db: impl SqliteExecutor<'_>,
    id: ClassId,
    user_id: UserId,
) -> Result<(), Failure> {
    let query = sqlx::query("INSERT OR IGNORE INTO enrolments (user_id, class_id) VALUES (?, ?)");
    query.bind(user_id).bind(id).execute(db).await?;
    Ok(())
}

#[invalidate_cache(keys = [CacheKeys::CLASS_STUDENTS.key(id), CacheKeys::USER_CLASSES.key(user_id)])]
async fn leave(db: impl SqliteExecutor<'_>, id: ClassId, user_id: UserId) -> Result<(), Failure> {
    let query = sqlx::query("DELETE FROM enrolments WHERE user_id = ? AND class_id = ?");
    match query
        .bind(user_id)
        .bind(id)
        .execute(db)
        .await?
        .rows_affected()
    {
        0 => Err(Failure::NotFound),
        _ => Ok(()),
    }
}

/// Both statements or none; what they invalidate waits until both are committed.
pub(crate) async fn move_student(
    db: &Db,
    user_id: UserId,
    from: ClassId,
    to: ClassId,
) -> Result<(), Failure> {
    Cache::current()
        .transaction(db, async |mut tx| {
            leave(&mut **tx, from, user_id).await?;
            enrol(&mut **tx, to, user_id).await
        })
        .await
}
