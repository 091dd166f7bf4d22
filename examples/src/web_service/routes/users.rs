//! Requests about users.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{Answer, Created, Done};
use crate::db::Db;
use crate::model::{Assignment, ClassId, Grade, Named, User, UserId};
use crate::{assignments, grading, users};

pub(super) async fn create(State(db): State<Db>, Json(new): Json<Named>) -> Created<User> {
    Ok((StatusCode::CREATED, Json(users::create(&db, new).await?)))
}

pub(super) async fn one(State(db): State<Db>, Path(id): Path<UserId>) -> Answer<User> {
    Ok(Json(users::user(&db, id).await?))
}

pub(super) async fn rename(
    State(db): State<Db>,
    Path(id): Path<UserId>,
    Json(new): Json<Named>,
) -> Answer<User> {
    Ok(Json(users::rename(&db, id, new).await?))
}

pub(super) async fn erase(State(db): State<Db>, Path(id): Path<UserId>) -> Done {
    users::erase(&db, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn forget(Path(id): Path<UserId>) -> StatusCode {
    users::forget(id).await;
    StatusCode::NO_CONTENT
}

pub(super) async fn classes(State(db): State<Db>, Path(id): Path<UserId>) -> Answer<Vec<ClassId>> {
    Ok(Json(users::classes_of(&db, id).await?))
}

pub(super) async fn assignments(
    State(db): State<Db>,
    Path(id): Path<UserId>,
) -> Answer<Vec<Assignment>> {
    Ok(Json(assignments::assignments_of(&db, id).await?))
}

pub(super) async fn grades(State(db): State<Db>, Path(id): Path<UserId>) -> Answer<Vec<Grade>> {
    Ok(Json(grading::grades_of(&db, id).await?))
}
