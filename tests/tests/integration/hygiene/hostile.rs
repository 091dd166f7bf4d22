//! Every attribute among names that hide those of the standard library.
#![deny(warnings)]

use cache_runtime::{
    KeyPart, KeyTemplate, cache_keys, cache_many, cache_result, invalidate_cache, redis_retry,
    update_cache, with_redis,
};
use serde::{Deserialize, Serialize};

#[expect(
    unused_imports,
    reason = "hides the names; whoever uses one makes this expectation fail"
)]
use self::hidden::*;
use crate::support::Runs;

/// Defines macros that take nothing, so that any use of one fails.
macro_rules! hide {
    ($($name:ident)*) => {$(
        #[expect(unused_macros, reason = "only hides")]
        macro_rules! $name { () => {}; }
    )*};
}

hide! {
    assert assert_eq cfg column compile_error concat debug_assert env file format format_args
    include_str line matches module_path panic println stringify todo unreachable vec write
}

#[expect(
    dead_code,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "hides the names of the standard library, and those that expansions might bind"
)]
mod hidden {
    pub(super) mod std {}
    pub(super) mod core {}
    pub(super) mod alloc {}
    pub(super) mod serde_json {}
    pub(super) mod tokio {}
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Vec;
    pub(super) struct String;
    pub(super) struct Box;
    pub(super) struct Arc;
    pub(super) struct Pin;
    pub(super) struct Duration;
    pub(super) struct bool;
    pub(super) struct str;
    pub(super) struct u32;
    pub(super) struct u64;
    pub(super) struct usize;
    pub(super) struct drop;
    pub(super) struct never;
    pub(super) const value: () = ();
    pub(super) trait Send {}
    pub(super) trait Sync {}
    pub(super) trait Copy {}
    pub(super) trait Clone {}
    pub(super) trait Default {}
    pub(super) trait Iterator {}
    pub(super) trait IntoIterator {}
    pub(super) trait From {}
    pub(super) trait Into {}
    pub(super) trait Fn {}
    pub(super) trait FnOnce {}
    pub(super) trait Future {}
    pub(super) trait Borrow {}
}

/// Gives every type methods by the names that expansions call.
#[expect(dead_code, reason = "must not be called")]
trait Everything {
    fn any(&self) {}
    fn cache(&self, (): ()) {}
    fn call(&self) {}
    fn can_fail(&self, (): ()) {}
    fn each(&self, (): ()) {}
    fn gives_up(&self, (): ()) {}
    fn many(&self) {}
    fn errors(&self, (): ()) {}
    fn format(&self, (): ()) {}
    fn jitter(&self, (): ()) {}
    fn key(&self, (): ()) {}
    fn key_from(&self, (): ()) {}
    fn keys(&self, (): ()) {}
    fn none(&self, (): ()) {}
    fn part(&self) {}
    fn payload(&self) {}
    fn shape(&self) {}
    fn describe(&self) {}
    fn companion(&self) {}
    fn read(&self, (): ()) {}
    fn read_behind(&self, (): ()) {}
    fn read_blocking(&self, (): ()) {}
    fn render(&self, (): ()) {}
    fn run(&self, (): ()) {}
    fn returned(&self, (): ()) {}
    fn store_if(&self, (): ()) {}
    fn tag(&self, (): ()) {}
    fn tags(&self, (): ()) {}
    fn ttl(&self, (): ()) {}
    fn update(&self, (): ()) {}
}

impl<T: ?::core::marker::Sized> Everything for T {}

#[derive(KeyPart, Serialize, Deserialize)]
pub(super) struct Number(pub(super) ::core::primitive::u64);

#[derive(KeyPart)]
pub(super) struct Range<T> {
    pub(super) from: T,
    pub(super) to: ::core::option::Option<T>,
}

#[derive(KeyPart)]
pub(super) enum Kind {
    Plain,
    Named(::core::primitive::u32),
    Both {
        number: Number,
        range: Range<::core::primitive::u64>,
    },
}

pub(super) struct Keys;

#[cache_keys]
impl Keys {
    pub(super) const OF: KeyTemplate<(::core::primitive::u64, Kind), ::std::string::String> =
        KeyTemplate::new("hostile:of:<number>:<kind>");
}

impl Keys {
    #[cache_result(key = Keys::OF.key(number, kind), ttl = "1m", key_ignores(runs))]
    pub(super) async fn of(
        number: ::core::primitive::u64,
        kind: Kind,
        runs: &Runs,
    ) -> ::std::string::String {
        let _ = kind;
        runs.run();
        ::std::string::ToString::to_string(&number)
    }
}

