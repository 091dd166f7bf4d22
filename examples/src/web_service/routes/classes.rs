//! Requests about classes.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{Answer, Created, Done};
use crate::db::Db;
use crate::model::{
    Analytics, Assignment, Class, ClassId, Enrolment, Move, Named, NewAssignment, UserId,
};
use crate::{assignments, classes};

pub(super) async fn create(State(db): State<Db>, Json(new): Json<Named>) -> Created<Class> {
    Ok((StatusCode::CREATED, Json(classes::create(&db, new).await?)))
}

pub(super) async fn one(State(db): State<Db>, Path(id): Path<ClassId>) -> Answer<Class> {
    Ok(Json(classes::class(&db, id).await?))
}

pub(super) async fn students(State(db): State<Db>, Path(id): Path<ClassId>) -> Answer<Vec<UserId>> {
    Ok(Json(classes::students_of(&db, id).await?))
}

pub(super) async fn enrol(
    State(db): State<Db>,
    Path(id): Path<ClassId>,
    Json(Enrolment { user_id }): Json<Enrolment>,
) -> Done {
    classes::enrol(&db, id, user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn move_student(
    State(db): State<Db>,
    Path((from, user)): Path<(ClassId, UserId)>,
    Json(Move { class_id: to }): Json<Move>,
) -> Done {
    classes::move_student(&db, user, from, to).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn assignments(
    State(db): State<Db>,
    Path(id): Path<ClassId>,
) -> Answer<Vec<Assignment>> {
    Ok(Json(assignments::assignments_in(&db, id).await?))
}

pub(super) async fn give(
    State(db): State<Db>,
    Path(id): Path<ClassId>,
    Json(new): Json<NewAssignment>,
) -> Created<Assignment> {
    Ok((
        StatusCode::CREATED,
        Json(assignments::create(&db, id, new).await?),
    ))
}

pub(super) async fn analytics(State(db): State<Db>, Path(id): Path<ClassId>) -> Answer<Analytics> {
    Ok(Json(classes::analytics_of(&db, id).await?))
}
