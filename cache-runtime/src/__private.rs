//! What expansions call. Not public API: nothing here is stable.

pub use inventory;

pub use crate::cache_key::{KeyProbe, NotAKey, companion};
pub use crate::call::*;
pub use crate::catalogue::{NotATemplate, Probe, Registered, RegisteredTemplate, assert_catalogue};
pub use crate::entry::{Compression, EntryCodec, EntryCompression, Format, Json, Postcard};
pub use crate::key::context::context;
pub use crate::key::plumbing::{arg, name_of, part, rendered, template_text};
pub use crate::key::{EscapeTable, Template, tag_key};
pub use crate::retry::{Again, Pause, RetryReturn, Retrying, again, retrying};
pub use crate::with_redis::{
    Connected, GivesBlockingConnection, GivesConnection, LacksConnection, Open, OpenBlocking,
    connected,
};

/// The shape of a return type.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_shape {
    ($output:ty) => {{
        use $crate::__private::{FallibleShape as _, PlainShape as _};
        (&$crate::__private::returns::<$output>()).__cache_shape()
    }};
}
pub use crate::__cache_shape as shape;

/// The way to the payload of a return type.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_payload {
    ($output:ty) => {{
        use $crate::__private::{PlainPayload as _, ResultPayload as _};
        (&$crate::__private::returns::<$output>()).__cache_payload()
    }};
}
pub use crate::__cache_payload as payload;

/// A first `return` of the type, never run: an async closure does not coerce what it returns to
/// the type that is written, unless it has returned one.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_returning {
    ($output:ty) => {
        if let ::core::option::Option::Some(__cache_never) = ::core::option::Option::None::<$output>
        {
            return __cache_never;
        }
    };
}
pub use crate::__cache_returning as gives;

/// The key that a companion makes of an expression.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_companion_of {
    ($key:expr) => {{
        use $crate::__private::NotAKey as _;
        $crate::__private::KeyProbe($key).__cache_companion()
    }};
}
pub use crate::__cache_companion_of as companion_of;

/// Runs a body as often as it takes. No closure: one that lends `&mut` parameters to its future
/// makes a future that is `Send` for nobody.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_run_again {
    ($retrying:ident, $body:expr) => {
        loop {
            match $retrying.judge($body.await) {
                ::core::result::Result::Ok(__cache_output) => break __cache_output,
                ::core::result::Result::Err(__cache_pause) => __cache_pause.pass().await,
            }
        }
    };
}
pub use crate::__cache_run_again as run_again;

/// `run_again` for a body that is not async.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_run_again_blocking {
    ($retrying:ident, $body:expr) => {
        loop {
            match $retrying.judge_run($body) {
                ::core::result::Result::Ok(__cache_output) => break __cache_output,
                ::core::result::Result::Err(__cache_pause) => __cache_pause.pass_blocking(),
            }
        }
    };
}
pub use crate::__cache_run_again_blocking as run_again_blocking;

/// Registers a function.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_submit {
    ($site:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registered($site) }
    };
}
pub use crate::__cache_submit as submit;

/// Registers a constant, if it is a template.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_submit_template {
    ($path:path, $name:literal) => {
        $crate::__private::inventory::submit! {
            $crate::__private::RegisteredTemplate {
                module: ::core::module_path!(),
                name: ::core::concat!(::core::module_path!(), "::", $name),
                file: ::core::file!(),
                line: ::core::line!(),
                describe: || {
                    use $crate::__private::NotATemplate as _;
                    (&$crate::__private::Probe(&$path)).__cache_describe()
                },
            }
        }
    };
}
pub use crate::__cache_submit_template as submit_template;