#[cache_result(
    key = "hostile:all:<call>:<payload>",
    ttl = |_: &::core::option::Option<::std::string::String>| ::core::time::Duration::from_secs(60),
    jitter = "10%",
    none = "5s",
    errors = 1,
    store_if = |_| true,
    version = 2,
    codec = postcard,
    compress = "1kb",
    max_entry = "1mb",
    max_loads = 4,
    key_ignores(output)
)]
pub(super) async fn every_option(
    call: ::core::primitive::u64,
    payload: &::core::primitive::str,
    output: &Runs,
) -> ::core::result::Result<::core::option::Option<::std::string::String>, ::std::string::String> {
    output.run();
    let text = [&*::std::string::ToString::to_string(&call), payload].join(" ");
    ::core::result::Result::Ok(::core::option::Option::Some(text))
}

#[cache_result(key = "hostile:plain:<id>", ttl = 60, key_ignores(runs))]
pub(super) async fn plain(id: ::core::primitive::u64, runs: &Runs) -> ::core::primitive::u64 {
    runs.run();
    id
}

#[cache_result(
    key = "hostile:windowed:<id>",
    ttl = 60,
    stale = "1m",
    fail_safe = "2m",
    refresh_ahead = 1.0,
    refresh = background,
    soft_timeout = "1s",
    hard_timeout = "2s",
    verify = 0.01,
    tags = ["hostile:<id>", "hostile"]
)]
pub(super) async fn windowed(
    id: ::core::primitive::u64,
) -> ::core::result::Result<::core::primitive::u64, ::cache_runtime::Error> {
    ::core::result::Result::Ok(id)
}

#[cache_many(
    key = "hostile:many:<text>:<one>",
    by = one in many,
    ttl = 60,
    tags = ["hostile:<one>"],
    store_if = |_| true,
    key_ignores(runs)
)]
pub(super) async fn batch(
    many: &[::core::primitive::u64],
    text: ::std::string::String,
    runs: &Runs,
) -> ::std::collections::BTreeMap<::core::primitive::u64, ::std::string::String> {
    let mut all = ::std::collections::BTreeMap::new();
    for one in many {
        runs.run();
        all.insert(*one, ::std::clone::Clone::clone(&text));
    }
    all
}

#[update_cache(key = "hostile:all:<id>:<text>", version = 2, codec = postcard, ttl = 60)]
pub(super) async fn update(
    id: ::core::primitive::u64,
    text: &::core::primitive::str,
    runs: &Runs,
) -> ::core::option::Option<::std::string::String> {
    let _ = (id, text);
    runs.run();
    ::core::option::Option::Some(::std::string::String::from("updated"))
}

#[invalidate_cache(
    key = "hostile:plain:<return>",
    keys = [Keys::OF.key(id, Kind::Plain), plain_key(id), "hostile:all:<id>:<text>"],
    pattern = "hostile:all:<id>:*",
    tags = ["hostile", "hostile:<return>"],
    settle = "1ms",
    on = ok
)]
pub(super) async fn forget(
    id: ::core::primitive::u64,
    text: &::core::primitive::str,
) -> ::core::result::Result<::core::primitive::u64, ::std::string::String> {
    let _ = text;
    ::core::result::Result::Ok(id)
}

#[cache_result(key = "hostile:blocking:<id>", companion = key_of_blocking)]
pub(super) fn blocking(id: ::core::primitive::u64) -> ::core::primitive::u64 {
    id
}

#[invalidate_cache(keys = [key_of_blocking(id)], when = around)]
pub(super) fn forget_blocking(id: ::core::primitive::u64) {}

#[redis_retry(max_retries = 2, backoff = 1, max_time = "5s", on = any)]
pub(super) async fn again(
    text: ::std::string::String,
    mut left: ::core::primitive::u64,
    runs: &Runs,
) -> ::core::result::Result<::std::string::String, ::cache_runtime::Failure> {
    left -= 1;
    if runs.run() < 2 {
        return ::core::result::Result::Err(::cache_runtime::Failure::Unknown);
    }
    let left = ::std::string::ToString::to_string(&left);
    ::core::result::Result::Ok([&*text, &*left].join(" "))
}

#[with_redis(cache = given)]
#[redis_retry(on = |_| false)]
pub(super) fn connected(
    redis: &::cache_runtime::BlockingConnection,
    given: &::cache_runtime::Cache,
) -> ::core::result::Result<::core::primitive::u64, ::cache_runtime::Error> {
    let _ = (redis, given);
    ::core::result::Result::Ok(7)
}

#[redis_retry]
#[with_redis]
pub(super) async fn connected_too(
    mut redis: ::cache_runtime::RedisConnection,
    text: &::core::primitive::str,
) -> ::core::result::Result<::core::primitive::usize, ::cache_runtime::Error> {
    redis.set_response_timeout(::core::time::Duration::from_secs(1));
    ::core::result::Result::Ok(text.len())
}
