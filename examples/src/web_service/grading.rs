//! Grading results: costly to make, seldom changed, so they are kept for a day.

use cache_runtime::{cache_result, invalidate_cache, update_cache};

use crate::db::Db;
use crate::failure::Failure;
use crate::keys::CacheKeys;
use crate::model::{AssignmentId, Grade, NewGrade, UserId};

#[cache_result(key = CacheKeys::GRADING_RESULT.key(user_id, id), ttl = long, key_ignores(db))]
pub(crate) async fn grade_of(db: &Db, user_id: UserId, id: AssignmentId) -> Result<Grade, Failure> {
    let query = sqlx::query_as("SELECT * FROM grades WHERE user_id = ? AND assignment_id = ?");
    Ok(query.bind(user_id).bind(id).fetch_one(db).await?)
}

#[cache_result(key = CacheKeys::USER_GRADES.key(user_id), ttl = long, key_ignores(db))]
pub(crate) async fn grades_of(db: &Db, user_id: UserId) -> Result<Vec<Grade>, Failure> {
    let query = sqlx::query_as("SELECT * FROM grades WHERE user_id = ?");
    Ok(query.bind(user_id).fetch_all(db).await?)
}

/// The new grade takes the place of the old in the cache, so the student's next look is a hit;
/// the list it is in goes.
#[update_cache(key = CacheKeys::GRADING_RESULT.key(user_id, id), ttl = long)]
#[invalidate_cache(key = CacheKeys::USER_GRADES.key(user_id))]
pub(crate) async fn grade(
    db: &Db,
    user_id: UserId,
    id: AssignmentId,
    new: NewGrade,
) -> Result<Grade, Failure> {
    let query = sqlx::query_as(include_str!("grade.sql"));
    let query = query
        .bind(user_id)
        .bind(id)
        .bind(new.score)
        .bind(new.feedback);
    Ok(query.fetch_one(db).await?)
}
