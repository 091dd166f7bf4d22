//! Users: their profile is read with each page, and cached.

use cache_runtime::{cache_result, invalidate_cache};

use crate::db::Db;
use crate::failure::Failure;
use crate::model::{Credentials, Profile, UserId};

#[cache_result(key = "user:<id>:profile", ttl = default, key_ignores(db))]
pub(crate) async fn profile(db: &Db, id: UserId) -> Result<Profile, Failure> {
    let query = sqlx::query_as("SELECT name, full_name FROM users WHERE id = ?");
    Ok(query.bind(id).fetch_one(db).await?)
}

#[invalidate_cache(key = "user:<id>:profile")]
pub(crate) async fn rename(db: &Db, id: UserId, full_name: &str) -> Result<(), Failure> {
    let query = sqlx::query("UPDATE users SET full_name = ? WHERE id = ?");
    query.bind(full_name).bind(id).execute(db).await?;
    Ok(())
}

/// Never cached: a hash has no business outside of the database.
pub(crate) async fn credentials(db: &Db, name: &str) -> Result<Option<Credentials>, Failure> {
    let query = sqlx::query_as("SELECT id, password_hash FROM users WHERE name = ?");
    Ok(query.bind(name).fetch_optional(db).await?)
}

/// `None` if the name is taken.
pub(crate) async fn create(db: &Db, name: &str, hash: &str) -> Result<Option<UserId>, Failure> {
    let query = sqlx::query_scalar(
        "INSERT INTO users (name, full_name, password_hash) VALUES (?, ?, ?)
         ON CONFLICT DO NOTHING RETURNING id",
    );
    let values = query.bind(name).bind(name).bind(hash);
    Ok(values.fetch_optional(db).await?)
}
