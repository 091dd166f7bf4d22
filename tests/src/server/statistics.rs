//! Reads what a server counts, so that tests can count round trips.

use std::collections::BTreeMap;

use super::RedisServer;

/// The commands by which the harness itself counts.
const OWN_COMMANDS: [&str; 2] = ["config|resetstat", "info"];

impl RedisServer {
    /// The fields of one section of `INFO`, such as `memory`.
    pub async fn info(&self, section: &str) -> BTreeMap<String, String> {
        fields(&self.command::<String>(("INFO", section)).await)
    }

    /// Whether it answers, and as a primary; one that was just made one closes its connections.
    pub async fn is_primary(&self) -> bool {
        let Ok(mut connection) = super::connect::to(&self.url()).await else {
            return false;
        };
        let role = redis::cmd("ROLE").query_async(&mut connection).await;
        matches!(role, Ok(redis::Value::Array(role))
            if role.first() == Some(&redis::Value::BulkString(b"master".to_vec())))
    }

    /// How often a command ran, as `INFO commandstats` names it: `get`, `client|tracking`.
    ///
    /// Commands inside scripts count as well.
    pub async fn calls(&self, command: &str) -> u64 {
        self.all_calls()
            .await
            .get(&command.to_lowercase())
            .copied()
            .unwrap_or_default()
    }

    /// How often each command ran, those of the harness's own counting aside.
    pub async fn all_calls(&self) -> BTreeMap<String, u64> {
        let mut calls = calls(self.info("commandstats").await);
        calls.retain(|command, _| !OWN_COMMANDS.contains(&command.as_str()));
        calls
    }

    /// Starts all counting again at zero.
    pub async fn reset_stats(&self) {
        self.command::<()>(("CONFIG", "RESETSTAT")).await;
    }
}

fn fields(info: &str) -> BTreeMap<String, String> {
    info.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Of `cmdstat_get` = `calls=3,usec=12,..` the name and the 3.
fn calls(statistics: BTreeMap<String, String>) -> BTreeMap<String, u64> {
    statistics
        .into_iter()
        .filter_map(|(name, value)| {
            let (calls, _) = value.strip_prefix("calls=")?.split_once(',')?;
            Some((
                name.strip_prefix("cmdstat_")?.to_owned(),
                calls.parse().ok()?,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_calls_of_commands_and_subcommands() {
        let info = "# Commandstats\r\n\
                    cmdstat_get:calls=3,usec=12,usec_per_call=4.00\r\n\
                    cmdstat_client|id:calls=1,usec=2,usec_per_call=2.00\r\n";
        let expected = [("client|id".to_owned(), 1), ("get".to_owned(), 3)];
        assert_eq!(calls(fields(info)), BTreeMap::from(expected));
    }
}
