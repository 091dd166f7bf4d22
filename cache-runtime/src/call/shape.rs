//! What a function returns, told by its type and never by its type's name.
//!
//! [`shape!`](crate::__private::shape) asks for the shape of a type by method resolution: the
//! inherent method of `Returns<Result<T, E>>` with a cloneable error wins, then a trait method
//! for any other `Result`, then, one more reference away, the one for everything else.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::flight::Shared;

/// A value that can be cached: cloned, encoded for Redis and decoded again.
///
/// Implemented for every type that is `Clone + Serialize + DeserializeOwned + Send + Sync`.
///
/// ```
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// fn is_cacheable<V: cache_runtime::Cacheable>() {}
/// is_cacheable::<User>();
/// is_cacheable::<Option<Vec<User>>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "add `#[derive(Clone, serde::Serialize, serde::Deserialize)]` to it",
    note = "a cached value is cloned, encoded for Redis and decoded again, so its type must be \
            `Clone + Serialize + DeserializeOwned + Send + Sync + 'static`"
)]
pub trait Cacheable: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

// Without this attribute rustc reports the bounds one by one instead of the message above.
#[diagnostic::do_not_recommend]
impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Cacheable for T {}

/// Asks for the shape of `O`.
pub struct Returns<O>(PhantomData<fn() -> O>);

/// The question itself.
pub const fn returns<O>() -> Returns<O> {
    Returns(PhantomData)
}

/// How an output falls into a value and an error.
pub trait Shape {
    /// What the function returns.
    type Output;
    /// What is cached.
    type Value;
    /// What is not, unless `errors` says so.
    type Error;

    /// Whether it is a value.
    fn is_value(output: &Self::Output) -> bool;
    /// Takes an output apart.
    fn split(output: Self::Output) -> Result<Self::Value, Self::Error>;
    /// Puts it together again.
    fn join(result: Result<Self::Value, Self::Error>) -> Self::Output;
    /// A copy of an error for another caller, where errors can be copied.
    fn share(&self, error: &Self::Error) -> Option<Shared>;
    /// An error out of such a copy.
    fn open(&self, shared: &Shared) -> Option<Self::Error>;
}

/// The shape of everything that is not a `Result`.
pub struct Plain<T>(PhantomData<fn() -> T>);

impl<T> Plain<T> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Shape for Plain<T> {
    type Output = T;
    type Value = T;
    type Error = Infallible;

    fn is_value(_output: &T) -> bool {
        true
    }

    fn split(output: T) -> Result<T, Infallible> {
        Ok(output)
    }

    fn join(result: Result<T, Infallible>) -> T {
        match result {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    fn share(&self, error: &Infallible) -> Option<Shared> {
        match *error {}
    }

    fn open(&self, _shared: &Shared) -> Option<Infallible> {
        None
    }
}

/// The shape of a `Result`, with the way to copy its error if there is one.
pub struct Fallible<T, E> {
    share: Option<fn(&E) -> Shared>,
    open: Option<fn(&Shared) -> Option<E>>,
    output: PhantomData<fn() -> T>,
}

impl<T, E> Shape for Fallible<T, E> {
    type Output = Result<T, E>;
    type Value = T;
    type Error = E;

    fn is_value(output: &Self::Output) -> bool {
        output.is_ok()
    }

    fn split(output: Self::Output) -> Result<T, E> {
        output
    }

    fn join(result: Result<T, E>) -> Self::Output {
        result
    }

    fn share(&self, error: &E) -> Option<Shared> {
        self.share.map(|share| share(error))
    }

    fn open(&self, shared: &Shared) -> Option<E> {
        self.open.and_then(|open| open(shared))
    }
}

/// A function that returns a `Result`.
#[diagnostic::on_unimplemented(
    message = "`on = ok` needs a function that returns a `Result`",
    label = "this function cannot fail",
    note = "remove the option, or return a `Result`"
)]
pub trait FallibleReturn: Shape {}

impl<T, E> FallibleReturn for Fallible<T, E> {}

/// A function that returns a `Result`, so that its load can fail.
#[diagnostic::on_unimplemented(
    message = "`fail_safe` needs a function that returns a `Result`",
    label = "this function cannot fail",
    note = "remove the option, return a `Result`, or add `soft_timeout` to answer an older value \
            when the body takes long"
)]
pub trait CanFail: Shape {}

impl<T, E> CanFail for Fallible<T, E> {}

/// A function whose error can say that its load took too long.
#[diagnostic::on_unimplemented(
    message = "`hard_timeout` needs a function whose error can say that it ran out of time",
    label = "return a `Result` whose error implements `From<cache_runtime::Error>`",
    note = "a load that is given up ends as `E::from(cache_runtime::Error::LoadTimedOut)`"
)]
pub trait GivesUp: Shape {
    /// The error.
    fn given_up(error: crate::Error) -> Self::Error;
}

