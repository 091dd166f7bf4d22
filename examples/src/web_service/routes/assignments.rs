//! Requests about assignments and how they were done.

use axum::Json;
use axum::extract::{Path, State};

use super::Answer;
use crate::db::Db;
use crate::model::{Assignment, AssignmentId, Grade, NewGrade, UserId};
use crate::{assignments, grading};

pub(super) async fn one(State(db): State<Db>, Path(id): Path<AssignmentId>) -> Answer<Assignment> {
    Ok(Json(assignments::assignment(&db, id).await?))
}

pub(super) async fn grade(
    State(db): State<Db>,
    Path((assignment, user)): Path<(AssignmentId, UserId)>,
) -> Answer<Grade> {
    Ok(Json(grading::grade_of(&db, user, assignment).await?))
}

pub(super) async fn grade_anew(
    State(db): State<Db>,
    Path((assignment, user)): Path<(AssignmentId, UserId)>,
    Json(new): Json<NewGrade>,
) -> Answer<Grade> {
    Ok(Json(grading::grade(&db, user, assignment, new).await?))
}
