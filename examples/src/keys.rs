//! Keys: typed templates, what may stand in one, and what can be done with one by hand.
//!
//! ```sh
//! cargo run --bin keys
//! ```

use std::fmt::Debug;
use std::time::Duration;

use cache_runtime::{
    Cache, Config, Counter, Error, KeyPart, KeyTemplate, Secret, cache_keys, cache_result,
};
use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);

/// A newtype looks like what is in it: `7`.
#[derive(Clone, Copy, Debug, PartialEq, KeyPart, Serialize, Deserialize)]
struct UserId(u32);

/// A variant is its name, with its fields behind it: `Student`, `TeacherOf(3,)`.
#[derive(Clone, Copy, KeyPart)]
enum Role {
    Student,
    TeacherOf(u32),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
}

fn named(name: &str) -> Profile {
    let name = name.to_owned();
    Profile { name }
}

/// All keys of a program in one place. `#[cache_keys]` has each checked when the program is
/// compiled, used or not: a wrong placeholder, or a tuple of the wrong length, does not compile.
struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const USER_PROFILE: KeyTemplate<(UserId,), Profile> = KeyTemplate::new("user:profile:<id>");
    const MEMBERS: KeyTemplate<(String, Role), Vec<UserId>> =
        KeyTemplate::new("class:<name>:<role>");
    const SEARCH: KeyTemplate<(String,), Vec<UserId>> = KeyTemplate::new("search:<words|hash>");
    const OWNER: KeyTemplate<(Secret<String>,), UserId> = KeyTemplate::new("link:<token>:owner");
    const LOGINS: KeyTemplate<(UserId,), Counter> = KeyTemplate::new("user:logins:<id>");
}

/// A template makes keys; here one is the key of a cached function.
#[cache_result(key = CacheKeys::USER_PROFILE.key(id), ttl = "30m")]
async fn profile_of(id: UserId) -> Profile {
    named(&format!("user {}", id.0))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    cache_runtime::init(Config::default())?;
    show_keys();
    use_a_companion().await?;
    use_keys_by_hand().await?;
    use_many_keys().await?;
    count().await
}

/// No value can add a separator, a glob or a brace: two lists of arguments never share a key.
fn show_keys() {
    let token = Secret::new("3f9c81d2a7".to_owned());
    let teacher = Role::TeacherOf(3);
    show("a newtype", CacheKeys::USER_PROFILE.key(UserId(7)).text());
    show("an enum", CacheKeys::MEMBERS.key("10b", teacher).text());
    show(
        "escaped",
        CacheKeys::MEMBERS.key("10:b*", Role::Student).text(),
    );
    show(
        "a digest",
        CacheKeys::SEARCH.key("the rivers of Asia").text(),
    );
    show("a secret", CacheKeys::OWNER.key(&token).text());
    println!();
}

/// Beside `profile_of` stands `profile_of_key`, which gives the key of a call.
async fn use_a_companion() -> Result<(), Error> {
    let key = profile_of_key(&UserId(7));
    show("before a call", key.get().await?);
    let profile = profile_of(UserId(7)).await;
    assert_eq!(key.get().await?, Some(profile));
    show("after the call", key.get().await?);
    show("invalidate", key.invalidate().await?);
    show("afterwards", key.get().await?);
    println!();
    Ok(())
}

async fn use_keys_by_hand() -> Result<(), Error> {
    // Only a `Profile` goes in and comes out: `put(&7, ..)` does not compile.
    let key = CacheKeys::USER_PROFILE.key(UserId(8));
    key.put(&named("Grace"), MINUTE).await?;
    show("put", key.get().await?);
    show("remaining_ttl", key.remaining_ttl().await?);
    show("expire", key.expire(2 * MINUTE).await?);
    show("remaining_ttl", key.remaining_ttl().await?);
    show("delete", key.delete().await?);
    show("exists", key.exists().await?);
    println!();
    Ok(())
}

/// One round trip for all of them.
async fn use_many_keys() -> Result<(), Error> {
    let cache = Cache::global();
    let key = |id| CacheKeys::USER_PROFILE.key(UserId(id));
    let entries = [(key(1), named("Ada")), (key(2), named("Grace"))];
    cache.put_many(&entries, MINUTE).await?;
    let found = cache.get_many(&[key(1), key(2), key(3)]).await?;
    show("get_many", found);
    let outcome = cache.invalidate_many([key(1), key(3)]).await?;
    show("invalidate_many", outcome);
    show("clear a pattern", cache.clear("user:profile:*").await?);
    println!();
    Ok(())
}

/// A counter is a bare number, as `INCR` keeps it and any Redis client reads it.
async fn count() -> Result<(), Error> {
    let logins = CacheKeys::LOGINS.key(UserId(7));
    logins.increment_within(1, MINUTE).await?;
    show("logins", logins.increment_within(1, MINUTE).await?);
    show("counted for", logins.remaining_ttl().await?);
    show("decrement", logins.decrement(1).await?);
    show("count", logins.count().await?);
    Ok(())
}

fn show(what: &str, value: impl Debug) {
    println!("{what:<17}{value:?}");
}
