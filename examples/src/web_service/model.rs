//! What the service is about: what is stored, cached and sent.

use cache_runtime::KeyPart;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

macro_rules! ids {
    ($($name:ident)*) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, KeyPart, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        pub(crate) struct $name(i64);
    )*};
}

ids! { UserId ClassId AssignmentId }

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct Class {
    pub(crate) id: ClassId,
    pub(crate) name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct Assignment {
    pub(crate) id: AssignmentId,
    pub(crate) class_id: ClassId,
    pub(crate) title: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct Grade {
    pub(crate) user_id: UserId,
    pub(crate) assignment_id: AssignmentId,
    pub(crate) score: f64,
    pub(crate) feedback: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct Analytics {
    pub(crate) students: i64,
    pub(crate) assignments: i64,
    pub(crate) grades: i64,
    pub(crate) average_score: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Enrolment {
    pub(crate) user_id: UserId,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Move {
    pub(crate) class_id: ClassId,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewAssignment {
    pub(crate) title: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewGrade {
    pub(crate) score: f64,
    pub(crate) feedback: String,
}
