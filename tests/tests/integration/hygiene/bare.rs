//! The attributes where there is no prelude at all.
#![no_implicit_prelude]
#![deny(warnings)]

use ::cache_runtime::{KeyPart, KeyTemplate, cache_keys, cache_result, invalidate_cache};
use ::core::option::Option;
use ::core::result::Result;

use crate::support::Runs;

#[derive(KeyPart)]
pub(super) enum Scope<T> {
    All,
    One(T),
}

pub(super) struct Keys;

#[cache_keys]
impl Keys {
    pub(super) const SQUARE: KeyTemplate<(u32, Scope<u8>), u64> =
        KeyTemplate::new("bare:square:<number>:<scope>");
}

#[cache_result(key = "bare:<id>", ttl = 60, none = default, key_ignores(runs))]
pub(super) async fn optional(id: u64, runs: &Runs) -> Result<Option<u64>, ::std::string::String> {
    runs.run();
    Result::Ok(Option::None)
}

#[cache_result(key = Keys::SQUARE.key(number, Scope::One(1)), key_ignores(runs))]
pub(super) async fn square(number: u32, runs: &Runs) -> u64 {
    runs.run();
    let number: u64 = ::core::convert::From::from(number);
    number * number
}

#[invalidate_cache(
    key = "bare:<return>",
    keys = [optional_key(id), Keys::SQUARE.key(0, Scope::All)],
    pattern = "bare:<id>:*",
    on = ok
)]
pub(super) async fn forget(id: u64) -> Result<u64, ::std::string::String> {
    Result::Ok(id)
}
