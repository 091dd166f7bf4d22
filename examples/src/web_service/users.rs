//! Users: read often, renamed at times, and erased for good.

use cache_runtime::{cache_result, invalidate_cache};

use crate::db::Db;
use crate::failure::Failure;
use crate::keys::CacheKeys;
use crate::model::{ClassId, Named, User, UserId};

#[cache_result(key = CacheKeys::USER_PROFILE.key(id), ttl = default, key_ignores(db))]
pub(crate) async fn user(db: &Db, id: UserId) -> Result<User, Failure> {
    let query = sqlx::query_as("SELECT id, name FROM users WHERE id = ?");
    Ok(query.bind(id).fetch_one(db).await?)
}

#[cache_result(key = CacheKeys::USER_CLASSES.key(id), ttl = default, key_ignores(db))]
pub(crate) async fn classes_of(db: &Db, id: UserId) -> Result<Vec<ClassId>, Failure> {
    let query = sqlx::query_scalar("SELECT class_id FROM enrolments WHERE user_id = ?");
    Ok(query.bind(id).fetch_all(db).await?)
}

/// There is nothing to invalidate: that a user does not exist is an error, and not cached.
pub(crate) async fn create(db: &Db, new: Named) -> Result<User, Failure> {
    let query = sqlx::query_as("INSERT INTO users (name) VALUES (?) RETURNING id, name");
    Ok(query.bind(new.name).fetch_one(db).await?)
}

#[invalidate_cache(key = CacheKeys::USER_PROFILE.key(id))]
pub(crate) async fn rename(db: &Db, id: UserId, new: Named) -> Result<User, Failure> {
    let query = sqlx::query_as("UPDATE users SET name = ? WHERE id = ? RETURNING id, name");
    Ok(query.bind(new.name).bind(id).fetch_one(db).await?)
}

/// Patterns, not a list of keys. A list would have to name every grading result, which only the
/// database knows, and every key that is added later; one forgotten would keep personal data for
/// a day. Each pattern looks at every key of the server, so it is for rare writes like this one;
/// the others name their keys. Which lists of students name the user is not known before the
/// row is gone, so all of them go.
#[invalidate_cache(pattern = "user:<id>:*")]
#[invalidate_cache(pattern = "class:*:students")]
pub(crate) async fn erase(db: &Db, id: UserId) -> Result<(), Failure> {
    let query = sqlx::query("DELETE FROM users WHERE id = ?");
    let erased = query.bind(id).execute(db).await?;
    if erased.rows_affected() == 0 {
        return Err(Failure::NotFound);
    }
    Ok(())
}

/// Drops what is cached of a user, for when the database was changed behind the service's back.
#[invalidate_cache(pattern = "user:<id>:*")]
pub(crate) async fn forget(id: UserId) {}
