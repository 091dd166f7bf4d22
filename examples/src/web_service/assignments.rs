//! Assignments: given to a class, seen by each of its students.

use cache_runtime::{cache_result, invalidate_cache};

use crate::db::Db;
use crate::failure::Failure;
use crate::keys::CacheKeys;
use crate::model::{Assignment, AssignmentId, ClassId, NewAssignment, UserId};
use crate::users;

#[cache_result(key = CacheKeys::ASSIGNMENT_INFO.key(id), ttl = default, key_ignores(db))]
pub(crate) async fn assignment(db: &Db, id: AssignmentId) -> Result<Assignment, Failure> {
    let query = sqlx::query_as("SELECT id, class_id, title FROM assignments WHERE id = ?");
    Ok(query.bind(id).fetch_one(db).await?)
}

#[cache_result(key = CacheKeys::CLASS_ASSIGNMENTS.key(class_id), ttl = default, key_ignores(db))]
pub(crate) async fn assignments_in(db: &Db, class_id: ClassId) -> Result<Vec<Assignment>, Failure> {
    let query = sqlx::query_as("SELECT id, class_id, title FROM assignments WHERE class_id = ?");
    Ok(query.bind(class_id).fetch_all(db).await?)
}

/// Put together out of cached parts instead of cached itself: else a new assignment would have to
/// invalidate an entry for each student of the class, and not one.
pub(crate) async fn assignments_of(db: &Db, user_id: UserId) -> Result<Vec<Assignment>, Failure> {
    let mut assignments = Vec::new();
    for class_id in users::classes_of(db, user_id).await? {
        assignments.extend(assignments_in(db, class_id).await?);
    }
    Ok(assignments)
}

#[invalidate_cache(key = CacheKeys::CLASS_ASSIGNMENTS.key(class_id))]
pub(crate) async fn create(
    db: &Db,
    class_id: ClassId,
    new: NewAssignment,
) -> Result<Assignment, Failure> {
    let query = sqlx::query_as(
        "INSERT INTO assignments (class_id, title) VALUES (?, ?) RETURNING id, class_id, title",
    );
    Ok(query.bind(class_id).bind(new.title).fetch_one(db).await?)
}
