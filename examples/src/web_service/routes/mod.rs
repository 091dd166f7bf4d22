//! Which request calls which function. Nothing in here knows that there is a cache.

mod assignments;
mod classes;
mod users;

use axum::http::StatusCode;
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};

use crate::db::Db;
use crate::failure::Failure;
use crate::status;

type Answer<T> = Result<Json<T>, Failure>;
type Created<T> = Result<(StatusCode, Json<T>), Failure>;
type Done = Result<StatusCode, Failure>;

pub(crate) fn router(db: Db) -> Router {
    let user = get(users::one).patch(users::rename).delete(users::erase);
    let students = get(classes::students).post(classes::enrol);
    let work = get(classes::assignments).post(classes::give);
    let grade = get(assignments::grade).put(assignments::grade_anew);

    Router::new()
        .route("/users", post(users::create))
        .route("/users/{user}", user)
        .route("/users/{user}/cache", delete(users::forget))
        .route("/users/{user}/classes", get(users::classes))
        .route("/users/{user}/assignments", get(users::assignments))
        .route("/users/{user}/grades", get(users::grades))
        .route("/classes", post(classes::create))
        .route("/classes/{class}", get(classes::one))
        .route("/classes/{class}/students", students)
        .route(
            "/classes/{class}/students/{user}",
            patch(classes::move_student),
        )
        .route("/classes/{class}/assignments", work)
        .route("/classes/{class}/analytics", get(classes::analytics))
        .route("/assignments/{assignment}", get(assignments::one))
        .route("/assignments/{assignment}/grades/{user}", grade)
        .route("/cache", get(status::counts))
        .route("/cache/health", get(status::health))
        .with_state(db)
}
