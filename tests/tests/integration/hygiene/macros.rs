//! Functions that a `macro_rules!` makes: of its own names, of its caller's, and of both.
#![deny(warnings)]

use cache_runtime::{
    Failure, KeyTemplate, cache_keys, cache_result, invalidate_cache, redis_retry,
};

#[derive(Clone)]
pub(super) struct User {
    id: u64,
    class: (u32, &'static str),
}

/// Name and value type from the caller, parameter and template from the macro.
macro_rules! made_parameter {
    ($(#[$attribute:meta])* $vis:vis fn $name:ident() -> $value:ty = $body:expr; ttl = $ttl:expr) => {
        $(#[$attribute])*
        #[cache_result(key = "made-parameter:<id>", ttl = $ttl)]
        $vis async fn $name(id: u64) -> $value {
            let _ = id;
            $body
        }
    };
}

made_parameter! {
    /// Documented by the caller.
    #[must_use]
    pub(super) fn made_parameter() -> Option<String> = Some("made".to_owned());
    ttl = "1m"
}

/// The parameter is the caller's, the template the macro's.
macro_rules! given_parameter {
    ($name:ident, $id:ident: $ty:ty => $body:block) => {
        #[cache_result(key = "given-parameter:<user_id>")]
        async fn $name($id: $ty) -> u64 $body
    };
}

given_parameter!(given_parameter, user_id: u64 => { user_id + 1 });

/// The template is the caller's, the parameter the macro's.
macro_rules! given_template {
    ($name:ident, $key:literal, $ty:ty) => {
        #[cache_result(key = $key)]
        async fn $name(id: &$ty) -> u32 {
            id.class.0
        }
    };
}

given_template!(
    given_template,
    "given-template:<id.id>:<id.class.1|hash>",
    User
);

/// Some parameters are the caller's, one is the macro's, of the same name.
macro_rules! retried {
    ($vis:vis fn $name:ident($id:ident: $ty:ty) $body:block; on = $on:expr, backoff = $backoff:literal) => {
        #[redis_retry(on = $on, backoff = $backoff)]
        $vis async fn $name(mut $id: $ty, id: u64) -> Result<u64, Failure> {
            $id += id;
            let made: u64 = $body;
            Ok(made)
        }
    };
}

retried! {
    pub(super) fn retried(id: u64) { id * 10 };
    on = |failure: &Failure| *failure == Failure::Unknown, backoff = "1ms"
}

/// A local of the macro's has the name of the caller's parameter.
macro_rules! same_name {
    ($name:ident, $id:ident, $more:expr) => {
        #[cache_result(key = "same-name:<id>", key_ignores(other))]
        async fn $name($id: u64, other: u64) -> u64 {
            let id = other;
            $more + id
        }
    };
}

same_name!(same_name, id, id * 10);

pub(super) struct Keys;

/// Templates, a key expression, and what invalidates them.
macro_rules! entity {
    ($const:ident, $load:ident, $forget:ident, $template:literal, $key:expr, [$($gone:expr),*]) => {
        #[cache_keys]
        impl Keys {
            const $const: KeyTemplate<(u64,), Vec<u64>> = KeyTemplate::new($template);
        }

        #[cache_result(key = ($key)(id), ttl = 60, companion = none)]
        async fn $load(id: u64) -> Result<Vec<u64>, String> {
            Ok(vec![id])
        }

        #[invalidate_cache(keys = [$($gone),*], on = ok)]
        #[invalidate_cache(key = $template, pattern = "user:<id>:*")]
        async fn $forget(id: u64) -> Result<(), String> {
            let _ = id;
            Ok(())
        }
    };
}

entity!(
    USERS,
    users,
    forget_users,
    "users:<id>",
    |id: &u64| Keys::USERS.key(id),
    [Keys::USERS.key(1), Keys::USERS.key(2)]
);

/// A macro that makes a macro's call.
macro_rules! nested {
    ($($name:ident)*) => {$(
        given_template!($name, "nested:<id.class.0>", User);
    )*};
}

mod inner {
    use super::{User, cache_result};

    nested!(nested);

    pub(in super::super) async fn twice(user: &User) -> (u32, u32) {
        (nested(user).await, nested(user).await)
    }
}

/// Attributes on methods that a macro makes, with the caller's `self`.
macro_rules! methods {
    ($ty:ty, $self:ident => $body:expr) => {
        impl $ty {
            #[cache_result(key = "method:<self.id>:<page>")]
            async fn page(&$self, page: u32) -> u64 {
                $body + u64::from(page)
            }
        }
    };
}

methods!(User, self => self.id);

pub(super) async fn use_all() {
    let user = User {
        id: 7,
        class: (3, "b"),
    };
    for _ in 0..2 {
        assert_eq!(made_parameter(7).await.as_deref(), Some("made"));
        assert_eq!(given_parameter(7).await, 8);
        assert_eq!(given_template(&user).await, 3);
        assert_eq!(same_name(7, 1).await, 71);
        assert_eq!(users(7).await, Ok(vec![7]));
        assert_eq!(user.page(1).await, 8);
    }
    assert_eq!(inner::twice(&user).await, (3, 3));
    forget_users(7).await.expect("no error");
    assert_eq!(users(7).await, Ok(vec![7]));
    assert_eq!(users(7).await, Ok(vec![7]));
    assert_eq!(made_parameter_key(7).text(), "made-parameter:7");
    assert_eq!(given_parameter_key(7).text(), "given-parameter:7");
    assert_eq!(same_name_key(7).text(), "same-name:7");
    assert_eq!(user.page_key(1).text(), "method:7:1");
}
