//! What a failed try has left behind, and whether it is worth another.

use crate::error::{BackendError, Error, Fault};

/// What is known about an operation that ended with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It was surely not done, and may be done soon: Redis was not reached, or refused it in the
    /// state that it was in (`LOADING`, `READONLY`, `TRYAGAIN`, `CLUSTERDOWN`, `BUSY` ..).
    NotApplied,
    /// It may have been done: there was no answer, or the connection broke under it.
    Unknown,
    /// It would fail again.
    Permanent,
}

/// An error that can say what is known about the operation.
///
/// `redis::RedisError` and [`Error`] can; implement it for your own error, or
/// give `on = ..` a strategy that knows it.
///
/// ```
/// use cache_runtime::{Failure, Retryable};
///
/// enum OrderError {
///     Redis(redis::RedisError),
///     SoldOut,
/// }
///
/// impl Retryable for OrderError {
///     fn failure(&self) -> Failure {
///         match self {
///             Self::Redis(error) => error.failure(),
///             Self::SoldOut => Failure::Permanent,
///         }
///     }
/// }
///
/// assert_eq!(OrderError::SoldOut.failure(), Failure::Permanent);
/// # use cache_runtime::redis;
/// ```
#[diagnostic::on_unimplemented(
    message = "nobody knows when a `{Self}` is worth another try",
    label = "implement `cache_runtime::Retryable` for `{Self}`, or write `on = |error| ..`"
)]
pub trait Retryable {
    /// What is known about the operation that ended with this error.
    fn failure(&self) -> Failure;
}

/// Which errors are worth another try.
///
/// Closures of one error are strategies: `|error: &MyError| error.is_busy()`.
///
/// ```
/// use cache_runtime::{Retry, RetryStrategy};
///
/// struct Conflicts;
///
/// impl RetryStrategy<String> for Conflicts {
///     fn retries(&self, error: &String, failed: u32) -> bool {
///         error == "conflict" && failed < 10
///     }
/// }
///
/// let outcome = Retry::new().on(Conflicts).run_blocking(|| Err::<(), _>("gone".to_owned()));
/// assert!(outcome.is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no strategy for errors of type `{E}`",
    label = "write `transient`, `any`, a closure over a `&{E}`, or a `RetryStrategy<{E}>`"
)]
pub trait RetryStrategy<E> {
    /// Whether the operation may run again; it has failed `failed` times, this one included.
    fn retries(&self, error: &E, failed: u32) -> bool;
}

#[diagnostic::do_not_recommend]
impl<E, F: Fn(&E) -> bool> RetryStrategy<E> for F {
    fn retries(&self, error: &E, _failed: u32) -> bool {
        self(error)
    }
}

/// Runs again what surely was not done: safe for every operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transient;

#[diagnostic::do_not_recommend]
impl<E: Retryable> RetryStrategy<E> for Transient {
    fn retries(&self, error: &E, _failed: u32) -> bool {
        error.failure() == Failure::NotApplied
    }
}

/// Runs again also what may have been done, as after a timeout: for operations that may be done
/// twice, as `SET` may, and `INCR` may not.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyFailure;

#[diagnostic::do_not_recommend]
impl<E: Retryable> RetryStrategy<E> for AnyFailure {
    fn retries(&self, error: &E, _failed: u32) -> bool {
        error.failure() != Failure::Permanent
    }
}

impl Retryable for Failure {
    fn failure(&self) -> Failure {
        *self
    }
}

impl Retryable for std::convert::Infallible {
    fn failure(&self) -> Failure {
        match *self {}
    }
}

impl Retryable for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Unavailable { source, .. } | Self::Refused { source, .. } => source.failure(),
            _ => Failure::Permanent,
        }
    }
}

impl Retryable for BackendError {
    fn failure(&self) -> Failure {
        self.0.failure()
    }
}

impl Retryable for Fault {
    fn failure(&self) -> Failure {
        match self {
            Self::NotConnected | Self::Unreachable(_) => Failure::NotApplied,
            Self::Timeout | Self::Dropped => Failure::Unknown,
            Self::NoRuntime | Self::WrongType => Failure::Permanent,
            Self::Redis(error) => error.failure(),
        }
    }
}

/// What a server says before it does anything.
const REFUSALS: [&str; 10] = [
    "LOADING",
    "READONLY",
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "MOVED",
    "ASK",
    "BUSY",
    "NOREPLICAS",
    "MISCONF",
];

