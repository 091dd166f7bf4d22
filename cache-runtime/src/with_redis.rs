//! What `#[with_redis]` is made of: a connection for the function's first parameter.

use std::pin::Pin;
use std::time::Duration;

use crate::blocking::BlockingConnection;
use crate::cache::{Cache, current};
use crate::call::{Fallible, Shape};
use crate::client::{Dedicated, RedisConnection};
use crate::error::Error;

/// How long a connection that is handed out waits for an answer; without a limit it would wait for
/// ever on a server that is silent.
pub(crate) const RESPONSE_TIME: Duration = Duration::from_secs(10);

/// What an async function under `#[with_redis]` can be given.
#[diagnostic::on_unimplemented(
    message = "`#[with_redis]` cannot give a `{Self}`",
    label = "write `&mut cache_runtime::RedisConnection`, or `Dedicated`"
)]
pub trait GivesConnection: Sized {
    /// One to the Redis behind a cache.
    fn open(cache: &Cache) -> impl Future<Output = Result<Self, Error>> + Send;
}

impl GivesConnection for RedisConnection {
    async fn open(cache: &Cache) -> Result<Self, Error> {
        let mut connection = cache.connection().await?;
        connection.set_response_timeout(RESPONSE_TIME);
        Ok(connection)
    }
}

impl GivesConnection for Dedicated {
    async fn open(cache: &Cache) -> Result<Self, Error> {
        // No limit: it is for commands that wait.
        cache.dedicated().await
    }
}

/// What a function under `#[with_redis]` that is not async can be given.
#[diagnostic::on_unimplemented(
    message = "`#[with_redis]` cannot give a function that is not async a `{Self}`",
    label = "write `&mut cache_runtime::BlockingConnection`"
)]
pub trait GivesBlockingConnection: Sized {
    /// One to the Redis behind a cache.
    fn open_blocking(cache: &Cache) -> Result<Self, Error>;
}

impl GivesBlockingConnection for BlockingConnection {
    fn open_blocking(cache: &Cache) -> Result<Self, Error> {
        cache.blocking().connection()
    }
}

/// A function whose error can say that there is no connection.
#[diagnostic::on_unimplemented(
    message = "`#[with_redis]` needs a function whose error can say that Redis is away",
    label = "return a `Result` whose error implements `From<cache_runtime::Error>`"
)]
pub trait LacksConnection: Shape {
    /// The error.
    fn lacking(error: Error) -> Self::Error;
}

impl<T, E: From<Error>> LacksConnection for Fallible<T, E> {
    fn lacking(error: Error) -> E {
        E::from(error)
    }
}

/// A function under `#[with_redis]`; how its connection is opened is still open.
///
/// Bounds stand where a type comes in, and nowhere behind: rustc reports each once.
pub struct Connected<S: Shape, O = ()> {
    name: &'static str,
    cache: Option<Cache>,
    lacking: fn(Error) -> S::Error,
    open: O,
}

/// What opens a connection.
pub type Open<C> = fn(Cache) -> Pin<Box<dyn Future<Output = Result<C, Error>> + Send>>;

/// What opens one for a function that is not async.
pub type OpenBlocking<C> = fn(&Cache) -> Result<C, Error>;

/// A function under `#[with_redis]`.
pub fn connected<S: LacksConnection>(name: &'static str, _shape: S) -> Connected<S> {
    Connected {
        name,
        cache: None,
        lacking: S::lacking,
        open: (),
    }
}

impl<S: Shape> Connected<S> {
    /// `cache = ..`
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// What the function takes.
    pub fn by<C: GivesConnection>(self) -> Connected<S, Open<C>> {
        self.opened_by(|cache| Box::pin(async move { C::open(&cache).await }))
    }

    /// What the function takes, if it is not async.
    pub fn by_blocking<C: GivesBlockingConnection>(self) -> Connected<S, OpenBlocking<C>> {
        self.opened_by(C::open_blocking)
    }

    fn opened_by<O>(self, open: O) -> Connected<S, O> {
        Connected {
            name: self.name,
            cache: self.cache,
            lacking: self.lacking,
            open,
        }
    }
}

impl<S: Shape, C> Connected<S, Open<C>> {
    /// Runs the body with a connection.
    pub async fn run<B: AsyncFnOnce(C) -> S::Output>(self, body: B) -> S::Output {
        let opening = (self.open)(current(self.cache.as_ref()).clone());
        match opening.await {
            Ok(connection) => body(connection).await,
            Err(error) => self.without(error),
        }
    }
}

impl<S: Shape, C> Connected<S, OpenBlocking<C>> {
    /// Runs the body with a connection.
    pub fn run_blocking(self, body: impl FnOnce(C) -> S::Output) -> S::Output {
        match (self.open)(&current(self.cache.as_ref())) {
            Ok(connection) => body(connection),
            Err(error) => self.without(error),
        }
    }
}

impl<S: Shape, O> Connected<S, O> {
    /// The function's own error, which names the function.
    fn without(&self, error: Error) -> S::Output {
        let site = self.name;
        S::join(Err((self.lacking)(match error {
            Error::Unavailable { act, source, .. } => Error::Unavailable { act, site, source },
            other => other,
        })))
    }
}