impl<T, E: From<crate::Error>> GivesUp for Fallible<T, E> {
    fn given_up(error: crate::Error) -> E {
        E::from(error)
    }
}

/// A function whose error can say that its invalidation was not applied.
#[diagnostic::on_unimplemented(
    message = "`on_failure = error` needs a function whose error can say that the cache was not \
               invalidated",
    label = "return a `Result` whose error implements `From<cache_runtime::Error>`",
    note = "an invalidation that is not applied ends as \
            `E::from(cache_runtime::Error::NotInvalidated)`"
)]
pub trait ReportsFailure: Shape {
    /// The error.
    fn failed(error: crate::Error) -> Self::Error;
}

impl<T, E: From<crate::Error>> ReportsFailure for Fallible<T, E> {
    fn failed(error: crate::Error) -> E {
        E::from(error)
    }
}

/// A function that returns a `Result` whose error can be cached.
// One trait for both questions, or rustc answers each of them with an error.
#[diagnostic::on_unimplemented(
    message = "`errors` needs a function that returns a `Result`",
    label = "this function cannot fail",
    note = "remove the option, or return a `Result`"
)]
pub trait CacheableErrors: Shape<Error = <Self as CacheableErrors>::Kept> {
    /// The error.
    type Kept: Cacheable;
}

impl<T, E: Cacheable> CacheableErrors for Fallible<T, E> {
    type Kept = E;
}

/// A value that can be absent.
#[diagnostic::on_unimplemented(
    message = "`none` needs a function that returns an `Option`, or a `Result` of one",
    label = "`{Self}` is never `None`",
    note = "remove `none`, or use `store_if` to decide by the value"
)]
pub trait Optional {
    /// Whether the value is absent.
    fn is_absent(&self) -> bool;
}

impl<T> Optional for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T, E: Clone + Send + Sync + 'static> Returns<Result<T, E>> {
    /// A `Result` whose error can be copied for those who wait.
    pub fn __cache_shape(&self) -> Fallible<T, E> {
        Fallible {
            share: Some(|error| Arc::new(error.clone())),
            open: Some(|shared| shared.downcast_ref::<E>().cloned()),
            output: PhantomData,
        }
    }
}

/// Any other `Result`.
pub trait FallibleShape {
    /// Its shape.
    type Shape;
    /// The answer.
    fn __cache_shape(&self) -> Self::Shape;
}

impl<T, E> FallibleShape for Returns<Result<T, E>> {
    type Shape = Fallible<T, E>;

    fn __cache_shape(&self) -> Fallible<T, E> {
        Fallible {
            share: None,
            open: None,
            output: PhantomData,
        }
    }
}

/// Everything else.
pub trait PlainShape {
    /// Its shape.
    type Shape;
    /// The answer.
    fn __cache_shape(&self) -> Self::Shape;
}

impl<O> PlainShape for &Returns<O> {
    type Shape = Plain<O>;

    fn __cache_shape(&self) -> Plain<O> {
        Plain(PhantomData)
    }
}

/// What `<return.x>` starts from: the innermost of `Result` and `Option`.
pub struct PayloadOf<O, P>(PhantomData<fn() -> O>, fn(&O) -> Option<&P>);

impl<O, P> PayloadOf<O, P> {
    /// The payload of `output`, where there is one.
    pub fn of<'a>(&self, output: &'a O) -> Option<&'a P> {
        (self.1)(output)
    }
}

impl<T, E> Returns<Result<Option<T>, E>> {
    /// The `Some` of the `Ok`.
    pub fn __cache_payload(&self) -> PayloadOf<Result<Option<T>, E>, T> {
        PayloadOf(PhantomData, |output| output.as_ref().ok()?.as_ref())
    }
}

impl<T> Returns<Option<T>> {
    /// The `Some`.
    pub fn __cache_payload(&self) -> PayloadOf<Option<T>, T> {
        PayloadOf(PhantomData, Option::as_ref)
    }
}

/// The payload of any other `Result`.
pub trait ResultPayload {
    /// What comes out.
    type Found;
    /// The answer.
    fn __cache_payload(&self) -> Self::Found;
}

impl<T, E> ResultPayload for Returns<Result<T, E>> {
    type Found = PayloadOf<Result<T, E>, T>;

    fn __cache_payload(&self) -> Self::Found {
        PayloadOf(PhantomData, |output| output.as_ref().ok())
    }
}

/// The payload of everything else: the output itself.
pub trait PlainPayload {
    /// What comes out.
    type Found;
    /// The answer.
    fn __cache_payload(&self) -> Self::Found;
}

impl<O> PlainPayload for &Returns<O> {
    type Found = PayloadOf<O, O>;

    fn __cache_payload(&self) -> Self::Found {
        PayloadOf(PhantomData, |output| Some(output))
    }
}
