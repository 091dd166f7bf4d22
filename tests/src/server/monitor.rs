//! Sees each command as the server receives it, so that tests can count what clients sent.
//!
//! The server's own counters add what scripts call to what clients send; here they can be told
//! apart.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::RedisServer;

/// Every command of every client since it was made, in the order of their execution.
///
/// ```no_run
/// use cache_tests::RedisServer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = RedisServer::start().await;
/// let mut monitor = server.monitor().await;
/// server.command::<()>(("SET", "greeting", "hello")).await;
/// assert_eq!(monitor.sent().await, ["SET greeting hello"]);
/// # }
/// ```
#[derive(Debug)]
pub struct Monitor<'a> {
    server: &'a RedisServer,
    lines: BufReader<TcpStream>,
}

/// What marks how far the monitor has to read.
const MARK: &str = "ECHO the-monitor-has-seen-it-all";

impl RedisServer {
    /// Watches the commands that clients send from now on.
    pub async fn monitor(&self) -> Monitor<'_> {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).await;
        let mut lines = BufReader::new(stream.unwrap_or_else(|error| panic!("{error}")));
        let sent = lines.get_mut().write_all(b"MONITOR\r\n").await;
        sent.unwrap_or_else(|error| panic!("MONITOR: {error}"));
        let mut monitor = Monitor {
            server: self,
            lines,
        };
        assert_eq!(monitor.line().await, "+OK");
        monitor
    }
}

impl Monitor<'_> {
    /// What clients have sent since the last look, each command as its words; what their scripts
    /// call is not among it.
    pub async fn sent(&mut self) -> Vec<String> {
        let words: Vec<_> = MARK.split(' ').collect();
        self.server.command::<()>(words).await;
        let mut commands = Vec::new();
        loop {
            let line = self.line().await;
            match command(&line) {
                Some(command) if command == MARK => return commands,
                command => commands.extend(command),
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).await;
        assert!(matches!(read, Ok(1..)), "the monitor ended: {read:?}");
        line.truncate(line.trim_end().len());
        line
    }
}

/// The command in a line such as `+1700000000.123456 [0 127.0.0.1:5555] "GET" "key"`; nothing if a
/// script called it, which stands in place of the address.
fn command(line: &str) -> Option<String> {
    let (client, words) = line.split_once("] ")?;
    if client.ends_with(" lua") {
        return None;
    }
    // What is in quotes has its own quotes escaped, so this ends each word.
    let words = words.strip_prefix('"')?.strip_suffix('"')?;
    Some(words.replace("\" \"", " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_client_sent_from_what_a_script_called() {
        let sent = r#"+1700000000.123456 [0 127.0.0.1:5555] "SET" "key" "a \" b""#;
        assert_eq!(command(sent).unwrap(), r#"SET key a \" b"#);
        let called = r#"+1700000000.123456 [0 lua] "GET" "key""#;
        assert_eq!(command(called), None);
    }
}
