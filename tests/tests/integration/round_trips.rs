//! What a call sends to Redis, command by command. Scripts count as what is sent; what they call
//! costs no way to the server and back.

use cache_runtime::cache_result;

use crate::support::Fixture;

#[cache_result(key = "plain:<id>", ttl = 60)]
async fn plain(id: u64) -> u64 {
    id
}

/// The commands of one call, by the names of their first words and their keys.
async fn sent<T>(fixture: &Fixture, call: impl Future<Output = T>) -> Vec<String> {
    let server = fixture.server.as_ref().expect("a server");
    let mut monitor = server.monitor().await;
    fixture.cache.scope(call).await;
    monitor.sent().await
}

/// Of `EVALSHA <digest> <number of keys> <keys> <arguments>` and the like: the command.
fn name(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}

/// Opens the connection, and loads the scripts that `call` needs.
async fn warmed_up<F: Future>(call: impl FnOnce() -> F) -> Fixture {
    let fixture = Fixture::on_redis().await;
    fixture.cache.scope(call()).await;
    fixture
}

#[tokio::test]
async fn a_hit_is_one_command() {
    let fixture = warmed_up(|| plain(7)).await;
    assert_eq!(sent(&fixture, plain(7)).await, ["GET plain:7"]);
}

#[tokio::test]
async fn a_miss_is_three_commands() {
    let fixture = warmed_up(|| plain(7)).await;
    let sent = sent(&fixture, plain(8)).await;
    let names: Vec<_> = sent.iter().map(|command| name(command)).collect();
    // Read, take the lease, publish.
    assert_eq!(names, ["GET", "EVALSHA", "EVALSHA"]);
    assert!(
        sent[1..]
            .iter()
            .all(|script| script.contains(" 1 plain:8 ")),
        "{sent:?}"
    );
}
