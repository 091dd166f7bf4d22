//! The attributes of `cache-runtime`, which re-exports them: depend on that.
//!
//! Data flows one way, a folder a stage: `parse` knows syntax, `check` knows
//! rules, `model` is what is legal, `expand` only prints.

use proc_macro::TokenStream;

use errors::Errors;

mod check;
mod errors;
mod expand;
mod model;
mod parse;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod snapshots;
mod stages;
mod text;

#[doc = include_str!("../docs/cache_result.md")]
#[doc = include_str!("../docs/options/key.md")]
#[doc = include_str!("../docs/options/key_ignores.md")]
#[doc = include_str!("../docs/options/ttl.md")]
#[doc = include_str!("../docs/options/jitter.md")]
#[doc = include_str!("../docs/options/none.md")]
#[doc = include_str!("../docs/options/errors.md")]
#[doc = include_str!("../docs/options/store_if.md")]
#[doc = include_str!("../docs/options/tags.md")]
#[doc = include_str!("../docs/options/stale.md")]
#[doc = include_str!("../docs/options/fail_safe.md")]
#[doc = include_str!("../docs/options/refresh_ahead.md")]
#[doc = include_str!("../docs/options/refresh.md")]
#[doc = include_str!("../docs/options/soft_timeout.md")]
#[doc = include_str!("../docs/options/hard_timeout.md")]
#[doc = include_str!("../docs/options/sliding.md")]
#[doc = include_str!("../docs/options/verify.md")]
#[doc = include_str!("../docs/options/version.md")]
#[doc = include_str!("../docs/options/codec.md")]
#[doc = include_str!("../docs/options/compress.md")]
#[doc = include_str!("../docs/options/max_entry.md")]
#[doc = include_str!("../docs/options/max_loads.md")]
#[doc = include_str!("../docs/options/cache.md")]
#[doc = include_str!("../docs/options/companion.md")]
#[doc = include_str!("../docs/options/crate.md")]
#[proc_macro_attribute]
pub fn cache_result(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::load(
        check::Attribute::Read,
        arguments.into(),
        item.into(),
        &mut Errors::default(),
    )
    .into()
}

#[doc = include_str!("../docs/update_cache.md")]
#[proc_macro_attribute]
pub fn update_cache(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::load(
        check::Attribute::Update,
        arguments.into(),
        item.into(),
        &mut Errors::default(),
    )
    .into()
}

#[doc = include_str!("../docs/cache_many.md")]
#[proc_macro_attribute]
pub fn cache_many(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::load(
        check::Attribute::Many,
        arguments.into(),
        item.into(),
        &mut Errors::default(),
    )
    .into()
}

#[doc = include_str!("../docs/invalidate_cache.md")]
#[doc = include_str!("../docs/options/keys.md")]
#[doc = include_str!("../docs/options/tags.md")]
#[doc = include_str!("../docs/options/pattern.md")]
#[doc = include_str!("../docs/options/on.md")]
#[doc = include_str!("../docs/options/when.md")]
#[doc = include_str!("../docs/options/settle.md")]
#[doc = include_str!("../docs/options/confirm.md")]
#[doc = include_str!("../docs/options/on_failure.md")]
#[doc = include_str!("../docs/options/external.md")]
#[proc_macro_attribute]
pub fn invalidate_cache(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::write(arguments.into(), item.into(), &mut Errors::default()).into()
}

#[doc = include_str!("../docs/redis_retry.md")]
#[doc = include_str!("../docs/options/max_retries.md")]
#[doc = include_str!("../docs/options/backoff.md")]
#[doc = include_str!("../docs/options/max_time.md")]
#[doc = include_str!("../docs/options/retry_on.md")]
#[doc = include_str!("../docs/options/crate.md")]
#[proc_macro_attribute]
pub fn redis_retry(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::retry(arguments.into(), item.into(), &mut Errors::default()).into()
}

#[doc = include_str!("../docs/with_redis.md")]
#[doc = include_str!("../docs/options/crate.md")]
#[proc_macro_attribute]
pub fn with_redis(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::with_redis(arguments.into(), item.into(), &mut Errors::default()).into()
}

#[doc = include_str!("../docs/cache_keys.md")]
#[proc_macro_attribute]
pub fn cache_keys(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::keys(arguments.into(), item.into(), &mut Errors::default()).into()
}

#[doc = include_str!("../docs/key_part.md")]
#[proc_macro_derive(KeyPart, attributes(key_part))]
pub fn key_part(item: TokenStream) -> TokenStream {
    stages::key_part(item.into(), &mut Errors::default()).into()
}
