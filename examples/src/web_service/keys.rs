//! All keys of the service.
//!
//! What belongs to a user begins with `user:<user>:`, so that one pattern finds it, whatever is
//! cached of users tomorrow. Lists hold ids, so that a change of name concerns one entry.

use cache_runtime::{KeyTemplate, cache_keys};

use crate::model::{Analytics, Assignment, AssignmentId, Class, ClassId, Grade, User, UserId};

pub(crate) struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    pub(crate) const USER_PROFILE: KeyTemplate<(UserId,), User> =
        KeyTemplate::new("user:<user>:profile");
    pub(crate) const USER_CLASSES: KeyTemplate<(UserId,), Vec<ClassId>> =
        KeyTemplate::new("user:<user>:classes");
    pub(crate) const USER_GRADES: KeyTemplate<(UserId,), Vec<Grade>> =
        KeyTemplate::new("user:<user>:grades");
    pub(crate) const GRADING_RESULT: KeyTemplate<(UserId, AssignmentId), Grade> =
        KeyTemplate::new("user:<user>:grading:<assignment>");

    pub(crate) const CLASS_INFO: KeyTemplate<(ClassId,), Class> =
        KeyTemplate::new("class:<class>:info");
    pub(crate) const CLASS_STUDENTS: KeyTemplate<(ClassId,), Vec<UserId>> =
        KeyTemplate::new("class:<class>:students");
    pub(crate) const CLASS_ASSIGNMENTS: KeyTemplate<(ClassId,), Vec<Assignment>> =
        KeyTemplate::new("class:<class>:assignments");
    pub(crate) const CLASS_ANALYTICS: KeyTemplate<(ClassId,), Analytics> =
        KeyTemplate::new("class:<class>:analytics");

    pub(crate) const ASSIGNMENT_INFO: KeyTemplate<(AssignmentId,), Assignment> =
        KeyTemplate::new("assignment:<assignment>:info");
}
