//! A connection for code that does not await.

use redis::aio::ConnectionLike as _;
use redis::{Cmd, ConnectionLike, ErrorKind, Pipeline, RedisError, RedisResult, Value, cmd};

use crate::client::RedisConnection;
use crate::client::engine::Engine;
use crate::error::Error;
use crate::with_redis::RESPONSE_TIME;

/// A connection to the Redis behind a cache for code that does not await: what
/// `redis::Commands`, pipelines and scripts ask for.
///
/// It shares the connection that the process's own runtime drives, so it is multiplexed: no
/// blocking commands (`BLPOP`), no `SELECT`, no `WATCH`. Each command waits 10 s for its answer
/// at most, and is refused on a runtime's thread.
///
/// ```no_run
/// use cache_runtime::{Cache, redis::Commands};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = Cache::builder().redis_url("redis://localhost").build()?;
/// let mut connection = cache.blocking().connection()?;
/// let online: u64 = connection.scard(cache.name_in_redis("online"))?;
/// # Ok(())
/// # }
/// ```
pub struct BlockingConnection {
    connection: RedisConnection,
    engine: &'static Engine,
}

impl BlockingConnection {
    pub(super) fn new(mut connection: RedisConnection, engine: &'static Engine) -> Self {
        connection.set_response_timeout(RESPONSE_TIME);
        Self { connection, engine }
    }

    fn wait<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        if crate::call::may_block() {
            return self.engine.block_on(answer);
        }
        let act = "sending a command";
        let detail = Error::WouldBlock { act }.to_string();
        Err(RedisError::from((
            ErrorKind::Client,
            "this thread must not be blocked",
            detail,
        )))
    }
}

impl std::fmt::Debug for BlockingConnection {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("BlockingConnection")
            .finish_non_exhaustive()
    }
}

impl ConnectionLike for BlockingConnection {
    fn req_packed_command(&mut self, packed: &[u8]) -> RedisResult<Value> {
        match &unpacked(packed)?[..] {
            [one] => self.req_command(one),
            _ => Err(malformed()),
        }
    }

    fn req_packed_commands(
        &mut self,
        packed: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let mut pipeline = Pipeline::new();
        for command in unpacked(packed)? {
            pipeline.add_command(command);
        }
        let mut connection = self.connection.clone();
        self.wait(connection.req_packed_commands(&pipeline, offset, count))
    }

    fn req_command(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut connection = self.connection.clone();
        self.wait(connection.req_packed_command(command))
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }

    fn check_connection(&mut self) -> bool {
        self.req_command(&cmd("PING")).is_ok()
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// The commands that the library has packed into bytes: `*2\r\n$3\r\nGET\r\n$1\r\na\r\n` ..
fn unpacked(packed: &[u8]) -> RedisResult<Vec<Cmd>> {
    let mut rest = packed;
    let mut commands = Vec::new();
    while !rest.is_empty() {
        let mut command = Cmd::new();
        for _ in 0..length(b'*', &mut rest)? {
            let length = length(b'$', &mut rest)?;
            let argument = rest.get(..length).ok_or_else(malformed)?;
            command.arg(argument);
            rest = rest.get(length + 2..).ok_or_else(malformed)?;
        }
        commands.push(command);
    }
    Ok(commands)
}

/// `3` of `$3\r\n`, which is taken off.
fn length(mark: u8, rest: &mut &[u8]) -> RedisResult<usize> {
    let line = rest.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let number = line.strip_prefix(&[mark]).and_then(|digits| {
        let digits = std::str::from_utf8(digits).ok()?;
        digits.parse().ok()
    });
    let number = number.ok_or_else(malformed)?;
    *rest = rest.get(line.len() + 2..).ok_or_else(malformed)?;
    Ok(number)
}

fn malformed() -> RedisError {
    RedisError::from((ErrorKind::Client, "these bytes are no commands"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_the_library_packs() {
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg("a").arg(&b"\r\n$1\xff"[..]);
        pipeline.cmd("GET").arg("");
        let packed = pipeline.get_packed_pipeline();
        let mut again = Pipeline::new();
        let commands = unpacked(&packed).unwrap();
        assert_eq!(commands.len(), 2);
        for command in commands {
            again.add_command(command);
        }
        assert_eq!(again.get_packed_pipeline(), packed);
    }

    #[test]
    fn refuses_what_is_no_command() {
        for bytes in [&b"GET a\r\n"[..], b"*1\r\n$5\r\nGET\r\n", b"*x\r\n", b"*1"] {
            assert!(unpacked(bytes).is_err());
        }
    }
}