impl Retryable for redis::RedisError {
    fn failure(&self) -> Failure {
        use redis::{ErrorKind, ServerErrorKind};

        if self.is_connection_refusal() {
            return Failure::NotApplied;
        }
        match self.kind() {
            ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Failure::NotApplied,
            ErrorKind::Io => Failure::Unknown,
            ErrorKind::Server(ServerErrorKind::ExecAbort) => of_transaction(self),
            _ => match self.code() {
                Some(code) if !REFUSALS.contains(&code) => Failure::Permanent,
                // Only the errors of a pipeline come without words, and what stood beside the
                // refused command has been done.
                Some(_) if self.detail().is_none() => Failure::Unknown,
                Some(_) => Failure::NotApplied,
                None => Failure::Permanent,
            },
        }
    }
}

/// All of it is dropped when one of its commands is refused.
fn of_transaction(error: &redis::RedisError) -> Failure {
    let errors = error.clone().into_server_errors();
    let is_passing = errors.is_some_and(|errors| {
        let mut codes = errors.iter().map(|(_, error)| error.code());
        !errors.is_empty() && codes.all(|code| REFUSALS.contains(&code))
    });
    if is_passing {
        Failure::NotApplied
    } else {
        Failure::Permanent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn value(line: &str) -> redis::Value {
        redis::parse_redis_value(line.as_bytes()).unwrap()
    }

    fn said(line: &str) -> redis::RedisError {
        value(line).extract_error().unwrap_err()
    }

    /// A server that answers a pipeline like this.
    struct Answers(Vec<redis::Value>);

    impl redis::ConnectionLike for Answers {
        fn req_packed_command(&mut self, _cmd: &[u8]) -> redis::RedisResult<redis::Value> {
            Ok(redis::Value::Nil)
        }

        fn req_packed_commands(
            &mut self,
            _cmd: &[u8],
            _offset: usize,
            _count: usize,
        ) -> redis::RedisResult<Vec<redis::Value>> {
            Ok(self.0.clone())
        }

        fn get_db(&self) -> i64 {
            0
        }

        fn check_connection(&mut self) -> bool {
            true
        }

        fn is_open(&self) -> bool {
            true
        }
    }

    #[test]
    fn what_the_server_refuses_was_not_done() {
        for line in [
            "-LOADING Redis is loading the dataset in memory\r\n",
            "-READONLY You can't write against a read only replica.\r\n",
            "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
            "-CLUSTERDOWN The cluster is down\r\n",
            "-BUSY Redis is busy running a script.\r\n",
            "-NOREPLICAS Not enough good replicas to write.\r\n",
            "-MISCONF Redis is configured to save RDB snapshots\r\n",
            "-MOVED 3999 127.0.0.1:6381\r\n",
        ] {
            assert_eq!(said(line).failure(), Failure::NotApplied, "{line}");
        }
        for line in [
            "-ERR unknown command 'X'\r\n",
            "-WRONGTYPE Operation against a key\r\n",
            "-NOAUTH Authentication required.\r\n",
            "-NOPERM this user has no permissions\r\n",
            "-EXECABORT Transaction discarded because of previous errors.\r\n",
        ] {
            assert_eq!(said(line).failure(), Failure::Permanent, "{line}");
        }
    }

    #[test]
    fn a_pipeline_that_failed_in_part_was_done_in_part() {
        let refused = "-READONLY You can't write against a read only replica.\r\n";
        let mut server = Answers(vec![redis::Value::Okay, value(refused)]);
        let mut pipeline = redis::pipe();
        pipeline.cmd("INCR").arg("a").cmd("INCR").arg("b");
        let error = pipeline.query::<()>(&mut server).unwrap_err();
        assert_eq!(error.code(), Some("READONLY"));
        assert_eq!(error.failure(), Failure::Unknown);
    }

    #[test]
    fn a_broken_connection_leaves_doubt_and_a_refused_one_none() {
        let failed = |kind: io::ErrorKind| redis::RedisError::from(io::Error::from(kind)).failure();
        assert_eq!(
            failed(io::ErrorKind::ConnectionRefused),
            Failure::NotApplied
        );
        assert_eq!(failed(io::ErrorKind::BrokenPipe), Failure::Unknown);
        assert_eq!(failed(io::ErrorKind::ConnectionReset), Failure::Unknown);
        assert_eq!(failed(io::ErrorKind::TimedOut), Failure::Unknown);
        let away = |fault: Fault| fault.during("reading", "test").failure();
        assert_eq!(away(Fault::NotConnected), Failure::NotApplied);
        assert_eq!(away(Fault::Timeout), Failure::Unknown);
        assert_eq!(away(Fault::WrongType), Failure::Permanent);
        assert_eq!(Error::NoRedis.failure(), Failure::Permanent);
    }
}
